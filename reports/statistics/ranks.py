"""Explainers ranked on several data sets: Friedman's test, and Nemenyi's critical difference of mean ranks."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from roarbench.reports.statistics.family import LEVEL

LEAST_BLOCKS, LEAST_EXPLAINERS = 3, 3
DRAWS = 10_000
"""Permutations behind a p, always the same."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Friedman:
    """Whether explainers differ over data sets (Demšar 2006, J. Mach. Learn. Res. 7).

    Attributes:
        ranks: rank of every explainer on every data set, 1 the best; ties share their mean rank.
        statistic: Friedman's chi-squared; 0 if all tie.
        p: share of `DRAWS` permutations of the ranks within data sets that reach it; with few data sets the chi-squared
            distribution is far from that.
        critical_difference: mean ranks further apart than this differ at 5 % (Nemenyi).
    """

    ranks: Float[np.ndarray, "blocks explainers"]
    statistic: float
    p: float
    critical_difference: float


def friedman(values: Float[np.ndarray, "blocks explainers"], *, highest_first: bool = False) -> Friedman:
    """Ranks explainers on every data set and tests whether their mean ranks differ.

    Args:
        values: mean accuracies, finite.
        highest_first: the highest value has rank 1 instead of the lowest.

    Raises:
        ValueError: fewer than three data sets or explainers.
    """
    blocks, explainers = values.shape
    if blocks < LEAST_BLOCKS or explainers < LEAST_EXPLAINERS:
        raise ValueError(f"values must have at least 3 data sets and 3 explainers, got {blocks} and {explainers}")
    ranks = rankdata(-values if highest_first else values, axis=1)
    if (ranks == ranks[:, :1]).all():
        return Friedman(ranks, 0.0, 1.0, critical_difference(explainers, blocks))
    statistic = float(friedmanchisquare(*ranks.T).statistic)
    return Friedman(ranks, statistic, _p(ranks), critical_difference(explainers, blocks))


def _p(ranks: Float[np.ndarray, "blocks explainers"]) -> float:
    """Of the sums of ranks, whose squares order permutations as the statistic does; ours counts as one more."""
    drawn = np.random.default_rng(0).permuted(np.broadcast_to(ranks, (DRAWS, *ranks.shape)), axis=2).sum(axis=1)
    reached = (drawn**2).sum(axis=1) >= (ranks.sum(axis=0) ** 2).sum() - ROUNDING
    return (1 + int(reached.sum())) / (1 + DRAWS)


@cache
def critical_difference(explainers: int, blocks: int) -> float:
    """Nemenyi's critical difference of mean ranks at 5 %."""
    quantile = studentized_range.ppf(1 - LEVEL, explainers, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(explainers * (explainers + 1) / (6 * blocks)))
