"""What a reader asked to see: decimals, columns, explainers. Chosen from finished tables, so that no number changes."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from roarbench.benchmark.matrix.notation import suggestion
from roarbench.reports.rows.names import matching
from roarbench.reports.rows.style import label
from roarbench.reports.tables.operating import own_rows
from roarbench.reports.tables.table import Table

MOST_DECIMALS = 6
ROWS = ("explainer", "instrument")
"""What the rows of a table are called where explainers and columns can be chosen."""

ALWAYS = "n"
"""Column that is never hidden."""

FEWER_EXPLAINERS = "Shown: {shown} of {all} rows. Tests, groups and marks still include all of them."
FEWER_COLUMNS = "Columns not shown: {hidden}."


@dataclass(frozen=True)
class View:
    """What is shown of every table.

    Attributes:
        decimals: decimals of percentages; numbers around 1 get one more. None leaves them as they are.
        columns: removal fractions or names of columns, or a word of these; tables that have none are shown whole.
        explainers: as written or as labels; empty for all.
        tables: names of tables or of kinds of tables, which are printed and not written; empty for all.
    """

    decimals: int | None = None
    columns: tuple[str, ...] = ()
    explainers: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.decimals is not None and not 0 <= self.decimals <= MOST_DECIMALS:
            raise ValueError(f"decimals must lie in [0, {MOST_DECIMALS}], got {self.decimals}")


def chosen(view: View, explainers: Sequence[str]) -> list[str]:
    """The explainers of a run that are shown, in its order.

    Raises:
        ValueError: a name is that of no explainer.
    """
    named = {e for word in view.explainers for e in matching(word, explainers, "explainers")}
    return [e for e in explainers if not view.explainers or e in named]


def shown(view: View, tables: Iterable[Table], explainers: Sequence[str]) -> list[Table]:
    """Tables as they were asked for; without those of which no row is left.

    Args:
        explainers: all of the run, as written.

    Raises:
        ValueError: a name is that of no explainer, or of no column.
    """
    selection = chosen(view, explainers)
    result = [table if view.decimals is None else table.rounded(view.decimals) for table in tables]
    _known(view.columns, result)
    result = [_of_columns(table, view.columns) for table in result]
    if view.explainers:
        rows = {name for e in selection for name in (e, label(e), *own_rows(e))}
        result = [_of_rows(table, rows) for table in result]
    return [table for table in result if len(table.shown)]


def _known(words: Collection[str], tables: Iterable[Table]) -> None:
    columns = dict.fromkeys(str(column) for table in tables if _choosable(table) for column in table.shown)
    for word in words:
        if not any(_means(word, column) for column in columns):
            raise ValueError(f"columns must be removal fractions or names, got {word!r}{suggestion(word, columns)}")


def _choosable(table: Table) -> bool:
    return table.shown.index.name in ROWS


def _means(word: str, column: str) -> bool:
    """Whether a word names a column: its name or a word of it, or the fraction in it."""
    return word in (column, *column.split()) or _same_number(word, column.rpartition("=")[2])


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def _of_columns(table: Table, words: Collection[str]) -> Table:
    if not _choosable(table) or not any(_means(word, str(column)) for word in words for column in table.shown):
        return table
    columns = [c for c in map(str, table.shown) if c == ALWAYS or any(_means(word, c) for word in words)]
    hidden = ", ".join(c for c in map(str, table.shown) if c not in columns)
    behind = table.numbers.columns.get_level_values(0)
    numbers = table.numbers.loc[:, behind.isin(columns)] if table.numbers.columns.nlevels > 1 else table.numbers
    marks = None if table.marks is None else table.marks[columns]
    part = replace(table, shown=table.shown[columns], numbers=numbers, marks=marks, written={})
    return part.noted(FEWER_COLUMNS.format(hidden=hidden)) if hidden else part


def _of_rows(table: Table, names: Collection[str]) -> Table:
    rows = table.shown.index.isin(list(names))
    if not _choosable(table) or rows.all():
        return table
    marks = None if table.marks is None else table.marks[rows]
    numbers: pd.DataFrame = table.numbers[table.numbers.index.isin(list(names))]
    part = replace(table, shown=table.shown[rows], numbers=numbers, marks=marks, written={})
    return part.noted(FEWER_EXPLAINERS.format(shown=rows.sum(), all=len(rows)))
