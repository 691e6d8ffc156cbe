"""Figures of SENN: accuracy, stability and residual against lambda."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from seaborn import color_palette

from roarbench.benchmark.results.statistics import summarise
from roarbench.reports.pictures.drawing import STYLE, save
from roarbench.reports.rows.style import probability, share
from roarbench.reports.senn.results import published

PANELS = {
    "accuracy": "test accuracy",
    "relative_inputs": "Lipschitz of theta / |theta|",
    "residual_ratio": "residual / gradient",
}
FORMS = {"accuracy": probability, "relative_inputs": share, "residual_ratio": share}
DASHES = ["-", "--", ":", "-."]


@matplotlib.rc_context(STYLE)
def sweep_figure(finals: pd.DataFrame, folder: Path) -> list[Path]:
    """A panel for each measure over lambda, a line for each form of the loss with its 95 % t interval."""
    figure = Figure(figsize=(7.0, 2.6), layout="constrained")
    axes = figure.subplots(1, len(PANELS))
    weights = sorted(set(finals.robust_weight))
    groups = list(finals.groupby("name", sort=False))
    for axis, (column, text) in zip(axes, PANELS.items(), strict=True):
        for (name, rows), colour, dash in zip(
            groups, color_palette("colorblind", len(groups)), DASHES * 9, strict=False
        ):
            _line(axis, rows, column, str(name), colour, dash)
        axis.set_xscale("symlog", linthresh=min(weight for weight in [*weights, 1.0] if weight))
        axis.set(xlabel="lambda", ylabel=text)
        axis.set_xticks(weights, [f"{weight:g}" for weight in weights], minor=False)
        axis.set_xticks([], minor=True)
        if column != "accuracy":
            axis.set_ylim(bottom=0)
    theirs = published(finals)
    axes[0].plot(theirs.robust_weight, theirs.accuracy, "kx", markersize=5, label="published (validation)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return save(figure, folder / "sweep")


def _line(axis: Axes, rows: pd.DataFrame, column: str, name: str, colour: object, dash: str) -> None:
    summaries = {weight: summarise(group[column].dropna()) for weight, group in rows.groupby("robust_weight")}
    mean = np.array([summary.mean for summary in summaries.values()])
    low, high = np.array([FORMS[column].ends(summary) for summary in summaries.values()]).T
    axis.errorbar(
        np.array([*summaries]), mean, (mean - low, high - mean), color=colour, linestyle=dash, linewidth=1.2, capsize=2,
        markersize=3, marker="o", label=name,
    )  # fmt: skip
