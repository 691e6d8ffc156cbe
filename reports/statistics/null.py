"""What differences look like where no two explainers differ: a parametric bootstrap of the test itself."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from roarbench.reports.statistics.crossed import image_covariance
from roarbench.reports.statistics.moderation import LEAST, Prior, prior

LEVEL, POWER = 0.05, 0.80
DRAWS = 1999
"""Of the null distribution, always the same."""
AT_ONCE = 2**15
"""Differences drawn at once, which stay in the cache: new memory for all of them would take a quarter of the time."""
NOTHING = 1e-12
"""Differences of accuracies below this are rounding."""


@dataclass(frozen=True, eq=False)
class Null:
    """Mean differences and their standard errors where no two explainers differ, draw by draw.

    Attributes:
        caution: factor of every p. With three seeds and very unequal variances, draws alone call equals different in up
            to 11 % of families where 5 % are said (docs/results/verdicts.md).
    """

    means: Float[np.ndarray, "draws p"]
    errors: Float[np.ndarray, "draws p"]
    caution: float = 1.0

    @cached_property
    def maxima(self) -> Float[np.ndarray, "draws"]:
        """The largest difference of every draw, in its standard errors; ascending."""
        return np.sort((np.abs(self.means) / self.errors).max(axis=1))

    @property
    def critical(self) -> float:
        """A difference of more standard errors is significant."""
        return float(self.maxima[-round(LEVEL / self.caution * (len(self.maxima) + 1))])

    def p(self, sizes: Float[np.ndarray, "p"]) -> Float[np.ndarray, "p"]:
        """Share of draws, with the one at hand, whose maximum reaches differences of so many standard errors."""
        draws = len(self.maxima)
        return np.minimum(self.caution * (1 + draws - np.searchsorted(self.maxima, sizes)) / (1 + draws), 1.0)

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

    def null(self, present: Bool[np.ndarray, "k n"], draws: int = DRAWS) -> Null:
        """The test repeated on explainers that are all equal, with the seeds at hand: a parametric bootstrap."""
        random = np.random.default_rng(0)
        scales = np.sqrt(self._variances(random, draws))
        shifts = random.multivariate_normal(np.zeros(len(self.own)), self.images, draws, method="eigh")
        drawn = random.standard_normal((draws, *present.shape)) * scales[..., None]
        block = max(1, AT_ONCE // len(self.left))
        parts = [self._tested(drawn[i : i + block], shifts[i : i + block], present) for i in range(0, draws, block)]
        means, errors = (np.concatenate(part) for part in zip(*parts, strict=True))
        seeds = (present[self.left] & present[self.right]).sum(axis=1)
        return Null(means, errors, 1 + 2 / (seeds.min() - 1) if self.prior.degrees else 1.0)

    def _tested(
        self,
        drawn: Float[np.ndarray, "draws k n"],
        shifts: Float[np.ndarray, "draws k"],
        present: Bool[np.ndarray, "k n"],
    ) -> tuple[Float[np.ndarray, "draws p"], Float[np.ndarray, "draws p"]]:
        """Mean differences of some draws and their standard errors."""
        means, variances, counts = moments(drawn, present, self.left, self.right)
        errors = self.errors(variances, counts, prior(variances, counts - 1))
        return means + shifts[:, self.left] - shifts[:, self.right], errors

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


def model_of(
    values: Float[np.ndarray, "k n"],
    present: Bool[np.ndarray, "k n"],
    left: Int[np.ndarray, "p"],
    right: Int[np.ndarray, "p"],
    images: Float[np.ndarray, "k n m"] | None,
) -> Model | None:
    """The model of some pairs; None of none."""
    if not len(left):
        return None
    k, (_, variances, counts) = len(present), observed(values, left, right)
    varying = variances > NOTHING**2
    fitted = prior(variances[varying], counts[varying] - 1)
    incidence = np.zeros((len(left), k))
    incidence[np.arange(len(left)), left] = incidence[np.arange(len(left)), right] = 1
    own = np.linalg.lstsq(incidence, variances, rcond=None)[0]
    covariance = np.zeros((k, k)) if images is None else image_covariance(images)
    degrees = np.maximum(present.sum(axis=1) - 1.0, 1.0)
    return Model(left, right, fitted, np.maximum(own, LEAST * variances.mean()), degrees, covariance)


def observed(
    values: Float[np.ndarray, "k n"], left: Int[np.ndarray, "p"], right: Int[np.ndarray, "p"]
) -> tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p"], Float[np.ndarray, "p"]]:
    """Mean, variance and number of the differences of pairs, as `moments`, without its rounding."""
    differences = values[left] - values[right]
    counts = (~np.isnan(differences)).sum(axis=1).astype(float)
    return np.nanmean(differences, axis=1), np.nanvar(differences, axis=1, ddof=1), counts


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
