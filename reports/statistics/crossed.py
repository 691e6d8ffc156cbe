"""How much of a mean is due to which test images there are: a random-effects model of seeds crossed with images."""

import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit

from roarbench.benchmark.results.statistics import CONFIDENCE, Summary, summarise


def image_covariance(scores: Float[np.ndarray, "k n m"]) -> Float[np.ndarray, "k k"]:
    """Covariance of the mean scores of k explainers, each over n seeds and m images, that other images would cause.

    Cornfield and Tukey 1956, Ann. Math. Stat. 27: the mean square of images less that of the interaction of seeds and
    images, here for all pairs of explainers at once. Variances that come out negative count as none.
    """
    k, n, m = scores.shape
    of_images = scores.mean(axis=1)
    interaction = (
        scores - of_images[:, None] - scores.mean(axis=2, keepdims=True) + of_images.mean(axis=1)[:, None, None]
    )
    flat = interaction.reshape(k, n * m)
    noise = flat @ flat.T / ((n - 1) * (m - 1))
    between = np.cov(of_images).reshape(k, k) - noise / n
    values, vectors = np.linalg.eigh(between / m)
    return (vectors * np.maximum(values, 0)) @ vectors.T


def crossed_summary(scores: Iterable[float], images: Float[np.ndarray, "n m"]) -> Summary:
    """Mean over seeds with a t interval that covers seeds and test images.

    Satterthwaite 1946, Biometrics Bull. 2, for the degrees of freedom of the sum of both variances.

    Args:
        scores: one for each seed.
        images: of every seed and test image, of at least two of these seeds.
    """
    over_seeds = summarise(scores)
    if over_seeds.n < 2:
        return over_seeds
    degrees = over_seeds.n - 1, images.shape[1] - 1
    variances = (over_seeds.half_width / quantile(degrees[0])) ** 2, float(image_covariance(images[None])[0, 0])
    total = sum(variances)
    if not total:
        return over_seeds
    effective = total**2 / sum(variance**2 / d for variance, d in zip(variances, degrees, strict=True))
    return Summary(over_seeds.mean, quantile(effective) * math.sqrt(total), over_seeds.n)


def quantile(degrees: float) -> float:
    """Half width of a 95 % t interval in standard errors."""
    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))
