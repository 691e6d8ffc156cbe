"""The leaderboard: of each data set and classifier a chart for every way of measuring, and explainers by measures."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from roarbench.reports.page.chart import Series
from roarbench.reports.page.columns import MASK, Column, mean_ranks, of_curves, of_deltas, of_masks, of_measures
from roarbench.reports.page.forest import Forest, forest
from roarbench.reports.page.judged import Judged, way
from roarbench.reports.page.tables import Entry
from roarbench.reports.rows.load import Run
from roarbench.reports.rows.settings import FLAGS, delta, protocol
from roarbench.reports.rows.style import FLAG, OPEN

APART = ("fill", "recursive", "unit", "magnitude", "target")
"""Columns in which ways of one name may differ."""

RANKED = "Rank: mean over all ways of measuring, 1 is the best."
STANDING = (
    "Rank: mean over the measures that masks cannot fool (shared evaluator, foreign masks, Delta), 1 is the best."
)
MEANS = "Ways of measuring: mean accuracy in % over 0 < t < 1."
COLOURED = (
    "The stronger the colour, the better the rank within the column{none}. ↓: lower is better, ↑: higher is better."
)
LEAKED = (
    "Mask leak: accuracy in % from masks alone, at their worst t. {flag}: the mask reveals the class; {open}: open."
)


@dataclass(frozen=True)
class Head:
    """A heading over one column or several; of one that stands alone the column itself, which can be sorted."""

    text: str
    span: int
    hint: str
    alone: Column | None


@dataclass(frozen=True)
class Row:
    """An explainer and its cells, column by column."""

    series: Series
    entries: list[Entry]


@dataclass(frozen=True)
class Board:
    """All that was measured of the explainers of one data set and classifier; rows by rank, the best first."""

    dataset: str
    classifier: str
    forests: list[Forest]
    columns: list[Column]
    rows: list[Row]
    notes: list[str]

    @property
    def heads(self) -> list[Head]:
        """The upper line of headings."""
        return heads(self.columns)

    @property
    def families(self) -> list[str]:
        """Families of its explainers."""
        return list(dict.fromkeys(row.series.family for row in sorted(self.rows, key=lambda row: row.series.number)))


def boards(run: Run, judged: Sequence[Sequence[Judged]], drawn: Sequence[Series]) -> list[Board]:
    """A board for every data set and classifier of which a curve was measured.

    Args:
        judged: from `judged_by_network`.
        drawn: explainers of the run, from `chart.series`.
    """
    by_name = {one.explainer: one for one in drawn}
    return [_board(run, ways, by_name) for ways in judged if any(one.family.means for one in ways)]


def _board(run: Run, judged: Sequence[Judged], drawn: Mapping[str, Series]) -> Board:
    rows = [one.rows for one in judged]
    names = distinguished([way(one.rows, one.order) for one in judged], rows)
    charts = [forest(one, drawn, name) for one, name in zip(judged, names, strict=True)]
    called = distinguished([protocol(one.rows, one.order) for one in judged], rows)
    deltas = of_deltas(judged, distinguished([delta(one.rows, one.order) for one in judged], rows))
    measured = of_curves(judged, called)
    standing = of_curves(*_standing(judged, called)) + deltas
    ranked = mean_ranks(standing or measured)
    columns = [*of_masks(judged), ranked, *deltas, *measured, *of_measures(run, rows[0])]
    explainers = list(dict.fromkeys(e for one in judged for e in one.names))
    explainers.sort(key=lambda e: ranked.values.get(e, math.inf))
    cells = zip(*(column.entries(explainers) for column in columns), strict=True)
    lines = [Row(drawn[e], [*entries]) for e, entries in zip(explainers, cells, strict=True)]
    first = rows[0].iloc[0]
    notes = list(_notes(columns, STANDING if standing else RANKED))
    return Board(str(first.dataset), str(first.classifier), [c for c in charts if c], columns, lines, notes)


def heads(columns: Sequence[Column]) -> list[Head]:
    """Headings over the columns: neighbours whose headings begin alike have one in common."""
    by_head = groupby(columns, key=lambda column: (column.parted[0], bool(column.parted[1])))
    parts = [(head, several, [*group]) for (head, several), group in by_head]
    return [Head(head, len(of), of[0].hint, None if several else of[0]) for head, several, of in parts]


def distinguished(names: Sequence[str], rows: Sequence[pd.DataFrame]) -> list[str]:
    """Names of ways of measuring; with their conditions where several have one name."""
    firsts = [part.iloc[0] for part in rows]
    return [
        ", ".join([name, *_words(first, [f for n, f in zip(names, firsts, strict=True) if n == name])])
        for name, first in zip(names, firsts, strict=True)
    ]


def _words(first: pd.Series, alike: Sequence[pd.Series]) -> Iterator[str]:
    """The conditions in which those of one name differ."""
    for column in APART:
        if len({str(other[column]) for other in alike}) > 1:
            word = FLAGS.get(column, {}).get(first[column], str(first[column])).replace("_", " ")
            yield f"fill {word}" if column == "fill" else word


def _standing(judged: Sequence[Judged], names: Sequence[str]) -> tuple[list[Judged], list[str]]:
    """The ways of measuring that masks cannot fool, and their names."""
    both = [(one, name) for one, name in zip(judged, names, strict=True) if one.rows.probe.iloc[0] != "image"]
    return [one for one, _ in both], [name for _, name in both]


def _notes(columns: Sequence[Column], ranked: str) -> Iterator[str]:
    """What the columns are, and which numbers are better."""
    yield ranked
    yield MEANS
    if any(column.heading == MASK for column in columns):
        yield LEAKED.format(flag=FLAG, open=OPEN)
    yield COLOURED.format(
        none="" if all(column.better for column in columns) else "; columns without a direction have none"
    )
