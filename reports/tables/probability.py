"""Deletion and insertion curves (Petsiuk et al. 2018, RISE, arXiv:1806.07421), of networks that are not retrained."""

import pandas as pd

from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import images, title
from roarbench.reports.rows.style import BETTER, probability
from roarbench.reports.statistics.areas import area
from roarbench.reports.statistics.groups import Better
from roarbench.reports.statistics.scores import Scores
from roarbench.reports.tables.lines import Columns, Lines
from roarbench.reports.tables.table import Table, by_seed, table

METRIC = "test_target_probability"
NAMES = {"morf": "deletion", "lerf": "insertion"}
WHAT = {
    "morf": "Deletion (Petsiuk et al. 2018): removed most relevant first (lower is better), at removal fraction t",
    "lerf": "Insertion (Petsiuk et al. 2018): shown most relevant first (higher is better), at share shown s = 1 - t",
}
HOW = (
    "Mean softmax probability of the class predicted on the intact image. AUC: area below the curve{over}, by "
    "trapezoids."
)


def probabilities(frame: pd.DataFrame) -> list[Table]:
    """A table for every setting without retraining, and order, where the probability was measured."""
    tables = []
    for rows, order, ending in images(curves(frame)):
        measured = rows[rows[METRIC].notna()]
        if not rows.retrain.iloc[0] and len(measured):
            tables.append(_probabilities(rows, measured, order, f"{NAMES[order]}{ending}"))
    return tables


def _probabilities(rows: pd.DataFrame, measured: pd.DataFrame, order: str, name: str) -> Table:
    sign = "t" if order == "morf" else "s"
    at = measured.removal_fraction if order == "morf" else (1 - measured.removal_fraction).round(10)
    wide = measured.assign(at=at).pivot(index=["explainer", "seed"], columns="at", values=METRIC)
    fractions = [float(t) for t in wide.columns]
    values = {f"{sign}={t:.10g}": by_seed(measured[at == t], METRIC) for t in fractions}
    better: dict[str, Better] = {name: BETTER[order] for name, t in zip(values, fractions, strict=True) if 0 < t < 1}
    first, last = fractions[0], fractions[-1]
    if last > first:
        values["AUC"] = _areas(wide)
        better["AUC"] = BETTER[order]
    over = "" if (first, last) == (0, 1) else f" divided by its width, from {sign} = {first:.10g} to {last:.10g}"
    caption = f"{WHAT[order]}. {title(rows)}."
    return table(name, caption, Lines(rows), Columns(values, probability, better)).noted(HOW.format(over=over))


def _areas(wide: pd.DataFrame) -> Scores:
    """Of whole curves, in probability: divided by the width of what was measured."""
    whole = wide.dropna()
    fractions = whole.columns.to_numpy(float).tolist()
    below = pd.Series(area(fractions, whole.to_numpy()) / (fractions[-1] - fractions[0]), whole.index)
    return by_seed(below.reset_index(name="area"), "area")
