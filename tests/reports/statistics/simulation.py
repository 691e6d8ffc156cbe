"""Ways to compare all pairs of explainers, side by side on data whose truth is known.

`python -m tests.reports.statistics.simulation 1000` prints the tables of docs/results/verdicts.md.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from scipy.special import stdtr
from scipy.stats import norm, studentized_range

from roarbench.reports.statistics.family import compare
from roarbench.reports.statistics.moderation import prior
from roarbench.reports.statistics.null import LEVEL
from roarbench.reports.statistics.scores import Scores

FRACTIONS, IMAGES = 5, 449
"""Of the curves whose accuracies are counts."""


@dataclass(frozen=True)
class Case:
    """Explainers whose means are known.

    Attributes:
        spread: of the logarithm of the explainers' standard deviations over seeds; 0 makes them equal.
        shift: by which the second half of the explainers is better, in standard deviations; with counts in accuracy.
        accuracy: around which accuracies are counts of images; None for normal scores.
        noisy: so many explainers, every second one, have ten times the standard deviation.
    """

    explainers: int
    seeds: int
    spread: float = 0.0
    shift: float = 0.0
    accuracy: float | None = None
    noisy: int = 0

    def draw(self, random: np.random.Generator) -> np.ndarray:
        """Scores, explainers by seeds; seeds have an effect on all explainers."""
        deviations = np.exp(random.normal(0, self.spread, self.explainers))[:, None]
        deviations[1 : 2 * self.noisy : 2] *= 10
        noise = deviations * random.normal(size=(self.explainers, self.seeds)) + 2 * random.normal(size=self.seeds)
        if self.accuracy is None:
            return noise + self.shift * self.better[:, None]
        chances = np.clip(self.accuracy + self.shift * self.better[:, None] + 0.004 * noise, 0.001, 0.999)
        hits = random.binomial(IMAGES, chances[..., None], (*chances.shape, FRACTIONS))
        return hits.mean(axis=-1) / IMAGES

    @property
    def better(self) -> np.ndarray:
        """Whether an explainer is one of the better half."""
        return np.arange(self.explainers) >= self.explainers // 2

    @property
    def equal(self) -> np.ndarray:
        """Whether the two of each pair are equal."""
        left, right = np.triu_indices(self.explainers, 1)
        return (self.better[left] == self.better[right]) | (self.shift == 0)


@dataclass(frozen=True)
class World:
    """Hits of test images, which are hard or easy for all explainers, under seeds that suit some explainers.

    A hit is a normal number above 0, so that the expected accuracy over all seeds and images is known.
    """

    explainers: int
    seeds: int
    images: int = IMAGES
    of_images: float = 1.0
    of_seeds: float = 0.15

    @property
    def truth(self) -> np.ndarray:
        """Expected accuracies."""
        return norm.cdf(self._levels / np.sqrt(1 + self.of_images**2 + self.of_seeds**2))

    @property
    def _levels(self) -> np.ndarray:
        return np.repeat(np.linspace(-0.5, 1.5, -(-self.explainers // 2)), 2)[: self.explainers]

    def draw(self, random: np.random.Generator) -> Scores:
        """Scores of seeds and test images."""
        seeds = self.of_seeds * random.normal(size=(self.explainers, self.seeds, 1))
        images = self.of_images * random.normal(size=self.images)
        noise = random.normal(size=(self.explainers, self.seeds, self.images))
        hits = (self._levels[:, None, None] + seeds + images + noise > 0).astype(np.float32)
        by_image = {f"{i:02}": dict(enumerate(of)) for i, of in enumerate(hits)}
        return Scores({e: {s: float(v.mean()) for s, v in of.items()} for e, of in by_image.items()}, by_image)


def coverage(world: World, draws: int) -> tuple[float, float]:
    """How often intervals of means cover, and how often those of all differences of a family cover at once."""
    random, truth = np.random.default_rng(world.seeds), world.truth
    means, families = [], []
    for _ in range(draws):
        scores = world.draw(random)
        summaries = [scores.summary(e) for e in scores.by_seed]
        means.append([abs(s.mean - true) <= s.half_width for s, true in zip(summaries, truth, strict=True)])
        differences = compare(scores).differences.items()
        families.append(all(abs(d.mean - truth[int(a)] + truth[int(b)]) <= d.half_width for (a, b), d in differences))
    return float(np.mean(means)), float(np.mean(families))


def paired_t(scores: np.ndarray) -> np.ndarray:
    """Paired t tests, Holm: what this project used before."""
    means, variances, n = _pairs(scores)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(n - 1, -np.abs(means) / np.sqrt(variances / n))
    return holm(np.where(variances > 1e-24, p, np.where(np.abs(means) < 1e-12, 1.0, 2.0 ** (1 - n))))


def by_pair(scores: np.ndarray) -> np.ndarray:
    """Moderated paired t tests (Smyth 2004), Holm."""
    means, variances, n = _pairs(scores)
    return _moderated(means, variances, np.full(len(means), n - 1.0), scores.shape, n)


def by_explainer(scores: np.ndarray) -> np.ndarray:
    """The variance of each explainer is moderated, that of a pair is their sum; Holm."""
    k, n = scores.shape
    variances = (_residuals(scores) ** 2).sum(axis=1) / (n - 1) * k / (k - 1)
    fitted = prior(variances, np.full(k, n - 1.0))
    moderated = fitted.moderated(variances, np.full(k, n - 1.0))
    left, right = np.triu_indices(k, 1)
    degrees = min(float(fitted.degrees) + n - 1, (k - 1) * (n - 1))
    return holm(2 * stdtr(degrees, -np.abs(_pairs(scores)[0]) / np.sqrt((moderated[left] + moderated[right]) / n)))


def tukey(scores: np.ndarray) -> np.ndarray:
    """Tukey's range test with the pooled residual of the two-way layout."""
    k, n = scores.shape
    degrees = (k - 1) * (n - 1)
    pooled = (_residuals(scores) ** 2).sum() / degrees
    return np.abs(_pairs(scores)[0]) > _range(k, degrees) * np.sqrt(pooled / n)


