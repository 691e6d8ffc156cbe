"""Tables of a report in a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table as Grid
from rich.text import Text

from roarbench.reports.statistics.groups import Mark
from roarbench.reports.tables.table import Table
from roarbench.reports.terminal.text import columns, rendered, show

GAP = 2
"""Columns between two columns of a table."""

LONGEST = 30
"""Columns that names of lines take at most; longer ones are broken."""

STYLES: dict[Mark, str] = {"best": "bold", "group": "underline", "": ""}


def printed(tables: Iterable[Table]) -> str:
    """Tables one below the other as text for `show`, as wide as the terminal is."""
    return "\n\n".join(as_text(table, columns()) for table in tables)


def shown(tables: Iterable[Table], folder: Path) -> None:
    """Prints tables, then the address of the folder that has them as files."""
    show(printed(tables))
    print(f"\n{folder.resolve().as_uri()}")


def as_text(table: Table, width: int) -> str:
    """A table with its caption and notes; columns that do not fit beside each other follow below.

    Args:
        width: columns of the terminal.
    """
    parts = [_grid(table, names) for names in _parts(table.shown, width - GAP)]
    notes = [Text(note, style="dim") for note in table.notes]
    return rendered([Text(table.caption, style="bold"), *parts, *notes], width)


def grid(headings: Sequence[str], *, first: str) -> Grid:
    """An empty table with a rule below its head.

    Args:
        headings: of the columns of numbers.
        first: heading of the column of names.
    """
    empty = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, GAP - 1, 0, 0), show_edge=False, header_style="bold")
    empty.add_column(first, max_width=LONGEST, overflow="fold")
    for heading in headings:
        empty.add_column(heading, justify="right", no_wrap=True)
    return empty


def _grid(table: Table, names: list[str]) -> Grid:
    filled = grid(names, first=str(table.shown.index.name or ""))
    for place, (name, line) in enumerate(table.shown.iterrows()):
        cells = [Text(str(line[column]), style=_style(table, place, column)) for column in names]
        filled.add_row(Text(str(name), style="bold" if name in table.highlighted else ""), *cells)
    return filled


def _style(table: Table, place: int, column: str) -> str:
    return "" if table.marks is None else STYLES[table.marks[column].iloc[place]]


def _parts(shown: pd.DataFrame, width: int) -> Iterator[list[str]]:
    """Names of the columns that fit beside each other, the names of the lines at the left each time."""
    names = min(LONGEST, _width(shown.index.name, shown.index)) + GAP
    part: list[str] = []
    taken = names
    for column in shown:
        needed = _width(column, shown[column]) + GAP
        if part and taken + needed > width:
            yield part
            part, taken = [], names
        part.append(str(column))
        taken += needed
    yield part


def _width(heading: object, texts: Iterable[object]) -> int:
    return max(cell_len(str(text)) for text in (heading, *texts))
