"""How far a run is: a bar of cells, what is being done, and the time left by what each kind of work has taken."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from roarbench.benchmark.execution.queue import Work, trains_explainers
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.matrix.work import Bundle, Chain, Fold, Group, Original, Shared, Trial
from roarbench.benchmark.verbosity import quiet, verbose

Kind = tuple[str, ...]

FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} cells [{elapsed}{postfix}]"

RETRAINING = "retraining"

STEP = 30.0
"""Seconds after which the bar is written anew where no terminal shows it move."""

MOST_NAMES = 2
"""Explainers of one pass that are named."""


class Progress:
    """The bar of a run, and the seconds that each kind of work took on average so far.

    Retraining that has not begun counts as the quickest original network. Other work of which nothing is known is left
    out.
    """

    def __init__(
        self, title: str, cells: Collection[Cell], capacity: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Shows an empty bar.

        Args:
            cells: all that are to be measured.
            capacity: pieces of work that are done at a time.
            clock: seconds.
        """
        self.capacity, self.clock = capacity, clock
        self.to_do = Counter(kind_of(cell) for cell in cells if _by_itself(cell))
        self.spent: dict[Kind, list[float]] = {}
        self.begun: dict[Work, float] = {}
        self.written = clock()
        self.bar = tqdm(total=len(cells), desc=title, mininterval=0.5, bar_format=FORMAT, dynamic_ncols=True)

    def expect(self, work: Iterable[Work]) -> None:
        """Counts networks and rankings that are to come; cells are known."""
        self.to_do.update(kind_of(part) for part in work if not isinstance(part, Bundle | Chain))

    def begins(self, part: Work) -> None:
        """A piece of work is under way."""
        self.begun[part] = self.clock()
        self.show()

    def ended(self, part: Work) -> None:
        """A piece of work is done, well or not."""
        kind, cells = kind_of(part), len(part.cells) if isinstance(part, Bundle | Chain) else 0
        if part in self.begun:
            seconds = self.clock() - self.begun.pop(part)
            self.spent.setdefault(kind, []).append(seconds / max(1, cells))
            if verbose():
                self.say(f"{time.strftime('%H:%M:%S')} {words(part)}: {seconds:.1f} s")
        if not cells:
            self.to_do[kind] -= 1

    def recorded(self, cell: Cell) -> None:
        """A cell has its outcome."""
        self.to_do[kind_of(cell)] -= _by_itself(cell)
        self.bar.update()

    def seconds_left(self) -> float | None:
        """Seconds by the clock until all is done, as far as is known; None where nothing is."""
        known = [(count, self.mean(kind)) for kind, count in self.to_do.items() if count > 0]
        seconds = [count * mean for count, mean in known if mean is not None]
        return sum(seconds) / self.capacity if seconds else None

    def mean(self, kind: Kind) -> float | None:
        """Seconds of one cell, network or ranking of a kind; None where that is not known."""
        if seconds := self.spent.get(kind):
            return sum(seconds) / len(seconds)
        originals = self.spent.get(("original", *kind[1:])) if kind[0] == RETRAINING else None
        return min(originals) if originals else None

    def show(self) -> None:
        """Says beside the bar what is being done and about how long the rest will take."""
        doing = ", ".join(dict.fromkeys(map(words, self.begun)))
        moves = sys.stderr.isatty() or self.clock() - self.written > STEP
        self.written = self.clock() if moves else self.written
        self.bar.set_postfix_str("; ".join(filter(None, (self.left(), doing))), refresh=moves)

    def left(self) -> str:
        """About how long the rest will take, in words; empty where nothing is known."""
        seconds = self.seconds_left()
        return "" if seconds is None else f"about {tqdm.format_interval(seconds)} left"

    def say(self, text: str) -> None:
        """Prints lines above the bar, unless results alone are asked for."""
        if not quiet():
            self.bar.write(text, file=sys.stderr)


@contextmanager
def progress(title: str, cells: Collection[Cell], capacity: int) -> Iterator[Progress]:
    """A bar that stays on the screen as it is when the block ends."""
    shown = Progress(title, cells, capacity)
    with shown.bar:
        yield shown
        shown.bar.set_postfix_str("")


def words(part: Work) -> str:
    """What a piece of work does, in words."""
    if isinstance(part, Trial):
        return f"trying {part.ranking.explainer.text}"
    if isinstance(part, Original):
        return f"training {part.classifier.text}"
    if isinstance(part, Fold):
        return "training networks of folds"
    if isinstance(part, Shared):
        return "training the shared evaluator"
    if isinstance(part, Chain):
        return "recursive curves"
    if isinstance(part, Bundle):
        masks = " on masks" if part.cells[0].probe == "mask" else ""
        return f"retraining{masks}" if part.cells[0].retrain else "scoring"
    names = list(dict.fromkeys(ranking.explainer.text for ranking in part.rankings))
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{'training' if trains_explainers(part) else 'explaining by'} {', '.join(names[:MOST_NAMES])}{more}"


def kind_of(part: Work | Cell) -> Kind:
    """What work, or a cell, has in common with such as takes about as long; the same under every seed."""
    if isinstance(part, Bundle | Chain):
        part = part.cells[0]
    if isinstance(part, Cell):
        how = "recursion" if part.steps is not None else RETRAINING if part.retrain else f"scoring {part.probe}"
        return how, *_of_network(part.training)
    if isinstance(part, Original):
        return "original", *_of_network(part)
    if isinstance(part, Fold):
        return "fold", *_of_network(part.training)
    if isinstance(part, Shared):
        return "evaluator", *_of_network(part.cell.training)
    rankings = part.rankings if isinstance(part, Group) else (part.ranking,)
    names = (ranking.explainer.text for ranking in rankings)
    return (type(part).__name__, *(_of_network(rankings[0].training) if rankings else ()), *names)


def _of_network(training: Original) -> Kind:
    return training.dataset.text, training.classifier.text


def _by_itself(cell: Cell) -> bool:
    """Whether a cell is work of its own: not the network that others share, nor a measure that comes with a ranking."""
    return not cell.intact and cell != cell.judge and cell.probe != "attribution"
