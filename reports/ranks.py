"""Explainers ranked on several data sets: Friedman's test, and Nemenyi's critical difference of mean ranks."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from reports.statistics import LEVEL

LEAST_BLOCKS, LEAST_EXPLAINERS = 3, 3


@dataclass(frozen=True)
class Friedman:
    """Whether explainers differ over data sets (Demšar 2006, J. Mach. Learn. Res. 7).

    Attributes:
        ranks: of every explainer on every data set, 1 the best; ties share their mean rank.
        statistic, p: of Friedman's test, chi-squared with explainers - 1 degrees of freedom; 0 and 1 if all tie.
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
    statistic, p = friedmanchisquare(*ranks.T)
    return Friedman(ranks, float(statistic), float(p), critical_difference(explainers, blocks))


@cache
def critical_difference(explainers: int, blocks: int) -> float:
    """Nemenyi's critical difference of mean ranks at 5 %."""
    quantile = studentized_range.ppf(1 - LEVEL, explainers, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(explainers * (explainers + 1) / (6 * blocks)))
