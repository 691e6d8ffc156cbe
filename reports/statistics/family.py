"""All pairs of explainers of one column, compared by one test: every statement about them is read from here."""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.statistics.crossed import image_covariance
from roarbench.reports.statistics.moderation import FEWEST, LEAST, Prior, prior
from roarbench.reports.statistics.scores import Scores

LEVEL, POWER = 0.05, 0.80
DRAWS = 1999
"""Of the null distribution, always the same."""
CAUTION = 1.25
"""Factor of every p: with few seeds and very unequal variances, draws alone call equals different too often, in up to
7.5 % of families where 5 % are said (docs/results/verdicts.md)."""
LEAST_SEEDS = 3
"""That both of a pair must have: the error of two cannot be kept at 5 % (docs/results/verdicts.md)."""
NOTHING = 1e-12
"""Differences of accuracies below this are rounding."""
ADVISED = (3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 70, 100)
"""Numbers of seeds that a reader is advised to measure; of which with fewer draws."""
ADVISED_DRAWS = 499

Pair = tuple[str, str]


@dataclass(frozen=True)
class Difference:
    """One explainer minus another, paired by seed.

    Attributes:
        half_width: of the simultaneous 95 % interval, which excludes 0 exactly where p is at most 5 %; NaN without a
            test, as is p.
        n: seeds that both have.
        p: two-sided, corrected for all pairs of the family.
    """

    mean: float
    half_width: float
    n: int
    p: float

    @property
    def summary(self) -> Summary:
        """The mean with its interval."""
        return Summary(self.mean, self.half_width, self.n)

    @property
    def significant(self) -> bool:
        """Whether the two differ, at 5 % in the family of all pairs."""
        return self.p <= LEVEL

    def within(self, margin: float) -> bool:
        """Whether the two are shown to differ by less than a margin."""
        return abs(self.mean) + self.half_width < margin

    def __neg__(self) -> "Difference":
        return Difference(-self.mean, self.half_width, self.n, self.p)


@dataclass(frozen=True, eq=False)
class Null:
    """Mean differences and their standard errors where no two explainers differ, draw by draw."""

    means: Float[np.ndarray, "draws p"]
    errors: Float[np.ndarray, "draws p"]

    @cached_property
    def maxima(self) -> Float[np.ndarray, "draws"]:
        """The largest difference of every draw, in its standard errors; ascending."""
        return np.sort((np.abs(self.means) / self.errors).max(axis=1))

    @property
    def critical(self) -> float:
        """A difference of more standard errors is significant."""
        return float(self.maxima[-round(LEVEL / CAUTION * (len(self.maxima) + 1))])

    def p(self, sizes: Float[np.ndarray, "p"]) -> Float[np.ndarray, "p"]:
        """Share of draws, with the one at hand, whose maximum reaches differences of so many standard errors."""
        draws = len(self.maxima)
        return np.minimum(CAUTION * (1 + draws - np.searchsorted(self.maxima, sizes)) / (1 + draws), 1.0)

    @property
    def detectable(self) -> float:
        """The true difference of a pair that this test finds with 80 % power, averaged over all pairs."""
        return float(np.quantile(self.critical * self.errors - self.means, POWER))


