"""The explainers that a reader asks about, beside their baseline and random: few curves in one frame."""

from collections.abc import Iterator

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from roarbench.reports.pictures.curves import draw_curves, orders_of, seeds
from roarbench.reports.pictures.drawing import STYLE, Margins, Picture, gridded
from roarbench.reports.pictures.frame import framed
from roarbench.reports.pictures.looks import DASHES, GREY, LEGIBLE, Look, varied
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.load import Run, curves, drawable
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import protocol, seen, slug, title
from roarbench.reports.rows.style import labels, listed
from roarbench.reports.tables.baseline import against
from roarbench.reports.tables.summary import reference_of
from roarbench.reports.tables.table import curve_means

MARGINS = Margins(left=0.5, right=1.2, top=0.55, across=0.3)
HEIGHT = 2.0
CAPTION = (
    "{protocol} of {names}: test accuracy against the share of removed features, with 95 % intervals, {n}. {covers} "
    "{setting}."
)


def beside_plots(run: Run) -> Iterator[Picture]:
    """A picture of every setting in which networks see images and an explainer stands out."""
    joined = curves(drawable(run.frame))
    for part in seen(joined):
        chosen = _chosen(part, run.focus)
        if any(e in run.focus.highlight for e in chosen):
            names = listed(labels(chosen))
            shown = " and ".join(protocol(part, order) for order in orders_of(part))
            caption = CAPTION.format(
                protocol=shown, names=names, n=seeds(part), covers=covers(part), setting=title(part)
            )
            yield Picture(f"beside{slug(part, joined)}", caption, f"Curves of {names}.", _figure(part, chosen))


def _chosen(part: pd.DataFrame, focus: Focus) -> list[str]:
    """Those that stand out, then the baseline of every order, then random; each once."""
    by_order = [against(part[part.order == order], order, focus) for order in orders_of(part)]
    baselines = [one.baseline for one in by_order if one]
    candidates = [*focus.highlight, *baselines, reference_of(part) or ""]
    return [e for e in dict.fromkeys(candidates) if e in set(part.explainer)]


@matplotlib.rc_context(STYLE)
def _figure(part: pd.DataFrame, explainers: list[str]) -> Figure:
    drawn = [*varied(len(explainers) - 1, LEGIBLE, DASHES), (GREY, (1, 1))]
    looks = {
        e: Look(text, colour, dashes)
        for e, text, (colour, dashes) in zip(explainers, labels(explainers), drawn, strict=True)
    }
    orders = orders_of(part)
    figure, axes = framed(part, [*looks.values()], len(orders), MARGINS, HEIGHT, lines=True)
    for axis, order in zip(axes, orders, strict=True):
        draw_curves(axis, curve_means(part[part.order == order]), looks)
        axis.set_title(protocol(part, order), loc="left", pad=3, size=7)
        axis.set_xlabel("removal fraction t")
        axis.autoscale_view()
        gridded(axis)
    axes[0].set_ylabel("test accuracy in %")
    return figure