def family(scores: np.ndarray) -> np.ndarray:
    """The test of this project: moderated by pair, largest statistic of all pairs by parametric bootstrap."""
    names = [f"{i:02}" for i in range(len(scores))]
    compared = compare(Scores({name: dict(enumerate(of_one)) for name, of_one in zip(names, scores, strict=True)}))
    return np.array([compared.differ(*pair) for pair in combinations(names, 2)])


METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "paired t, Holm": paired_t, "moderated by pair, Holm": by_pair, "moderated by explainer, Holm": by_explainer,
    "Tukey, pooled": tukey, "moderated by pair, max-T": family,
}  # fmt: skip
"""Which of all pairs differ, at 5 %; from scores, explainers by seeds."""


def rates(case: Case, method: Callable[[np.ndarray], np.ndarray], draws: int) -> tuple[float, float]:
    """How often any two equal explainers are called different, and what share of the others is found."""
    random = np.random.default_rng([case.explainers, case.seeds])
    found = np.array([method(case.draw(random)) for _ in range(draws)])
    different = found[:, ~case.equal]
    return float(found[:, case.equal].any(axis=1).mean()), float(different.mean()) if different.size else float("nan")


def holm(p: np.ndarray) -> np.ndarray:
    """Which of one family are rejected (Holm 1979)."""
    order = np.argsort(p)
    passed = np.cumprod(p[order] * np.arange(len(p), 0, -1) <= LEVEL).astype(bool)
    return passed[np.argsort(order)]


def cases(shift: float) -> Iterator[Case]:
    """Those of the tables."""
    for explainers in (4, 15, 26):
        for seeds in (3, 5, 10):
            for spread in (0.0, 0.7):
                yield Case(explainers, seeds, spread, shift)
            yield Case(explainers, seeds, 0.0, shift, noisy=explainers // 2)
            for accuracy in (0.5, 0.95):
                yield Case(explainers, seeds, 0.7, 0.005 * shift, accuracy)


def _moderated(
    means: np.ndarray, variances: np.ndarray, degrees: np.ndarray, shape: tuple[int, ...], n: int
) -> np.ndarray:
    fitted = prior(variances, degrees)
    total = min(float(fitted.degrees) + n - 1, (shape[0] - 1) * (n - 1))
    return holm(2 * stdtr(total, -np.abs(means) / np.sqrt(fitted.moderated(variances, degrees) / n)))


def _pairs(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    left, right = np.triu_indices(len(scores), 1)
    differences = scores[left] - scores[right]
    return differences.mean(axis=1), differences.var(axis=1, ddof=1), scores.shape[1]


def _residuals(scores: np.ndarray) -> np.ndarray:
    return scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0) + scores.mean()


@cache
def _range(explainers: int, degrees: int) -> float:
    return float(studentized_range.ppf(1 - LEVEL, explainers, degrees))


def main(draws: int) -> None:
    """Prints error with all equal, then error and power with half of the explainers better; then coverage."""
    print("| explainers, seeds, sd, accuracy |", " | ".join(METHODS), "|", flush=True)
    for equal, better in zip(cases(0.0), cases(6.0), strict=True):
        cells = [rates(equal, m, draws)[0:1] + rates(better, m, max(1, draws // 5)) for m in METHODS.values()]
        kind = "normal" if equal.accuracy is None else f"counts near {equal.accuracy:g}"
        deviations = "two levels" if equal.noisy else "spread" if equal.spread else "equal"
        print(
            f"| {equal.explainers}, {equal.seeds}, {deviations}, {kind} |",
            " | ".join(f"{error:.3f} / {error_half:.3f} / {power:.2f}" for error, error_half, power in cells), "|",
            flush=True,
        )  # fmt: skip

    print("\n| explainers, seeds | intervals of means cover | all intervals of differences cover |", flush=True)
    for explainers in (4, 15, 26):
        for seeds in (3, 5, 10):
            means, families = coverage(World(explainers, seeds), draws)
            print(f"| {explainers}, {seeds} | {means:.3f} | {families:.3f} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