@dataclass(frozen=True, eq=False)
class Model:
    """What the scores of k explainers vary by: seeds, each explainer by its own variance, and test images.

    Attributes:
        left, right: the two explainers of each pair.
        prior: of the variances of pairs over seeds.
        own: variance of each explainer over seeds, as its pairs have it.
        degrees: of freedom of these.
        images: covariance of means due to test images.
    """

    left: Int[np.ndarray, "p"]
    right: Int[np.ndarray, "p"]
    prior: Prior
    own: Float[np.ndarray, "k"]
    degrees: Float[np.ndarray, "k"]
    images: Float[np.ndarray, "k k"]

    def errors(
        self, variances: Float[np.ndarray, "*draws p"], counts: Float[np.ndarray, "p"], fitted: Prior
    ) -> Float[np.ndarray, "*draws p"]:
        """Standard errors of mean differences: moderated variances over seeds, and that over images."""
        diagonal = np.diag(self.images)
        over_images = diagonal[self.left] + diagonal[self.right] - 2 * self.images[self.left, self.right]
        return np.sqrt(fitted.moderated(variances, counts - 1) / counts + np.maximum(over_images, 0))

    def tests(self, values: Float[np.ndarray, "k n"], present: Bool[np.ndarray, "k n"]) -> list[Difference]:
        """The differences of all pairs."""
        means, variances, counts = _observed(values, self.left, self.right)
        null, errors = self.null(present), self.errors(variances, counts, self.prior)
        numbers = means, null.critical * errors, counts, null.p(np.abs(means) / errors)
        return [
            Difference(d, half, round(n), p) for d, half, n, p in zip(*map(np.ndarray.tolist, numbers), strict=True)
        ]

    def null(self, present: Bool[np.ndarray, "k n"], draws: int = DRAWS) -> Null:
        """The same test of explainers that are all equal, each with so many seeds: a parametric bootstrap."""
        random = np.random.default_rng(0)
        scales = np.sqrt(self._variances(random, draws))
        shifts = random.multivariate_normal(np.zeros(len(self.own)), self.images, draws, method="eigh")
        drawn = random.standard_normal((draws, *present.shape)) * scales[..., None]
        means, variances, counts = moments(drawn, present, self.left, self.right)
        errors = self.errors(variances, counts, prior(variances, counts - 1))
        return Null(means + shifts[:, self.left] - shifts[:, self.right], errors)

    def _variances(self, random: np.random.Generator, draws: int) -> Float[np.ndarray, "draws k"]:
        """Variances of explainers from their posterior.

        They are half of those of pairs, and their logarithms vary twice as much, which is a prior of half the degrees;
        half of these again, for with fewer seeds than ten the fit is uncertain (docs/results/verdicts.md).
        """
        degrees, common = self.prior.degrees / 4, self.prior.variance / 2
        if np.isinf(degrees):
            return np.full((draws, len(self.own)), common)
        total = degrees + self.degrees
        return (degrees * common + self.degrees * self.own) / random.chisquare(total, (draws, len(self.own)))


@dataclass(frozen=True, eq=False)
class Family:
    """Explainers that are compared with each other.

    Attributes:
        means: explainer -> mean score, of all with a score.
        differences: of every pair with a common seed; those of fewer than three are not tested.
        model: what they were tested by; None where nothing can be tested.
        present: explainers by seeds, whether the explainer has the seed.
    """

    means: dict[str, float]
    differences: dict[Pair, Difference]
    model: Model | None
    present: Bool[np.ndarray, "k n"]

    def difference(self, one: str, other: str) -> Difference:
        """One minus other; a difference of no seeds where the two were not compared."""
        if (one, other) in self.differences:
            return self.differences[one, other]
        turned = self.differences.get((other, one))
        return -turned if turned else Difference(math.nan, math.nan, 0, math.nan)

    def differ(self, one: str, other: str) -> bool:
        """Whether two explainers differ significantly."""
        return self.difference(one, other).significant

    @cached_property
    def detectable(self) -> float:
        """The true difference that is found with 80 % power, averaged over pairs; NaN where nothing can be tested."""
        return self.model.null(self.present).detectable if self.model else math.nan

    def needed(self, difference: float) -> int | None:
        """About how many seeds of every explainer find so large a difference with 80 % power; None if 100 do not."""
        if self.model is None:
            return None
        place = bisect_left(ADVISED, True, key=lambda n: self._detectable(n) <= difference)
        return ADVISED[place] if place < len(ADVISED) else None

    @cached_property
    def _detectable(self) -> Callable[[int], float]:
        """Number of seeds of every explainer -> difference that is found with 80 % power."""
        model, k = self.model, len(self.present)
        return cache(lambda n: model.null(np.ones((k, n), bool), ADVISED_DRAWS).detectable if model else math.nan)


@lru_cache(maxsize=64)
def compare(scores: Scores, pairs: tuple[Pair, ...] | None = None) -> Family:
    """Compares explainers pair by pair, all at once.

    The t statistic of a pair has a moderated variance over seeds (Smyth 2004) and, where hits of test images are known,
    the variance over these (a random-effects model of crossed seeds and images). p values and intervals are those of
    the largest statistic of all pairs (Westfall and Young 1993, single step), by parametric bootstrap of explainers of
    unequal variances, whose variances are moderated anew in every draw.

    Args:
        pairs: those that are of interest; by default all.
    """
    names = sorted(scores.finite)  # so that draws, and with them p, are the same in any order
    values, present = _matrix([scores.finite[e] for e in names])
    wanted = [(a, b) for a, b in (combinations(names, 2) if pairs is None else pairs) if {a, b} <= {*names}]
    left, right = (np.array([names.index(pair[side]) for pair in wanted], int) for side in (0, 1))
    differences = {pair: _untested(scores, *pair) for pair in wanted}
    testable = _testable(values, present, left, right)
    model = _model(values, present, left[testable], right[testable], scores.images(names))
    if model:
        tested = [pair for pair, able in zip(wanted, testable, strict=True) if able]
        differences |= zip(tested, model.tests(values, present), strict=True)
    means = {e: math.fsum(seeds.values()) / len(seeds) for e, seeds in scores.finite.items()}
    return Family(means, differences, model, present)


