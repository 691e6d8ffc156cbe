"""Differences to the random control: a line for each explainer, a mark with its interval for each removal fraction."""

from collections.abc import Iterator

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from seaborn import color_palette

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.pictures.curves import orders_of, seeds
from roarbench.reports.pictures.drawing import PAGE, STYLE, Margins, Picture, gridded, headed, panels
from roarbench.reports.pictures.looks import MARKERS, families
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import settings, slug, title
from roarbench.reports.rows.style import ORDERS, labels, points, repeated
from roarbench.reports.statistics.family import compare
from roarbench.reports.tables.summary import gains, reference_of
from roarbench.reports.tables.table import by_fraction, by_seed

Points = dict[str, dict[float, Summary]]
"""Explainer -> removal fraction -> gain over random."""

MARGINS = Margins(left=1.45, top=0.8, across=0.2)
HEIGHT = 0.2
"""Of one explainer, in inches."""

CAPTION = (
    "{protocol}: gain over the random control at every removal fraction t, in points of accuracy. Gains are paired "
    "by seed, {n}. Simultaneous 95 % intervals are corrected for all pairs of explainers. Right of the line is "
    "better than random. {setting}."
)
ALT = "Gains of {explainers} over random, a row each. {setting}."


def difference_plots(frame: pd.DataFrame) -> Iterator[Picture]:
    """A picture of every setting in which networks are retrained on images and random was measured."""
    joined = curves(frame)
    for part in settings(joined[(joined.probe == "image") & joined.retrain.astype(bool)]):
        gains_by = {order: gained(part[part.order == order], order) for order in orders_of(part)}
        if any(gains_by.values()):
            setting, protocol = title(part), " and ".join(ORDERS[order] for order in gains_by)
            caption = CAPTION.format(protocol=protocol, n=seeds(part), setting=setting)
            alt = ALT.format(explainers=repeated(max(map(len, gains_by.values())), "explainer"), setting=setting)
            yield Picture(f"difference{slug(part, joined)}", caption, alt, _figure(part, gains_by))


def gained(rows: pd.DataFrame, order: str) -> Points:
    """How much better than random at every fraction between 0 and 1: positive is better, whatever the order."""
    reference = reference_of(rows)
    if reference is None:
        return {}
    inner = rows[(rows.removal_fraction > 0) & (rows.removal_fraction < 1)]
    by = {t: gains(compare(by_seed(at)), rows, order, reference) for t, at in by_fraction(inner)}
    names = [e for e in dict.fromkeys(rows.explainer) if e != reference]
    return {e: {t: of[e].summary for t, of in by.items()} for e in names}


@matplotlib.rc_context(STYLE)
def _figure(part: pd.DataFrame, gains: dict[str, Points]) -> Figure:
    members = families(part)
    names = [e for group in members.values() for e in group if any(e in of for of in gains.values())]
    fractions = sorted({t for of in gains.values() for by in of.values() for t in by})
    margins, height = MARGINS.holding(labels(names), "left"), max(0.8, HEIGHT * len(names))
    figure, (axes,) = panels(1, len(gains), width=PAGE + margins.wider(MARGINS), height=height, margins=margins)
    colours = color_palette("viridis", len(fractions))
    for i, (axis, (order, of)) in enumerate(zip(axes, gains.items(), strict=True)):
        for j, t in enumerate(fractions):
            places = [k + 0.7 * ((j + 0.5) / len(fractions) - 0.5) for k in range(len(names))]
            _marks(axis, [of.get(e, {}).get(t) for e in names], places, colours[j], MARKERS[j % len(MARKERS)])
        axis.axvline(0, color="0.35", linewidth=0.8, linestyle="--", zorder=1)
        axis.set(ylim=(len(names) - 0.5, -0.5), xlabel="gain over random in points")
        axis.set_title(f"{ORDERS[order]} (better →)", loc="left", pad=3, size=7)
        axis.set_yticks(range(len(names)), labels(names) if i == 0 else [])
        axis.tick_params(axis="y", length=0)
        axis.autoscale_view(scaley=False)
        gridded(axis)
        _separated(axis, [len([e for e in group if e in names]) for group in members.values()])
    handles = [Line2D([], [], color=c, marker=MARKERS[j % len(MARKERS)], linestyle="", markersize=3.5,
               label=f"t = {t:.10g}") for j, (t, c) in enumerate(zip(fractions, colours, strict=True))]  # fmt: skip
    top = 1 - 0.32 / figure.get_size_inches()[1]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.0, top), ncols=9, frameon=False, fontsize=6.5,
                  borderpad=0.2, handletextpad=0.2, columnspacing=1.2)  # fmt: skip
    headed(figure, title(part).replace("; ", "\n", 1))
    return figure


def _marks(axis: Axes, gains: list[Summary | None], places: list[float], colour: tuple, marker: str) -> None:
    """Means with their intervals; nothing where nothing was measured."""
    pairs = [(s, y) for s, y in zip(gains, places, strict=True) if s and s.n]
    means, at = [100 * s.mean for s, _ in pairs], [y for _, y in pairs]
    axis.plot(means, at, linestyle="", marker=marker, color=colour, ms=3)
    lines = [[(end, y) for end in points.ends(s)] for s, y in pairs]
    axis.add_collection(LineCollection(lines, colors=[colour], linewidths=0.8))


def _separated(axis: Axes, counts: list[int]) -> None:
    """Lines between families."""
    for i in range(1, len(counts)):
        axis.axhline(sum(counts[:i]) - 0.5, color="0.6", linewidth=0.5)
