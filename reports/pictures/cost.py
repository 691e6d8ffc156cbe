"""Cost against quality: what explaining an image takes, how much better than random it is, and the Pareto front."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from roarbench.benchmark.results.statistics import Summary, summarise
from roarbench.reports.pictures.curves import orders_of, point, seeds
from roarbench.reports.pictures.drawing import STYLE, Margins, Picture, gridded
from roarbench.reports.pictures.frame import framed
from roarbench.reports.pictures.looks import looks
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import settings, slug, title
from roarbench.reports.rows.style import ORDERS, labels, points, repeated, share
from roarbench.reports.tables.evidence import family
from roarbench.reports.tables.summary import gains, reference_of

COSTS = {
    "passes": "forward passes per explained image",
    "seconds_per_image": "seconds to explain an image",
}
"""Columns of costs, the first that is known; seconds are no result and differ from run to run."""

SHARED = ["dataset", "classifier", "unit", "magnitude", "target"]
MARGINS = Margins(left=0.55, right=1.4, top=0.55, across=0.35)
HEIGHT = 2.4
CAPTION = (
    "{protocol}: gain over the random control in points of accuracy, against {cost}. The gain is the mean over 0 < t "
    "< 1, paired by seed, {n}. Intervals are simultaneous 95 % intervals, corrected for all pairs of explainers. The "
    "dashed line is the Pareto front. {setting}."
)
LEFT_OUT = " Not shown, because their cost is 0 or unknown: {names}."
ALT = "Gain over random against cost, {explainers}. {setting}."


def cost_plots(frame: pd.DataFrame) -> Iterator[Picture]:
    """A picture of every setting in which images are retrained on, costs are known and random was measured."""
    joined = curves(frame)
    for part in settings(joined[(joined.probe == "image") & joined.retrain.astype(bool)]):
        column, costs = costs_of(part, frame)
        gained = {order: _gains(part[part.order == order], order, costs) for order in orders_of(part)}
        if any(gained.values()):
            setting, protocol = title(part), " and ".join(ORDERS[order] for order in gained)
            caption = CAPTION.format(protocol=protocol, n=seeds(part), cost=COSTS[column], setting=setting)
            without = [e for e in dict.fromkeys(part.explainer) if e not in costs and e != reference_of(part)]
            caption += LEFT_OUT.format(names=", ".join(labels(without))) if without else ""
            alt = ALT.format(explainers=repeated(max(map(len, gained.values())), "explainer"), setting=setting)
            yield Picture(
                f"cost_quality{slug(part, joined)}", caption, alt, _figure(part, gained, costs, COSTS[column])
            )


def costs_of(part: pd.DataFrame, frame: pd.DataFrame) -> tuple[str, dict[str, Summary]]:
    """The column of the costs that are known, and explainer -> cost; what costs nothing has no place on the axis."""
    first = part.iloc[0]
    measured = frame[frame.probe == "attribution"]
    for column in SHARED:
        measured = measured[measured[column] == first[column]]
    for column in COSTS:
        known = measured[measured[column] > 0]
        if len(known):
            return column, {str(e): summarise(g[column]) for e, g in known.groupby("explainer", sort=False)}
    return next(iter(COSTS)), {}


def front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Those that nothing else beats in both cost (less is better) and gain (more is better), cheapest first.

    >>> front({"x": (1, 5), "y": (2, 4), "z": (3, 6)})
    ['x', 'z']
    """
    best, names = -float("inf"), []
    for name in sorted(points, key=lambda name: (points[name][0], -points[name][1])):
        if points[name][1] > best:
            best = points[name][1]
            names.append(name)
    return names


def _gains(rows: pd.DataFrame, order: str, costs: Mapping[str, Summary]) -> dict[str, Summary]:
    reference = reference_of(rows)
    compared = gains(family(rows), rows, order, reference) if reference else {}
    return {e: gain.summary for e, gain in compared.items() if e in costs and gain.n}


@matplotlib.rc_context(STYLE)
def _figure(part: pd.DataFrame, gains: dict[str, dict[str, Summary]], costs: dict[str, Summary], cost: str) -> Figure:
    shown = {e: look for e, look in looks(part).items() if any(e in of for of in gains.values())}
    figure, axes = framed(part, [*shown.values()], len(gains), MARGINS, HEIGHT)
    for axis, (order, of) in zip(axes, gains.items(), strict=True):
        best = front({e: (costs[e].mean, gain.mean) for e, gain in of.items()})
        axis.plot([costs[e].mean for e in best], [100 * of[e].mean for e in best], color="0.6", ls="--", lw=0.8)
        axis.axhline(0, color="0.35", linewidth=0.8, zorder=1)
        for e, gain in of.items():
            point(axis, shown[e], replace(costs[e], half_width=float("nan")), gain, (share, points))
        axis.set(xscale="log", xlabel=cost)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_title(ORDERS[order], loc="left", pad=3)
        gridded(axis)
    axes[0].set_ylabel("gain over random in points")
    return figure
