"""Variances of few seeds, each drawn towards what all of them have in common."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import digamma, polygamma

STEPS = 10
"""Of Newton's method, which then has all digits."""
LEAST = 1e-5
"""No variance counts as less than this share of their median: its logarithm would outweigh all others."""
FEWEST = 3
"""Variances that a prior is fitted to."""
ALIKE = 1e-3
"""Logarithms that vary by no more than this beyond their own noise say that all variances are one."""


@dataclass(frozen=True)
class Prior:
    """What variances have in common: a scaled inverse chi-squared distribution.

    Attributes:
        degrees: of freedom, how strongly it counts beside seeds; infinite where all variances are one.
        variance: the common variance.
    """

    degrees: Float[np.ndarray, "*draws"]
    variance: Float[np.ndarray, "*draws"]

    def moderated(
        self, variances: Float[np.ndarray, "*draws p"], degrees: Float[np.ndarray, "p"]
    ) -> Float[np.ndarray, "*draws p"]:
        """Posterior variances (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3, eq. 6)."""
        own = degrees / (degrees + self.degrees[..., None])  # 0 where the prior's degrees are infinite
        return own * variances + (1 - own) * self.variance[..., None]


def prior(variances: Float[np.ndarray, "*draws p"], degrees: Float[np.ndarray, "p"]) -> Prior:
    """Fits the prior to variances by the mean and variance of their logarithms (Smyth 2004, s.6.2).

    Differs from the paper: variances below `LEAST` of their median count as that, and fewer than `FEWEST` variances
    have nothing in common: the prior's degrees are 0.

    Args:
        variances: of each of p pairs; leading axes are fitted separately.
        degrees: of freedom of each variance.
    """
    if len(degrees) < FEWEST:
        return Prior(np.zeros(variances.shape[:-1]), variances.mean(axis=-1))
    floor = LEAST * np.median(variances, axis=-1, keepdims=True)
    logarithms = np.log(np.maximum(np.maximum(variances, floor), np.finfo(float).tiny))
    centred = logarithms - digamma(degrees / 2) + np.log(degrees / 2)
    noise = polygamma(1, degrees / 2).mean()
    spread = np.asarray(centred.var(axis=-1, ddof=1) - noise)
    prior_degrees, unlike = np.full(spread.shape, np.inf), spread > ALIKE
    prior_degrees[unlike] = 2 * trigamma_inverse(spread[unlike])
    finite = np.where(np.isfinite(prior_degrees), prior_degrees, 1.0)
    shift = np.where(np.isfinite(prior_degrees), digamma(finite / 2) - np.log(finite / 2), 0.0)
    return Prior(prior_degrees, np.exp(centred.mean(axis=-1) + shift))


def trigamma_inverse(values: Float[np.ndarray, "*draws"]) -> Float[np.ndarray, "*draws"]:
    """The x whose trigamma is a positive value (Smyth 2004, appendix).

    >>> round(float(trigamma_inverse(polygamma(1, 2.5))), 9)
    2.5
    """
    x = 0.5 + 1 / np.asarray(values, float)
    for _ in range(STEPS):
        trigamma = polygamma(1, x)
        x = x + trigamma * (1 - trigamma / values) / polygamma(2, x)
    return x
