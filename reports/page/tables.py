"""The tables of a report by what they are about, each with its numbers behind the text."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import pandas as pd

from roarbench.reports.kinds.kind import named
from roarbench.reports.kinds.tables import TABLES
from roarbench.reports.page.reading import Note, gaps, linked, own
from roarbench.reports.page.words import hint
from roarbench.reports.rows.style import FLAG
from roarbench.reports.tables.table import Table

OTHER = ("Further tables", "What else was asked for.")
PARTS = re.compile(r"(?<=[.;:?]) ")
NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?")
GAP = "–"
BEHIND = ("mean", "holm")
"""Numbers that cells are sorted by, where a table has them."""

MAIN = ("summary", "roar")
"""Kinds whose first table is open from the start, and printed."""


@dataclass(frozen=True)
class Entry:
    """One cell: its text, the number it is sorted by (empty without one), and how it stands out."""

    text: str
    value: str
    mark: str
    flagged: bool


@dataclass(frozen=True)
class Shown:
    """A table as the page shows it.

    Attributes:
        heading: the part of its caption that other tables of its kind do not have.
        corner: name of the first column.
        columns: headings, each with what the glossary says of it.
        rows: name of the row and its cells.
        notes: what it says below that few others do.
        links: notes that it shares with many tables.
        gaps: explainers with cells that were not measured.
        highlighted: names of the rows that stand out.
        open: whether it is open from the start.
    """

    name: str
    heading: str
    caption: str
    corner: str
    columns: list[tuple[str, str]]
    rows: list[tuple[str, list[Entry]]]
    notes: list[str]
    links: list[Note]
    gaps: str
    latex: str
    csv: str
    highlighted: frozenset[str] = frozenset()
    open: bool = False


@dataclass(frozen=True)
class Section:
    """Tables about the same thing."""

    name: str
    title: str
    about: str
    tables: list[Shown]


def sections(tables: Sequence[Table], common: Mapping[str, Note] = MappingProxyType({})) -> list[Section]:
    """All tables, in the order in which one reads them; those of unknown kinds at the end.

    Args:
        common: notes that are told once for all tables, from `reading.shared`.
    """
    kinds = {kind.name: kind for kind in TABLES}
    by: dict[str, list[Table]] = {name: [] for name in (*kinds, "")}
    for table in tables:
        by[named(table.name) if named(table.name) in kinds else ""].append(table)
    words = {name: (kind.title, kind.sentence) for name, kind in kinds.items()} | {"": OTHER}
    return [
        Section(name or "further", *words[name], _opened([
            _shown(t, h, common) for t, h in zip(of, _headings(of), strict=True)
        ], name))
        for name, of in by.items()
        if of
    ]  # fmt: skip


def _opened(shown: list[Shown], kind: str) -> list[Shown]:
    return [replace(shown[0], open=kind in MAIN), *shown[1:]]


def _headings(tables: Sequence[Table]) -> list[str]:
    """The parts of each caption that others of its kind do not have."""
    parts = [PARTS.split(table.caption) for table in tables]
    if len(parts) == 1:
        return [tables[0].caption]
    common = set.intersection(*map(set, parts))
    headings = [" ".join(part for part in of if part not in common).rstrip(".;:") for of in parts]
    return [heading or table.caption for heading, table in zip(headings, tables, strict=True)]


def _shown(table: Table, heading: str, common: Mapping[str, Note]) -> Shown:
    marks = getattr(table, "marks", None)
    marked = (
        [[""] * table.shown.shape[1]] * len(table.shown) if marks is None else marks.astype(str).to_numpy().tolist()
    )
    behind = {str(column): _behind(table, column) for column in table.shown.columns}
    rows = [
        (str(name), [*_entries(table.shown.iloc[i], [by[i] for by in behind.values()], marked[i])])
        for i, name in enumerate(table.shown.index)
    ]
    corner = str(table.shown.index.name or "")
    columns = [(str(column), hint(str(column))) for column in table.shown.columns]
    return Shown(
        table.name, heading, table.caption, corner, columns, rows, own(table.notes, common),
        linked(table.notes, common), gaps(table.notes), table.latex(), table.csv, table.highlighted,
    )  # fmt: skip


def _entries(shown: pd.Series, behind: Sequence[float | None], marks: Sequence[str]) -> Iterator[Entry]:
    for text, number, mark in zip(map(str, shown), behind, marks, strict=True):
        value = _leading(text) if number is None else number
        yield Entry(text, "" if math.isnan(value) else f"{value:.10g}", mark, FLAG in text)


def _behind(table: Table, column: object) -> Sequence[float | None]:
    """The numbers behind a column; None where the table keeps none under its name."""
    for number in BEHIND:
        if (column, number) in table.numbers.columns:
            return pd.to_numeric(table.numbers[(column, number)], errors="coerce").astype(float).tolist()
    return [None] * len(table.shown)


def _leading(text: str) -> float:
    """The first number of a text that begins with one, as of cells without numbers behind them."""
    found = NUMBER.match(text.removeprefix("<"))
    return float(found[0].replace(",", "").replace("−", "-")) if found else math.nan
