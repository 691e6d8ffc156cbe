"""Accuracy from masks alone against accuracy after retraining, of the same explainer at the same removal fraction."""

from collections.abc import Iterator

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.pictures.curves import orders_of, seeds
from roarbench.reports.pictures.drawing import STYLE, Margins, Picture, gridded
from roarbench.reports.pictures.frame import framed
from roarbench.reports.pictures.looks import Look, looks
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import settings, slug, title
from roarbench.reports.rows.style import ORDERS, repeated
from roarbench.reports.tables.masks import Leak, leaks, scale_of
from roarbench.reports.tables.table import curve_means

Pairs = dict[str, list[tuple[float, Leak, Summary]]]
"""Explainer -> removal fraction, what its mask tells there, accuracy after retraining."""

MARGINS = Margins(left=0.45, right=1.4, top=0.55, across=0.35)
HEIGHT = 2.45
CAPTION = (
    "{protocol}: test accuracy after retraining on images, against that of networks that see only the mask. Both are "
    "at the same t ({fractions}; larger marks are larger t) and means over {n}. Filled marks: the mask reveals the "
    "class. Dotted lines are chance; on the diagonal both accuracies are equal. {setting}."
)
ALT = "Accuracy after retraining against accuracy from masks alone, {explainers}. {setting}."


def leak_plots(frame: pd.DataFrame) -> Iterator[Picture]:
    """A picture of every retrained setting whose masks were measured at one of its removal fractions."""
    joined = curves(frame)
    for part in settings(joined[(joined.probe == "image") & joined.retrain.astype(bool)]):
        pairs = {order: paired_with_masks(part[part.order == order], joined) for order in orders_of(part)}
        if any(pairs.values()):
            setting, protocol = title(part), " and ".join(ORDERS[order] for order in pairs)
            at = sorted({t for of in pairs.values() for points in of.values() for t, *_ in points})
            fractions = ", ".join(f"{t:.10g}" for t in at)
            caption = CAPTION.format(protocol=protocol, fractions=fractions, n=seeds(part), setting=setting)
            alt = ALT.format(explainers=repeated(max(map(len, pairs.values())), "explainer"), setting=setting)
            yield Picture(
                f"masks_retrained{slug(part, joined)}",
                caption,
                alt,
                _figure(part, pairs, scale_of(part, joined).chance),
            )


def paired_with_masks(rows: pd.DataFrame, joined: pd.DataFrame) -> Pairs:
    """Both accuracies wherever both were measured, of the rows of one setting and order."""
    masks = leaks(rows, joined)
    images = curve_means(rows[(rows.removal_fraction > 0) & (rows.removal_fraction < 1)])
    points = {e: [(t, masks[e][t], of[t]) for t in of if t in masks.get(e, {}) and of[t].n] for e, of in images.items()}
    return {e: pairs for e, pairs in points.items() if pairs}


@matplotlib.rc_context(STYLE)
def _figure(part: pd.DataFrame, pairs: dict[str, Pairs], chance: float) -> Figure:
    shown = {e: look for e, look in looks(part).items() if any(e in of for of in pairs.values())}
    figure, axes = framed(part, [*shown.values()], len(pairs), MARGINS, HEIGHT)
    for axis, (order, of) in zip(axes, pairs.items(), strict=True):
        axis.plot([0, 100], [0, 100], color="0.6", linewidth=0.8, zorder=1)
        if chance == chance:
            for line in (axis.axhline, axis.axvline):
                line(100 * chance, color="0.5", linewidth=0.8, linestyle=":", zorder=1)
        for e, points in of.items():
            _draw(axis, shown[e], points)
        axis.set(xlim=(0, 102), ylim=(0, 102), xlabel="accuracy from the mask alone in %")
        axis.set_title(ORDERS[order], loc="left", pad=3)
        gridded(axis)
    axes[0].set_ylabel("accuracy after retraining in %")
    return figure


def _draw(axis: Axes, look: Look, points: list[tuple[float, Leak, Summary]]) -> None:
    """A line through the points of one explainer, and a mark at each, filled where its mask is readable."""
    masks, images = [100 * leak.accuracy.mean for _, leak, _ in points], [100 * image.mean for *_, image in points]
    axis.plot(masks, images, color=look.colour, lw=0.5)
    for (t, leak, _), x, y in zip(points, masks, images, strict=True):
        filling = look.colour if leak.state == "readable" else "white"
        axis.plot(
            [x], [y], marker=look.marker, color=look.colour, ms=2.5 + 3 * t,
            markerfacecolor=filling, markeredgewidth=0.8, zorder=3,
        )  # fmt: skip
