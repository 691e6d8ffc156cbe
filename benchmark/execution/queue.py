"""Which piece of work is next: what answers soonest goes first, and explainers that train go beside the rest."""

from collections import deque
from collections.abc import Callable, Collection, Iterable

from roarbench.benchmark.matrix.work import Bundle, Chain, Fold, Group, Original, Shared, Trial, trains

Work = Trial | Original | Fold | Shared | Group | Bundle | Chain


class Queue:
    """Work that waits in three lines.

    Rankings and scores without retraining are cheap and go first. Explainers that train networks of their own come
    beside the retraining, on half of the processes. One process alone does them last.
    """

    def __init__(
        self, work: Iterable[Work], capacity: int, *, roomy: bool, seconds: Callable[[Work], float] = lambda _: 0.0
    ) -> None:
        """Takes all work there is at first.

        Args:
            capacity: pieces of work that are done at a time.
            roomy: rank maps of all explainers may lie on the disk together. Otherwise nothing is ranked while a
                network waits to be retrained.
            seconds: what a piece of work will take, as far as is known; of rankings the quickest go first.
        """
        self.capacity, self.roomy, self.seconds = capacity, roomy, seconds
        self.cheap: deque[Work] = deque()
        self.retraining: deque[Work] = deque()
        self.training: deque[Work] = deque()
        self.add(work)

    def add(self, work: Iterable[Work]) -> None:
        """Takes more work, which goes before other work of its line."""
        for part in reversed(list(work)):
            self._line_of(part).appendleft(part)

    def take(self, running: Collection[Work]) -> Work:
        """The next piece of work.

        Args:
            running: what is being done.
        """
        line = self._next(sum(trains_explainers(part) for part in running))
        at = min(range(len(line)), key=lambda at: self._cost(line[at])) if line is self.cheap else 0
        part = line[at]
        del line[at]
        return part

    def __bool__(self) -> bool:
        return bool(self.cheap or self.retraining or self.training)

    def _line_of(self, part: Work) -> deque[Work]:
        if trains_explainers(part):
            return self.training
        retrained = isinstance(part, Chain) or (isinstance(part, Bundle) and part.cells[0].retrain)
        return self.retraining if retrained else self.cheap

    def _cost(self, part: Work) -> float:
        return self.seconds(part) if isinstance(part, Group) else 0.0

    def _next(self, num_training: int) -> deque[Work]:
        if self.cheap and (self.roomy or not self.retraining or not isinstance(self.cheap[0], Group)):
            return self.cheap
        if self.training and num_training < self.capacity // 2:
            return self.training
        return self.retraining or self.training or self.cheap


def trains_explainers(part: Work) -> bool:
    """Whether a piece of work prepares an explainer that trains networks of its own."""
    return isinstance(part, Group) and any(map(trains, part.rankings))
