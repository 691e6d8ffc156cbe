"""Deletion and insertion curves (Petsiuk et al. 2018, RISE, arXiv:1806.07421), of networks that are not retrained."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from reports.areas import area
from reports.load import curves
from reports.settings import images, title
from reports.style import share
from reports.table import Table, table

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
    found = []
    for rows, order, ending in images(curves(frame)):
        measured = rows[rows[METRIC].notna()]
        if not rows.retrain.iloc[0] and len(measured):
            found.append(_probabilities(rows, measured, order, f"{NAMES[order]}{ending}"))
    return found


def _probabilities(rows: pd.DataFrame, measured: pd.DataFrame, order: str, name: str) -> Table:
    sign = "t" if order == "morf" else "s"
    at = measured.removal_fraction if order == "morf" else (1 - measured.removal_fraction).round(10)
    wide = measured.assign(at=at).pivot(index=["explainer", "seed"], columns="at", values=METRIC)
    values: dict[str, Mapping] = {
        f"{sign}={t:.10g}": {e: seeds.dropna() for e, seeds in wide[t].groupby("explainer")} for t in wide.columns
    }
    first, last = wide.columns[0], wide.columns[-1]
    if last > first:
        values["AUC"] = _areas(wide)
    over = "" if (first, last) == (0, 1) else f" divided by its width, from {sign} = {first:.10g} to {last:.10g}"
    caption = f"{WHAT[order]}. {title(rows)}."
    return table(name, caption, rows, values, share).noted(HOW.format(over=over))


def _areas(wide: pd.DataFrame) -> dict[str, np.ndarray]:
    """Of whole curves, in probability: divided by the width of what was measured."""
    whole = wide.dropna()
    fractions = whole.columns.to_numpy(float).tolist()
    below = pd.Series(area(fractions, whole.to_numpy()) / (fractions[-1] - fractions[0]), whole.index)
    return {str(name): values.to_numpy() for name, values in below.groupby("explainer")}
