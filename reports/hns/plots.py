"""Figures of a Hide-and-Seek study: a condition has one colour, line and marker in all of them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from roarbench.reports.hns.results import WINDOW, Study
from roarbench.reports.pictures.drawing import DPI, NAMELESS
from roarbench.reports.pictures.looks import DASHES

STYLE: Any = {
    "svg.hashsalt": "roarbench", "svg.fonttype": "none", "pdf.fonttype": 42, "figure.dpi": 110, "font.size": 8,
    "figure.titlesize": 9, "figure.labelsize": 8, "axes.titlesize": 9, "axes.spines.top": False,
    "axes.spines.right": False, "legend.frameon": False, "lines.linewidth": 1.3, "lines.markersize": 4,
}  # fmt: skip
MARKERS = "osD^vPXp*<>h"
GUIDE: dict[str, Any] = {"color": "0.5", "linewidth": 0.9, "linestyle": "--", "zorder": 0}
METRICS = {
    "fidelity": "Fidelity F",
    "interpretability": "Interpretability I",
    "fir": "FIR = F / (F + I)",
    "fii": "FII = F × I",
}
IDEAL = (1.0, 1.0, 0.5, 1.0)
"""The metrics at F = I = 1."""

PROGRESS = {"accuracy": "test accuracy", "hidden": "share hidden", "alpha": "alpha", "total_loss": "total loss"}
LEVELS = [round(0.1 * i, 1) for i in range(1, 10)]
"""FII of the lines behind the projection."""

LAST = "seeker, last epoch"
PROBES = {
    "random mask only": "#9ecae1",
    "mask only": "#0173b2",
    "behind random mask": "#fdd0a2",
    "behind mask": "#de8f05",
    "judge": "#029e73",
    LAST: "0.4",
}
"""Colours of what sees masks, or images behind them."""


class Look(NamedTuple):
    """How a condition is drawn."""

    label: str
    colour: tuple[float, float, float]
    line: Any
    marker: str


def study_figures(study: Study, out: Path) -> list[Path]:
    """Draws all figures of a study as SVG, PDF and PNG, and returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        drawn = {name: _laid_out(figure) for name, figure in figures(study).items()}
        return [save(figure, out / f"{name}.{suffix}") for name, figure in drawn.items() for suffix in NAMELESS]


def figures(study: Study) -> dict[str, Figure]:
    """The figures of a study by name."""
    return {
        "panels": _panels(study),
        "progress": _progress(study),
        "projection": _projection(study),
        "collapse": _collapse(study),
        "leaks": _leaks(study),
    }


def looks_of(rows: pd.DataFrame, order: Iterable[str]) -> dict[str, Look]:
    """Looks of the conditions that have rows; those without keep their colours for later."""
    names = list(dict.fromkeys(order))
    looks = {}
    for i, (name, colour) in enumerate(zip(names, sns.color_palette("colorblind", len(names)), strict=True)):
        if num_trainings := rows[rows.condition == name].seed.nunique():
            label, dashes = f"{fill(plain(name), 26)} (n = {num_trainings})", DASHES[i % len(DASHES)]
            looks[name] = Look(label, colour, (0, dashes) if dashes else "-", MARKERS[i % len(MARKERS)])
    return looks


def looks(study: Study) -> dict[str, Look]:
    """Looks of the conditions of a study that have trainings."""
    return looks_of(study.finals, study.order)


def title(study: Study, text: str) -> str:
    """A text below the data set and the number of trainings."""
    return f"{plain(study.finals.dataset.iloc[0])}, {trainings(study.finals)}\n{text}"


def trainings(rows: pd.DataFrame) -> str:
    """How many trainings the conditions have, in words."""
    counts = rows.groupby("condition").seed.nunique()
    low, high = counts.min(), counts.max()
    number = str(low) if low == high else f"{low}–{high}"
    return f"{number} training{'s' if high > 1 else ''} {'of each condition' if len(counts) > 1 else ''}".rstrip()


