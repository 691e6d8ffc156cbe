"""The weight alpha of the classification loss: constant, or lowered whenever the monitored loss stagnates."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from roarbench.hns.settings import Stagnation

START, STEP, END = 1.0, 0.05, 0.05
TOLERANCE = 0.1


@dataclass
class Alpha:
    """Alpha in L = alpha * classification + (1 - alpha) * mask, as training goes on.

    Starts at 1.00 and goes down by 0.05 whenever the monitored loss has stagnated, to 0.10; where it would reach 0.05,
    training ends.

    Attributes:
        patience: batches whose losses are looked at; at least 2.
        stagnation: how stagnation is detected, see `plateau` and `published`.
        constant: keeps this alpha for ever.
        num_drops: how often alpha was lowered.
        window: monitored losses since the last drop, the latest `patience` of them.
    """

    patience: int = 100
    stagnation: Stagnation = "plateau"
    constant: float | None = None
    num_drops: int = 0
    window: deque[float] = field(default_factory=deque)

    @property
    def value(self) -> float:
        """Alpha now."""
        if self.constant is not None:
            return self.constant
        return round(max(START - STEP * self.num_drops, END + STEP), 2)

    @property
    def finished(self) -> bool:
        """Whether alpha would go down to its end, 0.05; it is not used, as in the published code."""
        return self.constant is None and round(START - STEP * self.num_drops, 2) <= END

    def observe(self, loss: float) -> bool:
        """Takes the monitored loss of one batch and says whether alpha was lowered."""
        if self.constant is not None or self.finished:
            return False
        self.window.append(loss)
        while len(self.window) > self.patience:
            self.window.popleft()
        if len(self.window) < self.patience or not CONDITIONS[self.stagnation](self.window):
            return False
        self.window.clear()
        self.num_drops += 1
        return True


def plateau(losses: Sequence[float]) -> bool:
    """Whether the mean of the second half lies within 10 % of the mean of the first: neither falls nor rises.

    >>> plateau([1.0, 1.1, 1.05, 1.02]), plateau([2.0, 1.5, 1.0, 0.5])
    (True, False)
    """
    half = len(losses) // 2
    ordered = list(losses)
    before, after = sum(ordered[:half]) / half, sum(ordered[-half:]) / half
    return abs(after - before) <= TOLERANCE * abs(before)


def published(losses: Sequence[float]) -> bool:
    """The condition of the published code: range >= 1.1 * mean. It fires where the loss moves, never where it is flat.

    >>> published([1.0, 1.1, 1.05, 1.02]), published([2.0, 1.5, 1.0, 0.5])
    (False, True)
    """
    return max(losses) - min(losses) >= (1 + TOLERANCE) * sum(losses) / len(losses)


CONDITIONS = {"plateau": plateau, "published": published}
