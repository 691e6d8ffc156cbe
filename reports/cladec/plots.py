"""Figures of ClaDec: what alpha costs in reconstruction and gains in classification."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter
from seaborn import color_palette

from roarbench.benchmark.results.statistics import Summary, summarise
from roarbench.reports.cladec.results import System, shortest, summary, systems
from roarbench.reports.pictures.drawing import PAGE, save

RATIO = "ratio"
PANELS = {
    RATIO: "reconstruction error\nby that of {reference}",
    "frozen_cross_entropy": "cross-entropy of the\nfrozen classifier",
    "frozen_accuracy": "frozen accuracy (filled),\nagreement (open), %",
    "evaluation_accuracy": "evaluation accuracy, %",
}
PERCENT = ("frozen_accuracy", "evaluation_accuracy")
PUBLISHED_AS = {"frozen_cross_entropy": "classification"}
KEY: dict[str, dict[str, Any]] = {
    "{reference}": {"linestyle": ":"},
    "classifier on originals": {"color": "0.6"},
}
DASHES: list[Any] = ["-", "--", "-.", ":"]


def alpha_figure(trainings: pd.DataFrame, folder: Path) -> list[Path]:
    """A figure for each system, a row for each data set, a line with its 95 % t band for each layer.

    Dotted: the reference, in the colour of the layer. Grey: the classifier on originals. Crosses: published values.

    Args:
        trainings: from `results.frame`.
    """
    drawn = [system for system in systems(trainings) if system.alphas]
    return [path for system in drawn for path in save(_figure(system), folder / f"alpha-{system.slug}")]


def _figure(system: System) -> Figure:
    datasets = list(dict.fromkeys(dataset for dataset, _ in system.places))
    layers = list(dict.fromkeys(layer for _, layer in system.places))
    colours = dict(zip(layers, color_palette("colorblind", len(layers)), strict=True))
    panels = {metric: text for metric, text in PANELS.items() if metric == RATIO or system.rows[metric].notna().any()}
    figure = Figure(figsize=(0.3 * PAGE * len(panels), 0.5 + 1.9 * len(datasets)), layout="constrained")
    for axes, dataset in zip(figure.subplots(len(datasets), len(panels), squeeze=False), datasets, strict=True):
        for axis, (metric, text) in zip(axes, panels.items(), strict=True):
            for layer, dash in zip(layers, DASHES * 9, strict=False):
                if (dataset, layer) in system.places:
                    _layer(axis, system, (dataset, layer), metric, (colours[layer], dash))
            _finish(axis, system, dataset, metric)
            axis.set_title(text.format(reference=system.reference), fontsize=7)
        axes[0].set_ylabel(dataset, fontsize=8)
    handles = [Line2D([], [], color=colours[x], linestyle=d, label=x) for x, d in zip(layers, DASHES * 9, strict=False)]
    key = {name.format(reference=system.reference): how for name, how in KEY.items()}
    handles += [Line2D([], [], label=name, **{"color": "0.3", **how}) for name, how in key.items()]
    if any(system.published(*place, "reference") for place in system.places):
        name = "published, trained otherwise" if system.departures else "published"
        handles += [Line2D([], [], color="0.3", linestyle="", marker="x", markersize=4.5, label=name)]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=7, frameon=False)
    figure.suptitle(system.title, fontsize=8)
    return figure


def _layer(
    axis: Axes, system: System, place: tuple[str, str], metric: str, look: tuple[tuple[float, float, float], str]
) -> None:
    colour, dash = look
    marks = {metric: "o"} | ({"agreement": "s"} if metric == "frozen_accuracy" else {})
    for name, marker in marks.items():
        summaries = {alpha: _summary(system, place, name, alpha) for alpha in system.alphas}
        at, mean, half = _arrays({position(alpha, system.alphas): s for alpha, s in summaries.items() if s.n})
        face = colour if marker == "o" else "white"
        axis.plot(at, mean, dash, color=colour, marker=marker, mfc=face, markersize=3, linewidth=1.1)
        axis.fill_between(at, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)
    if metric != RATIO:
        reference = summary(system.of(*place, "reference"), metric)
        if reference.n:
            axis.axhline(reference.mean, color=colour, linestyle=":", linewidth=0.9)
    theirs = {a: v for a in system.alphas if (v := _published(system, place, metric, a)) is not None}
    places = [position(alpha, system.alphas) for alpha in theirs]
    axis.plot(places, list(theirs.values()), "x", color=colour, markersize=4.5, markeredgewidth=0.9)


def _finish(axis: Axes, system: System, dataset: str, metric: str) -> None:
    if metric == RATIO:
        axis.axhline(1, color="0.6", linestyle=":", linewidth=0.9)
        axis.set_yscale("log")
        low, high = axis.get_ylim()
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 2 * low else MaxNLocator(4))
        axis.yaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter("{x:g}")
    else:
        original = summary(system.of(dataset, "", "classifier"), metric)
        if original.n:
            axis.axhline(original.mean, color="0.6", linewidth=0.9)
    low, high = axis.get_ylim()
    axis.set_ylim(max(low, 0) if metric != RATIO else None, min(high, 1.005) if metric in PERCENT else None)
    if metric in PERCENT:
        axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    at = {position(alpha, system.alphas): shortest(alpha) for alpha in _ticks(system.alphas)}
    axis.set_xticks(list(at), list(at.values()), fontsize=6, rotation=40)
    axis.tick_params(axis="y", labelsize=6)
    axis.set_xlabel("alpha, by log(1 - alpha)", fontsize=7)


def position(alpha: float, alphas: Sequence[float]) -> float:
    """Where an alpha is drawn: -log10(1 - alpha), and 1 a decade after the last of the others.

    >>> position(0.99, [0.0, 0.99, 1.0]), position(1.0, [0.0, 0.99, 1.0])
    (2.0, 3.0)
    """
    if alpha < 1:
        return round(float(-np.log10(1 - alpha)), 6)
    return max((position(other, ()) for other in alphas if other < 1), default=0.0) + 1


def _ticks(alphas: Sequence[float]) -> list[float]:
    """Alphas whose labels do not overlap."""
    ticks: list[float] = []
    for alpha in alphas:
        if not ticks or position(alpha, alphas) - position(ticks[-1], alphas) > 0.5:
            ticks.append(alpha)
    return ticks


def _summary(system: System, place: tuple[str, str], metric: str, alpha: float) -> Summary:
    rows = system.of(*place, "cladec", alpha)
    if metric == RATIO:
        reference = system.of(*place, "reference").set_index("seed").reconstruction
        return summarise(rows.reconstruction / rows.seed.map(reference))
    return summary(rows, metric)


def _published(system: System, place: tuple[str, str], metric: str, alpha: float) -> float | None:
    theirs = system.published(*place, "cladec", alpha)
    if metric == RATIO:
        reference = system.published(*place, "reference")
        return theirs["reconstruction"] / reference["reconstruction"] if theirs and reference else None
    return theirs.get(PUBLISHED_AS.get(metric, metric))


def _arrays(summaries: Mapping[float, Summary]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, means, and half widths, 0 where there is no interval."""
    means = np.array([s.mean for s in summaries.values()])
    halves = np.nan_to_num(np.array([s.half_width for s in summaries.values()]))
    return np.array(list(summaries)), means, halves
