"""Heat maps of the differences between every two explainers."""

from collections.abc import Iterator

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from seaborn import heatmap

from roarbench.reports.pictures.drawing import COLUMN, PAGE, STYLE, Picture, headed
from roarbench.reports.statistics.null import LEVEL
from roarbench.reports.tables.pairs import pair_tables
from roarbench.reports.tables.table import Table

CAPTION = (
    "{caption} Blue: the row's explainer is better than the column's, in points; grey: no significant difference. "
    "{notes}"
)
ALT = "Heat map of differences between {count} explainers, the best first; {significant} of {pairs} pairs differ."
LEFT, TOP, BOTTOM = 1.5, 0.45, 0.3


def pair_maps(frame: pd.DataFrame) -> Iterator[Picture]:
    """A picture of each matrix of differences."""
    for table in pair_tables(frame):
        means, significant = 100 * _numbers(table, "mean"), _numbers(table, "p") <= LEVEL
        n, count = len(means), int(np.triu(significant).sum())
        alt = ALT.format(count=n, significant=count, pairs=n * (n - 1) // 2)
        caption = CAPTION.format(caption=table.caption, notes=table.notes[-1])
        yield Picture(table.name, caption, alt, _heat_map(table.caption, means, significant))


def _numbers(table: Table, number: str) -> pd.DataFrame:
    return pd.DataFrame(table.numbers.xs(number, axis=1, level=1))


@matplotlib.rc_context(STYLE)
def _heat_map(caption: str, means: pd.DataFrame, significant: pd.DataFrame) -> Figure:
    """Numbers on colours; the explainers beside the rows, and by number below the columns."""
    n = len(means)
    size = min(0.4, (PAGE - LEFT - 0.2) / n)
    width, height = max(COLUMN, LEFT + n * size + 0.1), TOP + n * size + BOTTOM
    figure = Figure(figsize=(width, height))
    axis = figure.add_axes((LEFT / width, BOTTOM / height, n * size / width, n * size / height))
    rows = [f"{name}  ({i + 1})" for i, name in enumerate(means.index)]
    shown = means.set_axis(rows, axis=0).set_axis([f"({i + 1})" for i in range(n)], axis=1)
    most = float(np.nanmax(np.abs(means.to_numpy()))) if n > 1 else 1.0
    heatmap(
        shown, vmin=-most, vmax=most, cmap="vlag_r", annot=True, fmt=".0f", cbar=False, ax=axis, linewidths=0.3,
        mask=~significant.to_numpy(), annot_kws={"size": min(6.5, 15 * size)},
    )  # fmt: skip
    axis.set_facecolor("0.88")
    axis.tick_params(length=0, pad=1, labelsize=min(7, 17 * size))
    axis.set(xlabel="", ylabel="")
    headed(figure, caption.replace(". ", ".\n", 1))
    return figure
