"""Areas below and between curves over removal fractions."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.integrate import trapezoid

Curves = Float[np.ndarray, "... t"]
"""Values at ascending removal fractions, the last axis."""


def area(fractions: Sequence[float], values: Curves) -> Float[np.ndarray, "..."]:
    """Area below curves by trapezoids over the true fractions, which need not be evenly spaced.

    >>> float(area([0.0, 0.5, 1.0], np.array([1.0, 1.0, 0.0])))
    0.75
    """
    return np.asarray(trapezoid(np.asarray(values, float), np.asarray(fractions, float), axis=-1))


def racu(
    fractions: Sequence[float], method: Curves, random: Curves, full: Float[np.ndarray, "seeds"]
) -> Float[np.ndarray, "seeds"]:
    """Relative area between curves: of random above method, relative to that of random above full removal.

    Madsen et al. 2022, arXiv:2110.08412, eq. 2-4, defined for the most relevant first: 1 is the best, 0 that of random.
    Differs from the paper: areas are averaged over seeds before they are divided, and the ratio is clipped to [-1, 1].
    A mean of ratios is biased, and seeds with a small divisor would dominate it. For the least relevant first
    its sign is turned by who asks.

    Args:
        method, random: a curve for each seed.
        full: accuracy at removal fraction 1, one for each curve.

    Returns:
        A number for each seed: their mean is the ratio, and their t interval its interval, linearised (the delta
        method). NaN where random is not above full removal.
    """
    above = area(fractions, random - full[:, None])
    gained = area(fractions, random - method)
    if not above.mean() > 0:
        return np.full(len(full), np.nan)
    ratio = gained.mean() / above.mean()
    return np.clip(ratio, -1, 1) + (gained - ratio * above) / above.mean()
