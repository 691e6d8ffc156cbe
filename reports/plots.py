"""ROAR and KAR curves: one panel for each family of explainers, the random control shaded behind all of them."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from seaborn import color_palette

from benchmark.notation import parse
from benchmark.statistics import summarise
from reports.drawing import save
from reports.load import curves
from reports.operating import operating_points
from reports.settings import settings, slug, title
from reports.style import FAMILIES, ORDERS, OTHER_FAMILY, REFERENCE, family, label, labels

DASHES: list[tuple[int, ...]] = [(), (4, 2), (4, 1, 1, 1), (6, 1, 1, 1, 1, 1)]


def plots(frame: pd.DataFrame, folder: Path) -> list[Path]:
    """Draws the curves of every setting as SVG and PNG and returns their paths."""
    joined = curves(frame)
    parts = list(settings(joined[joined.probe == "image"]))
    return [path for part in parts for path in save(_curves(part), folder / f"curves{slug(part, joined)}")]


def _curves(part: pd.DataFrame) -> Figure:
    """A row of panels for each family, a column for each order, the legend beside the row."""
    part = part.assign(family=part.explainer.map(family))
    families = [name for name in (*FAMILIES, OTHER_FAMILY) if name in set(part.family)]
    orders = [order for order in ORDERS if order in set(part.order)]
    figure = Figure(figsize=(1.8 + 3.2 * len(orders), 0.6 + 2.2 * len(families)), layout="constrained")
    grid = figure.subplots(len(families), len(orders), sharex=True, sharey=True, squeeze=False)
    for row, name in zip(grid, families, strict=True):
        for axis, order in zip(row, orders, strict=True):
            _panel(axis, part[part.order == order], name)
            if order == "lerf":
                _operating_points(axis, part[part.order == order])
            axis.set(title=f"{ORDERS[order]}: {name}", xlabel="removal fraction t", ylabel="test accuracy")
            axis.title.set_size(9)
            axis.legend().remove()
        row[-1].legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.suptitle(title(part).replace("; ", "\n", 1), fontsize=9)
    return figure


def _panel(axis: Axes, rows: pd.DataFrame, name: str) -> None:
    """Means over seeds with the band of their 95 % interval, from the same numbers as the tables."""
    explainers = list(dict.fromkeys(rows.explainer))
    references = [e for e in explainers if parse(e)[0] == REFERENCE]
    members = [e for e in explainers if e not in references and family(e) == name]
    shown = labels([*references, *members])
    colours = [*["0.35"] * len(references), *color_palette("colorblind", len(members))]
    dashes = [*[(1, 1)] * len(references), *(DASHES[i % len(DASHES)] for i in range(len(members)))]
    for e, text, colour, dash in zip([*references, *members], shown, colours, dashes, strict=True):
        at, mean, half = _curve(rows[rows.explainer == e])
        (line,) = axis.plot(at, mean, color=colour, linewidth=1.3, label=text)
        line.set_dashes(dash)
        axis.fill_between(at, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0)


def _curve(rows: pd.DataFrame) -> Float[np.ndarray, "3 t"]:
    """Fractions, means over seeds and half-widths of their intervals; NaN where there is none."""
    found = [(t, summarise(group.test_accuracy)) for t, group in rows.groupby("removal_fraction")]
    return np.array([(t, summary.mean, summary.half_width) for t, summary in found], dtype=float).reshape(-1, 3).T


def _operating_points(axis: Axes, rows: pd.DataFrame) -> None:
    """A star where explainers with masks of their own stand, beside the curves of all others."""
    for name, points in operating_points(rows).groupby("explainer", sort=False):
        hidden, accuracy = summarise(points.I), summarise(points.accuracy)
        axis.errorbar(
            hidden.mean, accuracy.mean, xerr=np.nan_to_num(hidden.half_width), yerr=np.nan_to_num(accuracy.half_width),
            fmt="*", color="black", markersize=9, elinewidth=0.8, label=f"{label(str(name))}, own masks",
        )  # fmt: skip
