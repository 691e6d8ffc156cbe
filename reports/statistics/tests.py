"""Differences paired by seed: interval, t test, exact test, Holm's correction, and what could be detected at all."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import stdtr
from scipy.stats import nct, t

from roarbench.benchmark.results.statistics import summarise

LEVEL, POWER = 0.05, 0.80
ENUMERATED, DRAWS = 12, 10_000
"""Most differences for which the exact test enumerates all signs; beyond, the number of drawn signs, always the same.
"""
NOTHING = 1e-12
"""Differences of accuracies below this are rounding."""

Seeds = Mapping[int, float]
"""Seed -> value, such as the mean accuracy of a curve."""


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences.

    Attributes:
        half_width: half the width of the 95 % t interval of the mean; NaN for n < 2, as are the p values.
        p_t: two-sided p of the paired t test.
        p_exact: two-sided p of the sign-flip permutation test, which supposes no distribution, only symmetry about 0.
    """

    mean: float
    half_width: float
    n: int
    p_t: float
    p_exact: float

    @property
    def least_p(self) -> float:
        """The smallest p that the exact test can give with n differences, 2^(1-n); NaN for n = 0."""
        return least_p(self.n)


def difference(differences: Iterable[float]) -> Difference:
    """Summarises paired differences; those that are NaN do not count.

    >>> difference([1.0, 2.0, 3.0]).p_exact
    0.25
    """
    numbers = [value for value in differences if not math.isnan(value)]
    summary = summarise(numbers)
    return Difference(summary.mean, summary.half_width, summary.n, t_test(numbers), sign_flip_test(numbers))


def paired(one: Seeds, other: Seeds) -> list[float]:
    """One minus other, for the seeds that both have."""
    return [value - other[seed] for seed, value in one.items() if seed in other]


def pairs(values: Mapping[str, Seeds]) -> dict[tuple[str, str], list[float]]:
    """The paired differences of every two explainers."""
    return {(one, other): paired(values[one], values[other]) for one, other in combinations(values, 2)}


def t_test(differences: Sequence[float]) -> float:
    """Two-sided p of the paired t test; NaN for n < 2.

    Where all differences are the same, 1 if they are zero and otherwise `least_p`: accuracies are counts of images, so
    a few seeds agree by chance much more often than a p of 0 would say.
    """
    n = len(differences)
    if n < 2:
        return math.nan
    mean = math.fsum(differences) / n
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in differences) / (n - 1) / n)
    if error <= NOTHING:
        return 1.0 if abs(mean) <= NOTHING else least_p(n)
    return float(2 * stdtr(n - 1, -abs(mean) / error))


def sign_flip_test(differences: Sequence[float]) -> float:
    """Two-sided p of the mean under all changes of sign of the differences; NaN for n < 2.

    Fisher 1935, The Design of Experiments, s.21. Differs: beyond `ENUMERATED` differences, `DRAWS` changes of sign are
    drawn. The one at hand counts as one more (Phipson and Smyth 2010), and p is at least `least_p`.
    """
    n = len(differences)
    if n < 2:
        return math.nan
    values = np.asarray(differences)
    reached = np.abs(_signs(n) @ values) >= abs(values.sum()) - NOTHING
    if n <= ENUMERATED:
        return float(reached.mean())
    return max(least_p(n), (1 + int(reached.sum())) / (1 + DRAWS))


def least_p(n: int) -> float:
    """The smallest two-sided p of the exact test with n differences.

    >>> least_p(3)
    0.25
    """
    return 2.0 ** (1 - n) if n else math.nan


def holm(p_values: Sequence[float]) -> list[float]:
    """Step-down adjusted p values of one family (Holm 1979); NaN stays NaN and does not count.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    ordered = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted, so_far = [math.nan] * len(p_values), 0.0
    for smaller, (p, place) in enumerate(ordered):
        so_far = max(so_far, min(1.0, (len(ordered) - smaller) * p))
        adjusted[place] = so_far
    return adjusted


def minimum_detectable(differences: Iterable[Sequence[float]], n: int) -> float:
    """The true difference that one paired t test with n seeds finds with 80 % power, two-sided at 5 %.

    Args:
        differences: paired differences of any number of pairs of explainers; their variance is pooled.

    Returns:
        In the unit of the differences, by the noncentral t distribution; NaN for n < 2, with nothing to pool, and where
        all pairs differ by the same in every seed, which says nothing of their variance.
    """
    squares, degrees = 0.0, 0
    for values in differences:
        mean = math.fsum(values) / max(1, len(values))
        squares += math.fsum((value - mean) ** 2 for value in values)
        degrees += max(0, len(values) - 1)
    if n < 2 or not degrees or squares <= NOTHING**2 * degrees:
        return math.nan
    return _noncentrality(n) * math.sqrt(squares / degrees / n)


@cache
def _noncentrality(n: int) -> float:
    """Difference in standard errors of the mean that is found with the power asked for."""
    limit = float(t.ppf(1 - LEVEL / 2, n - 1))

    def missing_power(shift: float) -> float:
        return float(nct.sf(limit, n - 1, shift)) - POWER  # the other tail holds less than 1e-6

    return float(brentq(missing_power, 0.1, 20.0))


@cache
def _signs(n: int) -> Float[np.ndarray, "draws n"]:
    """Changes of sign; when enumerated, the first stays, since all signs turned give the same magnitude."""
    if n <= ENUMERATED:
        return np.array([(1.0, *signs) for signs in product((1.0, -1.0), repeat=n - 1)])
    return np.random.default_rng(0).choice((1.0, -1.0), size=(DRAWS, n))
