"""ROAR and KAR curves: a row of panels for each family of explainers, the random control shaded behind all of them."""

import math
from collections.abc import Iterator

import matplotlib
import matplotlib.ticker
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from roarbench.benchmark.matrix.notation import parse
from roarbench.benchmark.results.statistics import INTERVAL, Summary, summarise
from roarbench.reports.pictures.drawing import PAGE, STYLE, Margins, Picture, gridded, headed, panels
from roarbench.reports.pictures.looks import DASHES, GREY, LEGIBLE, LINE, Colour, Look, families, key, varied
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.seeds import repeats
from roarbench.reports.rows.settings import protocol, seen, slug, title
from roarbench.reports.rows.style import ORDERS, REFERENCE, Form, label, labels, percent, probability, repeated, span
from roarbench.reports.tables.operating import operating_points
from roarbench.reports.tables.table import curve_means

MARGINS = Margins(right=1.65, top=0.52, bottom=0.36, down=0.16)
HEIGHT = 0.98
"""Of one panel, in inches."""

CAPTION = (
    f"{{protocol}} curves: test accuracy against the removal fraction t. Mean and {INTERVAL} over {{n}}. {{setting}}."
)
ALT = "Curves of {explainers} in {panels}, one for each family, with the random control behind them. {setting}."


def plots(frame: pd.DataFrame) -> Iterator[Picture]:
    """The curves of every setting in which networks see images."""
    joined = curves(frame)
    for part in seen(joined):
        setting, orders = title(part), orders_of(part)
        caption = CAPTION.format(
            protocol=" and ".join(protocol(part, o) for o in orders), n=seeds(part), setting=setting
        )
        alt = ALT.format(
            explainers=repeated(part.explainer.nunique(), "explainer"),
            panels=repeated(len(families(part)), "panel"),
            setting=setting,
        )
        yield Picture(f"curves{slug(part, joined)}", caption, alt, _curves(part))


def orders_of(part: pd.DataFrame) -> list[str]:
    """The orders that were planned in a setting, ROAR first."""
    return [order for order in ORDERS if order in set(part.order)]


def seeds(part: pd.DataFrame) -> str:
    """How many seeds the explainers of a setting have, in words."""
    return repeats(part, span(part.groupby("explainer").seed.nunique()))


@matplotlib.rc_context(STYLE)
def _curves(part: pd.DataFrame) -> Figure:
    members, orders = families(part), orders_of(part)
    points = {order: list(_operating_points(part[part.order == order])) if order == "lerf" else [] for order in orders}
    stars = [look for of in points.values() for look, *_ in of]
    margins = MARGINS.holding([*labels([*dict.fromkeys(part.explainer)]), *(look.label for look in stars)])
    width = PAGE if len(orders) > 1 else 0.5 * (PAGE + MARGINS.left + MARGINS.right)
    width += margins.wider(MARGINS)
    references = [e for e in dict.fromkeys(part.explainer) if parse(e)[0] == REFERENCE]
    shown = [_looks(references, [e for e in group if e not in references]) for group in members.values()]
    heights = [max(HEIGHT, LINE * (len(looks) + len(stars))) for looks in shown]  # as tall as its key
    figure, grid = panels(len(members), len(orders), width=width, height=heights, margins=margins)
    summaries = {order: curve_means(part[part.order == order]) for order in orders}
    for i, (row, name, looks) in enumerate(zip(grid, members, shown, strict=True)):
        for axis, order in zip(row, orders, strict=True):
            draw_curves(axis, summaries[order], looks)
            for look, hidden, accuracy in points[order]:
                point(axis, look, hidden, accuracy, (probability, percent))
            axis.set_title(f"{protocol(part, order)}: {name}" if i == 0 else name, loc="left", pad=2, size=7)
        top = MARGINS.top + sum(heights[:i]) + i * MARGINS.down
        key(figure, [*looks.values(), *stars], width - margins.right + 0.08, top)
    _scaled(grid, part)
    headed(figure, title(part).replace("; ", "\n", 1))
    return figure


def _looks(references: list[str], members: list[str]) -> dict[str, Look]:
    """Colours by member: a panel holds one family."""
    shown = labels([*references, *members])
    drawn = [*[(GREY, (1, 1))] * len(references), *varied(len(members), LEGIBLE, DASHES)]
    return {
        e: Look(text, colour, dashes)
        for e, text, (colour, dashes) in zip([*references, *members], shown, drawn, strict=True)
    }


def draw_curves(axis: Axes, summaries: dict[str, dict[float, Summary]], looks: dict[str, Look]) -> None:
    """Means over seeds with the band of their 95 % interval, from the same numbers as the tables."""
    for explainer, look in looks.items():
        of = summaries.get(explainer, {})
        axis.add_line(look.line([*of], [100 * summary.mean for summary in of.values()]))
        ends = [(t, *percent.ends(summary)) for t, summary in of.items() if not math.isnan(summary.half_width)]
        if ends:
            band(axis, np.array(ends), look.colour)


def band(axis: Axes, ends: Float[np.ndarray, "t 3"], colour: Colour) -> None:
    """An interval around a line: where it is, its lower and its upper end, row by row."""
    at, low, high = ends.T
    outline = np.concatenate([np.stack([at, low], 1), np.stack([at, high], 1)[::-1]])
    axis.add_collection(PolyCollection([outline], facecolor=colour, alpha=0.2, linewidth=0), autolim=False)


def _scaled(grid: list[list[Axes]], part: pd.DataFrame) -> None:
    """The same scales everywhere, with numbers on the outer panels alone."""
    done = part.test_accuracy.dropna()
    low, high = (100 * done.min(), 100 * done.max()) if len(done) else (0.0, 100.0)
    room = max(2.0, 0.06 * (high - low))
    first, last = part.removal_fraction.min(), part.removal_fraction.max()
    for i, row in enumerate(grid):
        for j, axis in enumerate(row):
            axis.set(xlim=(first - 0.02, max(last, 1.0) + 0.02), ylim=(max(-2.0, low - room), high + room))
            axis.xaxis.set_major_locator(matplotlib.ticker.FixedLocator([0, 0.2, 0.4, 0.6, 0.8, 1.0]))
            axis.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
            axis.tick_params(labelbottom=i == len(grid) - 1, labelleft=j == 0)
            gridded(axis)
    for axis in grid[-1]:
        axis.set_xlabel("removal fraction t", labelpad=1)
    figure = grid[0][0].figure
    figure.text(0.012, 0.5, "test accuracy in %", rotation=90, va="center")


def _operating_points(rows: pd.DataFrame) -> Iterator[tuple[Look, Summary, Summary]]:
    """Where explainers with masks of their own stand: share hidden and accuracy of their own seeker."""
    for name, points in operating_points(rows).groupby("explainer", sort=False):
        look = Look(f"{label(str(name))}, own masks", (0.0, 0.0, 0.0), (), "*", joined=False)
        yield look, summarise(points.I), summarise(points.accuracy)


def point(axis: Axes, look: Look, x: Summary, y: Summary, forms: tuple[Form, Form]) -> None:
    """A mark with both its intervals, drawn as numbers of these forms are written."""
    at, height = forms[0].scale * x.mean, forms[1].scale * y.mean
    axis.plot(forms[0].ends(x), [height] * 2, color=look.colour, linewidth=0.7)
    axis.plot([at] * 2, forms[1].ends(y), color=look.colour, linewidth=0.7)
    size = 8 if look.marker == "*" else 5
    axis.plot([at], [height], color=look.colour, marker=look.marker, markersize=size, zorder=4)
