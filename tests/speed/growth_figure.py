"""The figure of growth: seconds and megabytes over what is varied, on logarithmic scales."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from roarbench.reports.pictures.drawing import PAGE, STYLE, Margins, gridded, panels, save
from roarbench.reports.pictures.looks import GREY, LEGIBLE, MARKERS, Look, key

HEIGHT = 1.6
ROWS = {"seconds": "seconds", "megabytes": "megabytes at the peak"}
MARGINS = Margins(left=0.5, right=1.0, top=0.25, bottom=0.4, across=0.3, down=0.2)


@matplotlib.rc_context(STYLE)
def figure(points: Sequence[Any], folder: Path) -> list[Path]:
    """Writes growth.svg: a column of panels for each axis, a line for each piece.

    Args:
        points: with `piece`, `axis`, `size`, `seconds` and `megabytes`.
    """
    axes_names, names = (list(dict.fromkeys(getattr(p, of) for p in points)) for of in ("axis", "piece"))
    looks = {name: Look(name, LEGIBLE[i % len(LEGIBLE)], (), MARKERS[i]) for i, name in enumerate(names)}
    drawing, grid = panels(len(ROWS), len(axes_names), width=PAGE, height=HEIGHT, margins=MARGINS, narrowest=0.9)
    for row, (column, text) in zip(grid, ROWS.items(), strict=True):
        for axis, name in zip(row, axes_names, strict=True):
            _panel(axis, [p for p in points if p.axis == name], column, looks)
            axis.set_xlabel(name if row is grid[-1] else "", labelpad=1)
        row[0].set_ylabel(text, labelpad=1)
    width = drawing.get_size_inches()[0]
    linear = Look("as many times as much", GREY, (1, 1))
    key(drawing, [*looks.values(), linear], width - MARGINS.right + 0.05, MARGINS.top)
    return save(drawing, folder / "growth", ["svg"])


def _panel(axis: Axes, points: Sequence[Any], column: str, looks: dict[str, Look]) -> None:
    """One axis: lines of its pieces, each with its slope beside the last point, and a line of slope 1 for the eye."""
    axis.set(xscale="log", yscale="log")
    sizes = sorted({p.size for p in points})
    for name in dict.fromkeys(p.piece for p in points):
        line = [p for p in points if p.piece == name and getattr(p, column) > 0]
        axis.add_line(looks[name].line([p.size for p in line], [getattr(p, column) for p in line], markersize=3))
    values = [getattr(p, column) for p in points if getattr(p, column) > 0]
    start = min(values)
    axis.plot([sizes[0], sizes[-1]], [start, start * sizes[-1] / sizes[0]], color=GREY, dashes=(1, 1), linewidth=0.8)
    axis.set(
        xlim=(sizes[0] / 1.2, sizes[-1] * 1.2), ylim=(start / 1.5, max(*values, start * sizes[-1] / sizes[0]) * 1.5)
    )
    shown = [sizes[0], sizes[-1]] if len(sizes) > 3 else sizes
    axis.set_xticks(shown, [f"{size:,}" for size in shown])
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    gridded(axis)
