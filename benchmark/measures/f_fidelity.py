"""F-Fidelity: fidelity of a network that was fine-tuned to live with random deletions, by never deleting more."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor, nn

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.measures.tuning import tuned
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.ranks import kept, spread

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the units that count as explained; the measure is the mean over them."""


@dataclass(frozen=True)
class _FFidelity(ABC):
    """What both measures share: their parameters, and how a part of the units is deleted at random."""

    share: float | None = None
    alpha: float = 0.5
    beta: float = 0.1
    draws: int = 50
    images: int = 256
    epochs: int = 5

    def _check(self, name: str) -> None:
        for field in ("share", "alpha", "beta"):
            value = getattr(self, field)
            if value is not None and not 0 < value < 1:
                raise ValueError(f"{name}[{field}] must lie between 0 and 1, got {value:g}")
        for field in ("draws", "images", "epochs"):
            if getattr(self, field) < 1:
                raise ValueError(f"{name}[{field}] must be at least 1, got {getattr(self, field)}")

    @torch.no_grad()
    def values(self, sample: Sample) -> Float[Tensor, "m"]:
        """The measure of each example, in [-1, 1]: the mean over shares.

        Raises:
            Skip: ranks of the test split are not stored.
        """
        name = sample.by_unit(f"f_fidelity[beta={self.beta:g}]")
        network = tuned(sample, name, partial(self._deleting, sample.units), epochs=self.epochs)
        shares = SHARES if self.share is None else (self.share,)
        values = []
        for number, (part, ranks, classes) in enumerate(sample.ranked_examples(self.images)):
            missing = torch.zeros(len(part)).to(sample.maps)
            for share in shares:
                noise = generator("assessment", "f_fidelity", share, number)
                deleted = self._deletions(*self._part(ranks, share), noise, part.feature_shape)
                lost = [_right(network, torch.where(gone, sample.mean, part.inputs), classes) for gone in deleted]
                missing += _right(network, part.inputs, classes) - torch.stack(lost).mean(0)
            values.append(missing / len(shares))
        return torch.cat(values)

    def measure(self, sample: Sample) -> float:
        """In [-1, 1]."""
        return float(self.values(sample).mean())

    @abstractmethod
    def _part(self, ranks: Integer[Tensor, "b *unit"], share: float) -> tuple[Bool[Tensor, "b *unit"], float]:
        """Units that may be deleted, and how many they are as a share of all."""

    def _deletions(
        self, part: Bool[Tensor, "b *unit"], size: float, noise: torch.Generator, feature_shape: tuple[int, ...]
    ) -> Iterator[Bool[Tensor, "b *mask"]]:
        """Which units of a part are deleted, draw by draw: never more than fine-tuning saw."""
        for _ in range(self.draws):
            drawn = torch.rand(part.shape, generator=noise).to(part.device) < min(self.alpha, self.beta / size)
            yield spread(part & drawn, feature_shape)

    def _deleting(self, units: tuple[int, ...], number: int, shape: tuple[int, ...]) -> Bool[Tensor, "n *mask"]:
        """Masks that hide each unit with the chance beta."""
        return spread(torch.rand(number, *units) >= self.beta, shape)


@dataclass(frozen=True)
class FFidelityPlus(_FFidelity):
    """F-Fidelity+: how much less often the class is predicted when units ranked first are deleted at random.

    Paper: Zheng et al. 2025, arXiv:2410.02970: FFid+(s) = 1[f_r(x) = y] - mean over draws of 1[f_r(x') = y], where x'
    lost each unit of the top share s with the chance min(alpha, beta / s). f_r is the network, fine-tuned on images
    that lost each unit with the chance beta.
    Differs from the paper: y is the explained class; the mean is taken over five shares; deleted units get the training
    mean. The authors' public example for images differs by three faults. It draws the units at random instead of by
    rank. It compares a share with a count, so that the chance is never cut. It has s where FFid- needs 1 - s. Here the
    formulae of the paper hold.

    Misleads: at most the share beta is ever deleted. Where the class survives that, every explainer is near 0.

    Attributes:
        share: of the units that counts as explained; none takes the mean over .1, .3, .5, .7 and .9.
        alpha: greatest chance of a unit to be deleted.
        beta: share of the units that is deleted in fine-tuning, and never exceeded on average.
        draws: random deletions of each example, the same for all explainers.
        images: number of test examples that are used, a fixed random choice.
        epochs: of the fine-tuning, which all explainers share.
    """

    label = "F-Fidelity+"
    better = "high"
    bounds = (-1.0, 1.0)
    form = "percent"
    needs = ("network", "retraining")
    cost = "250 passes of the classifier; a fine-tuning of 5 epochs for each network, shared by all explainers"

    def __post_init__(self) -> None:
        self._check("f_fidelity_plus")

    def _part(self, ranks: Integer[Tensor, "b *unit"], share: float) -> tuple[Bool[Tensor, "b *unit"], float]:
        return ~kept(ranks, removal_fraction=share), share


@dataclass(frozen=True)
class FFidelityMinus(_FFidelity):
    """F-Fidelity-: how much less often the class is predicted when units not ranked first are deleted at random.

    Paper: Zheng et al. 2025, arXiv:2410.02970: FFid-(s) = 1[f_r(x) = y] - mean over draws of 1[f_r(x') = y], where x'
    lost each unit outside the top share s with the chance min(alpha, beta / (1 - s)).
    Differs from the paper: as f_fidelity_plus does, which names three faults of the authors' public example.

    Misleads: at most the share beta is ever deleted. Where the class survives that, every explainer is near 0.

    Attributes:
        share: of the units that counts as explained; none takes the mean over .1, .3, .5, .7 and .9.
        alpha: greatest chance of a unit to be deleted.
        beta: share of the units that is deleted in fine-tuning, and never exceeded on average.
        draws: random deletions of each example, the same for all explainers.
        images: number of test examples that are used, a fixed random choice.
        epochs: of the fine-tuning, which all explainers share.
    """

    label = "F-Fidelity-"
    better = "low"
    bounds = (-1.0, 1.0)
    form = "percent"
    needs = ("network", "retraining")
    cost = "250 passes of the classifier; the fine-tuning is that of f_fidelity_plus"

    def __post_init__(self) -> None:
        self._check("f_fidelity_minus")

    def _part(self, ranks: Integer[Tensor, "b *unit"], share: float) -> tuple[Bool[Tensor, "b *unit"], float]:
        return kept(ranks, removal_fraction=share), 1 - share


def _right(
    network: nn.Module, inputs: Float[Tensor, "b *feature"], classes: Integer[Tensor, "b"]
) -> Float[Tensor, "b"]:
    """1 where a network predicts the explained class, else 0."""
    return (network(inputs).argmax(1) == classes).double()
