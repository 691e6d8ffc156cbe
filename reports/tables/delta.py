"""Delta: what the mask of an image takes, or leaves, beyond masks of other images; with an exact test."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import norm

from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import gone, seen, slug, title
from roarbench.reports.rows.style import p_value, points
from roarbench.reports.statistics.scores import Scores
from roarbench.reports.tables.evidence import means
from roarbench.reports.tables.lines import Columns, Lines
from roarbench.reports.tables.table import Table, table

DELTAS = {"delta": "", "delta_in_class": " in class"}
"""Columns of a frame -> what is added to the heading where masks come from the same predicted class alone."""

CAPTION = {
    "evaluator": "Delta by the shared evaluator, in points",
    "foreign": "Delta by networks retrained behind masks of other images, in points",
}
HOW = (
    "Delta: effect of an image's own mask beyond masks of other images, in points of accuracy, mean over 0 < t < 1. "
    "Own masks cost more accuracy ({removed}) or keep more ({kept}). It is 0 if masks have nothing to do with their "
    "image, and higher is better."
)
CLASS = (
    "In class: the other masks come from images of the same predicted class, so the rest of Delta is about the "
    "image itself."
)
TEST = (
    "p: one-sided permutation test of Delta > 0 over all ways to exchange masks within small blocks of test images. "
    "z of every cell is averaged over fractions, as if these were perfectly correlated, and summed over seeds "
    "(Stouffer). So p is rather too large. The exact p of every cell is in rows.csv."
)


def delta_tables(frame: pd.DataFrame) -> list[Table]:
    """A table for every setting in which images were seen behind masks of other images."""
    joined = curves(frame)
    parts = seen(joined[joined.delta.notna()])
    return [_table(part, f"delta{slug(part, joined)}") for part in parts]


def combined_p(rows: pd.DataFrame, column: str) -> dict[str, float]:
    """Explainer -> p of its mean over fractions and seeds, from z of its cells.

    Cells of a seed share images and ways to hand round masks, hence count as perfectly correlated.
    """
    by_seed = rows.groupby(["explainer", "seed"], sort=False)[column].mean().dropna()
    totals = by_seed.groupby("explainer", sort=False)
    return {str(name): float(norm.sf(z.sum() / math.sqrt(len(z)))) for name, z in totals}


def _table(part: pd.DataFrame, name: str) -> Table:
    values = dict(_values(part))
    best = next(iter(values.values()))
    part = part.iloc[part.explainer.map(lambda e: -best.summary(e).mean).argsort(kind="stable")]
    tests = dict(_tests(part))
    columns = Columns(values, points, dict.fromkeys(values, "high"))
    made = table(name, f"{CAPTION[part.probe.iloc[0]]}. {title(part)}.", Lines(part), columns)
    shown = list(dict.fromkeys(part.explainer))
    for heading, by in tests.items():
        numbers = [by.get(e, np.nan) for e in shown]
        made = made.extended(f"p {heading}", [p_value(p) for p in numbers], {"p": numbers})
    order = [column for heading in values for column in (heading, f"p {heading}")]
    return made.leading(*order).noted(HOW.format(removed=gone(part, "morf"), kept=gone(part, "lerf")), CLASS, TEST)


def _values(part: pd.DataFrame) -> Iterator[tuple[str, Scores]]:
    for order, rows in part.groupby("order", sort=False):
        for column, suffix in DELTAS.items():
            yield f"{gone(rows, str(order))}{suffix}", Scores(means(rows, column))


def _tests(part: pd.DataFrame) -> Iterator[tuple[str, dict[str, float]]]:
    for order, rows in part.groupby("order", sort=False):
        for column, suffix in DELTAS.items():
            yield f"{gone(rows, str(order))}{suffix}", combined_p(rows, f"{column}_z")
