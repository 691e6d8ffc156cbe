"""How much of a mean is due to which test images there are: a random-effects model of seeds crossed with images."""

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from roarbench.benchmark.results.statistics import Summary, quantile, summarise


def image_covariance(scores: Float[np.ndarray, "k n m"]) -> Float[np.ndarray, "k k"]:
    """Covariance of the mean scores of k explainers, each over n seeds and m images, that other images would cause.

    Cornfield and Tukey 1956, Ann. Math. Stat. 27: the mean square of images less that of the interaction of seeds and
    images, here for all pairs of explainers at once. Variances that come out negative count as none.

    Args:
        scores: NaN for seeds that an explainer does not have.
    """
    k, n, m = scores.shape
    present = ~np.isnan(scores[..., 0])
    of_images = np.nanmean(scores, axis=1)
    interaction = scores - of_images[:, None] - scores.mean(axis=2, keepdims=True)
    interaction = np.nan_to_num(interaction + of_images.mean(axis=1)[:, None, None]).reshape(k, n * m)
    common, seeds = present.astype(float) @ present.T, present.sum(axis=1)
    noise = interaction @ interaction.T / (np.maximum(common - 1, 1) * (m - 1))
    between = np.cov(of_images).reshape(k, k) - noise * common / np.outer(seeds, seeds)
    values, vectors = np.linalg.eigh(between / m)
    return (vectors * np.maximum(values, 0)) @ vectors.T


def crossed_summary(scores: Iterable[float], images: Float[np.ndarray, "n m"]) -> Summary:
    """Mean over seeds with an interval that covers seeds and test images.

    Squares of the two half-widths are added, each with its own t quantile (Graybill and Wang 1980, J. Am. Stat. Assoc.
    75). With three seeds Satterthwaite's degrees of freedom would cover 92 to 94 %, this 96 to 97 %
    (docs/results/verdicts.md).

    Args:
        scores: one for each seed.
        images: of every seed and test image, of at least two of these seeds.
    """
    over_seeds = summarise(scores)
    over_images = quantile(images.shape[1] - 1) * math.sqrt(_variance(images.tobytes(), images.dtype.str, len(images)))
    return replace(over_seeds, half_width=math.hypot(over_seeds.half_width, over_images))


@lru_cache(maxsize=64)
def _variance(scores: bytes, kind: str, num_seeds: int) -> float:
    """Of one mean over seeds and images; the ends of curves are the same for all explainers of a table.

    Args:
        scores: of `n` seeds and `m` images, row by row.
        kind: their type, as numpy writes it.
    """
    return float(image_covariance(np.frombuffer(scores, kind).reshape(1, num_seeds, -1))[0, 0])
