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
from roarbench.reports.statistics.moderation import FEWEST
from roarbench.reports.statistics.null import LEVEL, NOTHING, Model, model_of, observed
from roarbench.reports.statistics.scores import Scores

LEAST_SEEDS = 3
"""That both of a pair must have: the error of two cannot be kept at 5 % (docs/results/verdicts.md)."""
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
class Family:
    """Explainers that are compared with each other.

    Attributes:
        means: explainer -> mean score, of all with a score.
        differences: of every pair with a common seed; those of fewer than three are not tested.
        model: what they were tested by; None where nothing can be tested.
        planning: what advice on seeds is drawn from: the model, or one of two seeds; None where there is none.
        present: explainers by seeds, whether the explainer has the seed.
    """

    means: dict[str, float]
    differences: dict[Pair, Difference]
    model: Model | None
    present: Bool[np.ndarray, "k n"]
    planning: Model | None = None

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
        """About how many seeds, more than now, find so large a difference with 80 % power; None if 100 do not."""
        more = [n for n in ADVISED if n > self.present.shape[1]]
        if self.planning is None or not more:
            return None
        place = bisect_left(more, True, key=lambda n: self._detectable(n) <= difference)
        return more[place] if place < len(more) else None

    @cached_property
    def _detectable(self) -> Callable[[int], float]:
        """Number of seeds of every explainer -> difference that is found with 80 % power."""
        model, k = self.planning, len(self.present)
        return cache(lambda n: model.null(np.ones((k, n), bool), ADVISED_DRAWS).detectable if model else math.nan)


@lru_cache(maxsize=256)
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
    copies = np.array([differences[pair].p == 1.0 for pair in wanted], bool)  # which need no test
    testable, twice = (_testable(values, present, left, right, least) & ~copies for least in (LEAST_SEEDS, 2))
    model = model_of(values, present, left[testable], right[testable], scores.images(names))
    planning = model or model_of(values, present, left[twice], right[twice], scores.images(names))
    if model:
        tested = [pair for pair, able in zip(wanted, testable, strict=True) if able]
        differences |= zip(tested, _tested(model, values, present), strict=True)
    means = {e: math.fsum(seeds.values()) / len(seeds) for e, seeds in scores.finite.items()}
    return Family(means, differences, model, present, planning)


def _tested(model: Model, values: Float[np.ndarray, "k n"], present: Bool[np.ndarray, "k n"]) -> list[Difference]:
    """The differences of all pairs of a model."""
    means, variances, counts = observed(values, model.left, model.right)
    null, errors = model.null(present), model.errors(variances, counts, model.prior)
    numbers = means, null.critical * errors, counts, null.p(np.abs(means) / errors)
    columns = (of_all.tolist() for of_all in numbers)
    return [Difference(mean, half_width, round(n), p) for mean, half_width, n, p in zip(*columns, strict=True)]


def _matrix(seeds: list[dict[int, float]]) -> tuple[Float[np.ndarray, "k n"], Bool[np.ndarray, "k n"]]:
    """Scores, NaN where there is none, and whether there is one."""
    columns = sorted({seed for of_one in seeds for seed in of_one})
    values = np.array([[of_one.get(seed, math.nan) for seed in columns] for of_one in seeds])
    return values.reshape(len(seeds), len(columns)), ~np.isnan(values.reshape(len(seeds), len(columns)))


def _untested(scores: Scores, one: str, other: str) -> Difference:
    """Without a test; of copies, whose networks classify the same images right, it needs none."""
    numbers, subtracted = scores.finite[one], scores.finite[other]
    common = [value - subtracted[seed] for seed, value in numbers.items() if seed in subtracted]
    if len(common) >= LEAST_SEEDS and max(map(abs, common)) <= NOTHING and scores.copies(one, other):
        return Difference(0.0, 0.0, len(common), 1.0)
    return Difference(math.fsum(common) / len(common) if common else math.nan, math.nan, len(common), math.nan)


def _testable(
    values: Float[np.ndarray, "k n"],
    present: Bool[np.ndarray, "k n"],
    left: Int[np.ndarray, "p"],
    right: Int[np.ndarray, "p"],
    least: int,
) -> Bool[np.ndarray, "p"]:
    """Pairs of enough seeds; few pairs, of which each has its own variance alone, must vary as well."""
    enough = (present[left] & present[right]).sum(axis=1) >= least
    varying = np.zeros(len(left), bool)
    varying[enough] = observed(values, left[enough], right[enough])[1] > NOTHING**2
    return varying if varying.sum() < FEWEST else enough
