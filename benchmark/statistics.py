"""Mean, interval and n: one definition for tables, plots and the seeds that are added."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from scipy.stats import t

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Summary:
    """A mean over seeds.

    Attributes:
        half_width: of the 95 % t interval of the mean; NaN for fewer than two values.
        n: number of values.
    """

    mean: float
    half_width: float
    n: int


def summarise(values: Iterable[float]) -> Summary:
    """Mean with its t interval; values that are NaN do not count.

    >>> summarise([1.0, 2.0, 3.0])
    Summary(mean=2.0, half_width=2.484137717538363, n=3)
    """
    given = [value for value in values if not math.isnan(value)]
    n = len(given)
    if not n:
        return Summary(math.nan, math.nan, 0)
    mean = math.fsum(given) / n
    if n == 1:
        return Summary(mean, math.nan, 1)
    variance = math.fsum((value - mean) ** 2 for value in given) / (n - 1)
    return Summary(mean, _quantile(n - 1) * math.sqrt(variance / n), n)


@cache
def _quantile(degrees: int) -> float:
    """Half widths in standard errors; scipy takes its time for each."""
    return float(t.ppf((1 + CONFIDENCE) / 2, degrees))
