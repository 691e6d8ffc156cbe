"""Mean, interval and n: one definition for tables, plots and the seeds that are added."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

CONFIDENCE = 0.95

INTERVAL = f"{100 * CONFIDENCE:g} % t interval"
"""The interval of all tables and figures in words: of the mean over seeds."""


@dataclass(frozen=True)
class Summary:
    """A mean over seeds.

    Attributes:
        half_width: of the t interval of the mean, of 95 % unless another was asked for; NaN for fewer than two values.
        n: number of values.
    """

    mean: float
    half_width: float
    n: int

    def within(self, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
        """The ends of the interval, cut at the bounds of what the mean is of: a cut interval covers as often.

        Without an interval these bounds themselves.

        >>> Summary(0.75, 0.5, 3).within(0.0, 1.0)
        (0.25, 1.0)
        """
        return max(low, self.mean - self.half_width), min(high, self.mean + self.half_width)


def summarise(values: Iterable[float], confidence: float = CONFIDENCE) -> Summary:
    """Mean with its t interval; values that are NaN do not count.

    >>> made = summarise([1.0, 2.0, 3.0])
    >>> made.mean, round(made.half_width, 6), made.n
    (2.0, 2.484138, 3)
    """
    numbers = [value for value in values if not math.isnan(value)]
    n = len(numbers)
    if not n:
        return Summary(math.nan, math.nan, 0)
    mean = math.fsum(numbers) / n
    if n == 1:
        return Summary(mean, math.nan, 1)
    variance = math.fsum((value - mean) ** 2 for value in numbers) / (n - 1)
    return Summary(mean, quantile(n - 1, confidence) * math.sqrt(variance / n), n)


def wilson(share: float, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of the probability behind a share of n independent trials, such as test images.

    Wilson 1927, J. Am. Stat. Assoc. 22, without correction for continuity.

    >>> [round(end, 3) for end in wilson(0.5, 100)]
    [0.404, 0.596]
    """
    from scipy.stats import norm

    z = float(norm.ppf((1 + confidence) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return centre - half, centre + half


@cache
def quantile(degrees: int, confidence: float = CONFIDENCE) -> float:
    """Half widths in standard errors; scipy takes its time for each, and a second to load: only for who asks."""
    from scipy.stats import t

    return float(t.ppf((1 + confidence) / 2, degrees))