def lines(axis: Axes, rows: pd.DataFrame, columns: tuple[str, str], looks: Mapping[str, Look]) -> None:
    """Means over trainings, in a band from the lowest to the highest, with markers at both ends."""
    for name, look in looks.items():
        by = rows[rows.condition == name].groupby(columns[0])[columns[1]]
        mean, low, high = by.mean(), by.min(), by.max()
        axis.fill_between(mean.index, low, high, color=look.colour, alpha=0.13, linewidth=0)
        axis.plot(mean, color=look.colour, linestyle=look.line, marker=look.marker, markevery=[0, -1])


def legend(figure: Figure, looks: Mapping[str, Look], *more: Line2D) -> None:
    """Lines and markers of all conditions, beside the panels."""
    handles = [Line2D([], [], label=k.label, color=k.colour, linestyle=k.line, marker=k.marker) for k in looks.values()]
    figure.legend(handles=[*handles, *more], loc="outside right center", handlelength=3.5)


def save(figure: Figure, path: Path) -> Path:
    """Writes a figure in the format of the suffix, the same bytes every time, and returns the path."""
    figure.savefig(path, dpi=DPI, metadata=NAMELESS[path.suffix[1:]])
    return path


def plain(text: object) -> str:
    """Text that matplotlib shows as it is, dollars included."""
    return str(text).replace("$", r"\$")


