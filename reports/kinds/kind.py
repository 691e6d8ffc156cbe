"""What a report is made of: kinds of tables and of figures, each with its words and what makes it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pandas as pd

from roarbench.reports.rows.load import Run, drawable

Made = TypeVar("Made")
Maker = Callable[[Run], Iterable[Made]]
"""Makes tables, or figures, of a run; it can be pickled, so that another process can be asked for it."""


@dataclass(frozen=True)
class OfRows(Generic[Made]):
    """A maker that only needs the rows of a run: `Run.frame`."""

    make: Callable[[pd.DataFrame], Iterable[Made]]

    def __call__(self, run: Run) -> Iterable[Made]:
        return self.make(run.frame)


@dataclass(frozen=True)
class OfDrawable(Generic[Made]):
    """A maker that only needs the rows of explainers with at least one measured point."""

    make: Callable[[pd.DataFrame], Iterable[Made]]

    def __call__(self, run: Run) -> Iterable[Made]:
        return self.make(drawable(run.frame))


@dataclass(frozen=True)
class Kind(Generic[Made]):
    """Tables, or figures, about one thing.

    Attributes:
        name: the first word of the names of its files, before the first hyphen.
        sentence: what the tables or figures show, for page and paper.
        make: makes the tables or figures; one maker may make several kinds.
        asked: true for a kind that is made only where the published table is asked for.
    """

    name: str
    title: str
    sentence: str
    make: Maker[Made]
    asked: bool = False


def named(name: str) -> str:
    """The kind of a file, from its name.

    >>> named("roar-mnist-noisy_linear")
    'roar'
    """
    return name.partition("-")[0]


def makers(kinds: Sequence[Kind[Made]], *, asked: bool) -> list[Maker[Made]]:
    """What makes all kinds, each once, in their order."""
    return list(dict.fromkeys(kind.make for kind in kinds if asked or not kind.asked))


def made(kinds: Sequence[Kind[Made]], run: Run, *, asked: bool) -> Iterator[Made]:
    """All tables, or figures, of a run."""
    for make in makers(kinds, asked=asked):
        yield from make(run)
