"""Ranks beside the ground truth, on data that know it."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Integer, Shaped
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.removal.ranks import by_patch


@dataclass(frozen=True)
class TruthPrecision:
    """Share of truly relevant units among the k ranked first, where k units are relevant (relevance rank accuracy).

    Paper: Arras, Osman, Samek 2022, arXiv:2003.07258, s. 2.2 (relevance rank accuracy); precision at k, with k the
    number of relevant units (R-precision).
    Differs from the paper: units rank as the benchmark ranks them; the paper has several poolings of channels.

    Misleads: a network may decide by other features than those that the truth names. All test examples count that have
    relevant and irrelevant units.
    """

    label = "truth found"
    better = "high"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("truth",)
    cost = "nothing"

    def measure(self, sample: Sample) -> float | None:
        """In [0, 1]."""
        return None if sample.truth is None else precision(*sample.truth)


@dataclass(frozen=True)
class TruthAuc:
    """Probability that a relevant unit ranks before an irrelevant one, 50 % at random.

    Paper: none; the area under the ROC curve (Mann, Whitney 1947).
    Differs from the paper: nowhere.

    Misleads: a network may decide by other features than those that the truth names. All test examples count that have
    relevant and irrelevant units.
    """

    label = "truth AUC"
    better = "high"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("truth",)
    cost = "nothing"

    def measure(self, sample: Sample) -> float | None:
        """In [0, 1]."""
        return None if sample.truth is None else auc(*sample.truth)


def precision(ranks: Integer[Tensor, "n *unit"], relevant: Shaped[Tensor, "n *feature"]) -> float | None:
    """Share of the k most important units that are relevant, k being as many as really are.

    Args:
        ranks: 0 for the most important unit of an example; `(n, 1, ...)` or `(n, *feature)`.
        relevant: true, or above 0, where a feature is relevant; a unit is where one of its features is.

    Returns:
        The mean over examples that have units of both kinds; None without any.
    """
    positions, true = _units(ranks, relevant)
    k = true.sum(1)
    hits = (true & (positions < k[:, None])).sum(1)
    return _mean(hits.double() / k, (k > 0) & (k < true.shape[1]))


def auc(ranks: Integer[Tensor, "n *unit"], relevant: Shaped[Tensor, "n *feature"]) -> float | None:
    """Probability that a relevant unit ranks before an irrelevant one, 0.5 by chance.

    Args:
        ranks: 0 for the most important unit of an example; `(n, 1, ...)` or `(n, *feature)`.
        relevant: true, or above 0, where a feature is relevant; a unit is where one of its features is.

    Returns:
        The mean over examples that have units of both kinds; None without any.
    """
    positions, true = _units(ranks, relevant)
    size, k = true.shape[1], true.sum(1)
    # Irrelevant units before a relevant one are its rank less the relevant units before it.
    misordered = (positions * true).sum(1) - k * (k - 1) // 2
    return _mean(1 - misordered.double() / (k * (size - k)), (k > 0) & (k < size))


def _units(
    ranks: Integer[Tensor, "n *unit"], relevant: Shaped[Tensor, "n *feature"]
) -> tuple[Integer[Tensor, "n u"], Bool[Tensor, "n u"]]:
    """Ranks of the units, and whether each is relevant."""
    true, units = (relevant > 0).to(ranks.device), tuple(ranks.shape[1:])
    if true.shape[1:] != units:
        true = by_patch(true.any(1, keepdim=True), units).any(-1)
    return ranks.flatten(1).long(), true.flatten(1)


def _mean(values: Float[Tensor, "n"], counted: Bool[Tensor, "n"]) -> float | None:
    """Mean over the examples that count; None without any."""
    return float(values[counted].mean()) if torch.any(counted) else None
