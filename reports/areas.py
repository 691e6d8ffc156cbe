"""Areas below and between curves over removal fractions."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Curves = Float[np.ndarray, "... t"]
"""Values at ascending removal fractions, the last axis."""


def area(fractions: Sequence[float], values: Curves) -> Float[np.ndarray, "..."]:
    """Area below curves by trapezoids over the true fractions, which need not be evenly spaced.

    >>> float(area([0.0, 0.5, 1.0], np.array([1.0, 1.0, 0.0])))
    0.75
    """
    return np.asarray(np.trapezoid(np.asarray(values, float), np.asarray(fractions, float), axis=-1))


def racu(
    fractions: Sequence[float], method: Curves, random: Curves, full: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Relative area between curves: of random above method, relative to that of random above full removal.

    Madsen et al. 2022, arXiv:2110.08412, eq. 2-4, defined for the most relevant first: 1 is the best, 0 as good as
    random. Differs from the paper: nowhere; for the least relevant first its sign is turned by who asks.

    Args:
        full: accuracy at removal fraction 1, one for each curve.

    Returns:
        In [-1, 1], clipped; NaN where random is not above full removal.
    """
    above = area(fractions, random - np.asarray(full)[..., None])
    gained = area(fractions, random - method)
    ratio = np.divide(gained, above, out=np.full(np.shape(gained), np.nan), where=above > 0)
    return np.clip(ratio, -1, 1)
