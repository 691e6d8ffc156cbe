"""Ratios of times that a noisy machine cannot fake: both sides take turns in one run, and medians are compared."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Ratio:
    """How much longer the plain way takes.

    Attributes:
        plain: seconds, median.
        ours: seconds, median.
        low: smallest ratio of one turn.
        high: largest ratio of one turn.
    """

    plain: float
    ours: float
    low: float
    high: float

    def __str__(self) -> str:
        """Seconds and ratio."""
        ratio = self.plain / self.ours
        return f"{self.plain:.2f} s against {self.ours:.2f} s: {ratio:.1f}x ({self.low:.1f} to {self.high:.1f})"


def compare(plain: Callable[[], object], ours: Callable[[], object], *, turns: int = 5) -> Ratio:
    """Times both, one after the other and in changing order, after one turn that does not count."""
    seconds: dict[Callable[[], object], list[float]] = {plain: [], ours: []}
    for turn in range(turns + 1):
        for work in (plain, ours) if turn % 2 else (ours, plain):
            start = time.perf_counter()
            work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds[work].append(time.perf_counter() - start)
    pairs = [a / b for a, b in zip(seconds[plain][1:], seconds[ours][1:], strict=True)]
    return Ratio(statistics.median(seconds[plain][1:]), statistics.median(seconds[ours][1:]), min(pairs), max(pairs))