def moments(
    values: Float[np.ndarray, "draws k n"],
    present: Bool[np.ndarray, "k n"],
    left: Int[np.ndarray, "p"],
    right: Int[np.ndarray, "p"],
) -> tuple[Float[np.ndarray, "draws p"], Float[np.ndarray, "draws p"], Float[np.ndarray, "p"]]:
    """Mean, variance and number of the differences of pairs of drawn scores, over the seeds that both have.

    By sums of products, so that many draws of many pairs take little memory.
    """
    there = present.astype(float)
    values = values * there
    squares, sums, products = (values**2) @ there.T, values @ there.T, values @ np.swapaxes(values, -1, -2)
    counts = (there @ there.T)[left, right]
    totals = sums[..., left, right] - sums[..., right, left]
    of_squares = squares[..., left, right] + squares[..., right, left] - 2 * products[..., left, right]
    means = totals / counts
    return means, np.maximum(of_squares - totals * means, 0) / (counts - 1), counts


def _matrix(seeds: list[dict[int, float]]) -> tuple[Float[np.ndarray, "k n"], Bool[np.ndarray, "k n"]]:
    """Scores, NaN where there is none, and whether there is one."""
    columns = sorted({seed for of_one in seeds for seed in of_one})
    values = np.array([[of_one.get(seed, math.nan) for seed in columns] for of_one in seeds])
    return values.reshape(len(seeds), len(columns)), ~np.isnan(values.reshape(len(seeds), len(columns)))


def _observed(
    values: Float[np.ndarray, "k n"], left: Int[np.ndarray, "p"], right: Int[np.ndarray, "p"]
) -> tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p"], Float[np.ndarray, "p"]]:
    """Mean, variance and number of the differences of pairs, as `moments`, without its rounding."""
    differences = values[left] - values[right]
    counts = (~np.isnan(differences)).sum(axis=1).astype(float)
    return np.nanmean(differences, axis=1), np.nanvar(differences, axis=1, ddof=1), counts


def _untested(scores: Scores, one: str, other: str) -> Difference:
    """Without a test; of copies, which agree in all seeds, it needs none."""
    numbers, subtracted = scores.finite[one], scores.finite[other]
    common = [value - subtracted[seed] for seed, value in numbers.items() if seed in subtracted]
    if len(common) >= LEAST_SEEDS and max(map(abs, common)) <= NOTHING:
        return Difference(0.0, 0.0, len(common), 1.0)
    return Difference(math.fsum(common) / len(common) if common else math.nan, math.nan, len(common), math.nan)


def _testable(
    values: Float[np.ndarray, "k n"],
    present: Bool[np.ndarray, "k n"],
    left: Int[np.ndarray, "p"],
    right: Int[np.ndarray, "p"],
) -> Bool[np.ndarray, "p"]:
    """Pairs of enough seeds, but for copies; few pairs, of which each has its own variance alone, must vary as well."""
    enough = (present[left] & present[right]).sum(axis=1) >= LEAST_SEEDS
    differences = np.where(np.isnan(values[left] - values[right]), 0.0, values[left] - values[right])
    varying = np.zeros(len(left), bool)
    varying[enough] = _observed(values, left[enough], right[enough])[1] > NOTHING**2
    differing = (np.abs(differences) > NOTHING).any(axis=1)
    return enough & (varying if varying.sum() < FEWEST else differing)


def _model(
    values: Float[np.ndarray, "k n"],
    present: Bool[np.ndarray, "k n"],
    left: Int[np.ndarray, "p"],
    right: Int[np.ndarray, "p"],
    images: Float[np.ndarray, "k n m"] | None,
) -> Model | None:
    """The model of some pairs; None of none."""
    if not len(left):
        return None
    k, (_, variances, counts) = len(present), _observed(values, left, right)
    varying = variances > NOTHING**2
    fitted = prior(variances[varying], counts[varying] - 1)
    incidence = np.zeros((len(left), k))
    incidence[np.arange(len(left)), left] = incidence[np.arange(len(left)), right] = 1
    own = np.linalg.lstsq(incidence, variances, rcond=None)[0]
    covariance = np.zeros((k, k)) if images is None else image_covariance(images)
    degrees = np.maximum(present.sum(axis=1) - 1.0, 1.0)
    return Model(left, right, fitted, np.maximum(own, LEAST * variances.mean()), degrees, covariance)
