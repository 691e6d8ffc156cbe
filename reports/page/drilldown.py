"""From a number of the page to what is behind it: the value of every seed, and where the explainer is shown."""

from collections.abc import Sequence

from roarbench.reports.page.columns import Column
from roarbench.reports.page.leaderboard import Board
from roarbench.reports.page.methods import Method

DECIMALS = 4


def drilldown(boards: Sequence[Board], methods: Sequence[Method]) -> dict[str, object]:
    """The values of every seed as plain data, which the page holds as JSON.

    Returns:
        `explainers`: label -> number, family and first sentence of its card; `boards`: of each data set and classifier
        its columns, and of every column the values by label.
    """
    return {"explainers": {method.series.label: _about(method) for method in methods}, "boards": [*map(_board, boards)]}


def _about(method: Method) -> dict[str, object]:
    summary = "".join(text for text, _ in method.summary)
    return {"number": method.series.number, "family": method.series.family, "summary": summary}


def _board(board: Board) -> dict[str, object]:
    labels = {row.series.explainer: row.series.label for row in board.rows}
    columns = [_column(column, labels) | {"place": i + 1} for i, column in enumerate(board.columns) if column.by_seed]
    return {"where": f"{board.dataset}, {board.classifier}", "columns": columns}


def _column(column: Column, labels: dict[str, str]) -> dict[str, object]:
    """A column: its heading, which numbers are better, and of every explainer its text and its values by seed."""
    rows = {
        labels[e]: [column.texts[e], [[seed, round(value, DECIMALS)] for seed, value in sorted(seeds.items())]]
        for e, seeds in column.by_seed.items()
        if e in labels and e in column.texts
    }
    return {"heading": column.heading, "better": column.better, "rows": rows}