def _laid_out(figure: Figure) -> Figure:
    """The figure, laid out once and not again for every file format."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def _panels(study: Study) -> Figure:
    figure = _four(study, study.epochs, "epoch", METRICS)
    for axis, ideal in zip(figure.axes, IDEAL, strict=True):
        axis.axhline(ideal, **GUIDE)
        axis.set_ylim(0, max(1.05, axis.get_ylim()[1]))
    legend(figure, looks(study), Line2D([], [], label="F = I = 1", **GUIDE))
    figure.suptitle(title(study, "mean over trainings, and band from lowest to highest, on the test split"))
    return figure


def _progress(study: Study) -> Figure:
    figure = _four(study, study.steps, "step", PROGRESS)
    figure.axes[0].axhline(study.baseline, **GUIDE)
    figure.axes[0].set_ylim(0, max(1.05 * study.baseline, figure.axes[0].get_ylim()[1]))
    legend(figure, looks(study), Line2D([], [], label="baseline", **GUIDE))
    text = f"mean over trainings, and band from lowest to highest; hidden and loss: means of {WINDOW} batches"
    figure.suptitle(title(study, text))
    return figure


def _four(study: Study, rows: pd.DataFrame, x: str, titles: Mapping[str, str]) -> Figure:
    """Four panels of lines, one for each column."""
    figure = Figure(figsize=(8.4, 5.0), layout="constrained")
    for axis, (column, title) in zip(figure.subplots(2, 2, sharex=True).flat, titles.items(), strict=True):
        lines(axis, rows, (x, column), looks(study))
        axis.set(title=title, ylim=(0, 1.05 * axis.get_ylim()[1]))
        axis.xaxis.get_major_locator().set_params(integer=True)
    figure.supxlabel(x)
    return figure


def _projection(study: Study) -> Figure:
    """All trainings, and those in the upper right corner magnified."""
    finals, limit = study.finals, max(1.05, 1.02 * study.finals.F.max())
    corners = [0.0, 0.8] if ((finals.hidden > 0.8) & (finals.F > 0.8)).any() else [0.0]
    figure = Figure(figsize=(2.4 + 3.6 * len(corners), 4.0), layout="constrained")
    for axis, low in zip(figure.subplots(1, len(corners), squeeze=False).flat, corners, strict=True):
        _levels(axis, limit)
        _points(axis, study, finals.hidden, finals.F)
        for name, row in study.published.iterrows():
            look = looks(study)[str(name)]
            axis.scatter(row.hidden, row.fidelity, 60, marker=look.marker, facecolors="none", edgecolors=[look.colour])
        axis.set(xlabel="Interpretability I", ylabel="Fidelity F", xlim=(low, limit), ylim=(low, limit), aspect="equal")
    hollow = Line2D([], [], label="hollow: published mean", linestyle="", marker="o", color="0.4", fillstyle="none")
    legend(figure, looks(study), *([hollow] if len(study.published) else []))
    figure.suptitle(title(study, "after the last epoch, one point a training; grey lines: FII"))
    return figure


def _levels(axis: Axes, limit: float) -> None:
    """Lines of equal FII with their values, behind everything else."""
    for level in LEVELS:
        x = np.linspace(level / limit, limit)
        axis.plot(x, level / x, color="0.88", linewidth=0.8, zorder=0)
        box = {"facecolor": "white", "linewidth": 0, "pad": 0.5}
        axis.text(
            level**0.5, level**0.5, str(level), color="0.55", ha="center", va="center", bbox=box, zorder=0, clip_on=True
        )


def _collapse(study: Study) -> Figure:
    """Regions as published: collapse below the line from (5 %, baseline) to (101 %, just above chance)."""
    baseline, accuracy = study.baseline, study.finals.accuracy
    figure = Figure(figsize=(6.2, 4.0), layout="constrained")
    axis = figure.subplots()
    axis.fill([-1, -1, 5, 101, 101], [0, baseline, baseline, 1.1 * (study.chance or 0.1), 0], color="0.9", zorder=0)
    axis.fill([90, 90, 101, 101], [0.9 * baseline, 2, 2, 0.9 * baseline], color="#cfe8cf", zorder=0)
    axis.text(3, 0.03 * baseline, "collapse", color="0.4")
    axis.text(89, 0.92 * baseline, "optimal", color="#2e7d32", ha="right")
    axis.axhline(baseline, **GUIDE)
    _points(axis, study, 100 * study.finals.hidden, accuracy)
    top = max(1.05 * baseline, 1.02 * accuracy.max())
    axis.set(xlabel="share hidden in %", ylabel="test accuracy", xlim=(-1, 101), ylim=(0, top))
    legend(figure, looks(study), Line2D([], [], label="baseline", **GUIDE))
    figure.suptitle(title(study, "after the last epoch, one point a training"))
    return figure


def _leaks(study: Study) -> Figure:
    names = [fill(plain(name), 14) for name in looks(study)]
    figure = Figure(figsize=(max(5.0, 2.2 + 1.1 * len(names)), 3.4), layout="constrained")
    axis = figure.subplots()
    finals = study.finals.rename(columns={"accuracy": LAST}).dropna(axis=1, how="all")
    probes = {name: colour for name, colour in PROBES.items() if name in finals}
    rows = finals.melt(["condition", "seed"], [*probes], "probe", "accuracy")
    sns.barplot(
        rows, x="condition", y="accuracy", hue="probe", order=list(looks(study)), hue_order=list(probes),
        palette=list(probes.values()), saturation=1, errorbar=("pi", 100), err_kws={"linewidth": 0.9}, ax=axis,
    )  # fmt: skip
    axis.axhline(study.baseline, label="baseline", **GUIDE)
    if study.chance:
        axis.axhline(study.chance, label="chance", **GUIDE | {"linestyle": ":"})
    axis.set(xlabel="", ylabel="test accuracy", ylim=(0, None))
    axis.set_xticks(range(len(names)), names)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(
        title(study, "accuracy from the masks of the best epoch\nmean over trainings, and line from lowest to highest")
    )
    return figure


def _points(axis: Axes, study: Study, x: pd.Series, y: pd.Series) -> None:
    """One point a training, in the colour and the marker of its condition."""
    for name, look in looks(study).items():
        members = study.finals.condition == name
        axis.scatter(x[members], y[members], 26, color=[look.colour], marker=look.marker, alpha=0.75, linewidths=0.5)
