"""Every explainer against every other: a matrix of differences."""

import numpy as np
import pandas as pd

from roarbench.reports.rows.load import curves
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import images, protocol, title
from roarbench.reports.rows.style import ORDERS, labels
from roarbench.reports.statistics.family import Difference, Family
from roarbench.reports.tables.evidence import best_first, family
from roarbench.reports.tables.summary import gains
from roarbench.reports.tables.table import Table

LEAST = 3
"""Explainers of a matrix; the difference of two stands in other tables."""
HOW = (
    "Each cell: how much better the row's explainer is than the column's, in points of accuracy, mean over 0 < t < "
    "1. A star marks significant differences by one test of all pairs at 5 %. The CSV file has intervals and p."
)
NUMBERS = ("mean", "half_width", "p")


def pair_tables(frame: pd.DataFrame) -> list[Table]:
    """A matrix for every setting and order in which networks are retrained on images."""
    joined = curves(frame)
    tested = [(rows, order, ending, family(rows)) for rows, order, ending in images(joined) if rows.retrain.iloc[0]]
    return [_table(*one) for one in tested if len(one[-1].means) >= LEAST]


def _table(rows: pd.DataFrame, order: str, ending: str, compared: Family) -> Table:
    names = [e for e in dict.fromkeys(best_first(rows, order).explainer) if e in compared.means]
    by = {column: gains(compared, rows, order, column) for column in names}
    index = pd.Index(labels(names), name="explainer")
    shown = [[_text(by[column][row]) if row != column else "" for column in names] for row in names]
    numbers = {
        (text, number): [getattr(by[column][row], number) if row != column else np.nan for row in names]
        for text, column in zip(index, names, strict=True)
        for number in NUMBERS
    }
    caption = f"Differences between explainers. {protocol(rows, order)}. {title(rows)}."
    return Table(
        f"pairs-{ORDERS[order].lower()}{ending}", caption, pd.DataFrame(shown, index, index.rename(None)),
        pd.DataFrame(numbers, index), (HOW, covers(rows)), dataset=str(rows.dataset.iloc[0]),
        tested=compared.model is not None,
    )  # fmt: skip


def _text(difference: Difference) -> str:
    return f"{100 * difference.mean:+.1f}{'*' * difference.significant}" if difference.n else "–"
