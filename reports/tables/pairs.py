"""Every explainer against every other: a matrix of differences."""

import numpy as np
import pandas as pd

from roarbench.reports.rows.load import curves
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import images, protocol, title
from roarbench.reports.rows.style import ORDERS, labels
from roarbench.reports.statistics.family import Difference, Family
from roarbench.reports.tables.evidence import family
from roarbench.reports.tables.table import Table

LEAST = 3
"""Explainers of a matrix; the difference of two stands in other tables."""
HOW = (
    "By how much the explainer of the row is better than that of the column, in points of mean accuracy over "
    "0 < t < 1. A star marks significant differences, in one test of all pairs at 5 %. The CSV has intervals and p."
)
NUMBERS = ("mean", "half_width", "p")


def pair_tables(frame: pd.DataFrame) -> list[Table]:
    """A matrix for every setting and order in which networks are retrained on images."""
    joined = curves(frame)
    tested = [(rows, order, ending, family(rows)) for rows, order, ending in images(joined) if rows.retrain.iloc[0]]
    return [_table(*one) for one in tested if len(one[-1].means) >= LEAST]


def differences(compared: Family, order: str) -> dict[tuple[str, str], Difference]:
    """Row and column -> by how much the row is better, the best explainers first; positive whatever the order."""
    turn = 1 if order == "morf" else -1
    names = sorted(compared.means, key=lambda e: turn * compared.means[e])
    return {
        (row, column): compared.difference(*((column, row) if order == "morf" else (row, column)))
        for row in names
        for column in names
    }


def _table(rows: pd.DataFrame, order: str, ending: str, compared: Family) -> Table:
    by = differences(compared, order)
    names = list(dict.fromkeys(row for row, _ in by))
    index = pd.Index(labels(names), name="explainer")
    shown = [[_text(by[row, column]) if row != column else "" for column in names] for row in names]
    numbers = {
        (text, number): [getattr(by[row, column], number) if row != column else np.nan for row in names]
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
