"""Heat maps of how far the ways of measuring agree."""

from collections.abc import Iterator

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from seaborn import heatmap

from roarbench.reports.pictures.drawing import COLUMN, PAGE, STYLE, Picture, headed
from roarbench.reports.tables.consistency import consistency_tables
from roarbench.reports.tables.table import Table


def heat_maps(frame: pd.DataFrame) -> Iterator[Picture]:
    """A picture of each table of correlations."""
    for table in consistency_tables(frame):
        means = pd.DataFrame(table.numbers.xs("mean", axis=1, level=1))
        yield Picture(table.name, f"{table.caption} {table.notes[0]}", _alt(means), _heat_map(table, means))


def _alt(means: pd.DataFrame) -> str:
    low, high = np.nanmin(means.to_numpy()), np.nanmax(np.where(np.eye(len(means)), -np.inf, means.to_numpy()))
    return f"Heat map of rank correlations between {len(means)} ways of measuring, from {low:.2f} to {high:.2f}."


@matplotlib.rc_context(STYLE)
def _heat_map(table: Table, means: pd.DataFrame) -> Figure:
    """The lower half, numbers on colours; the ways beside the rows, and by number below the columns."""
    n, left, top = len(means), 1.9, 0.45
    size = min(0.45, (PAGE - left - 0.2) / n)
    width, height = max(COLUMN, left + n * size + 0.1), top + n * size + 0.3
    figure = Figure(figsize=(width, height))
    axis = figure.add_axes((left / width, 0.25 / height, n * size / width, n * size / height))
    rows = [f"{way}  ({i + 1})" for i, way in enumerate(means.index)]
    columns = [f"({i + 1})" for i in range(n)]
    shown = means.set_axis(rows, axis=0).set_axis(columns, axis=1)
    heatmap(
        shown, vmin=-1, vmax=1, cmap="vlag", annot=True, fmt=".2f", cbar=False, ax=axis, linewidths=0.5,
        mask=np.triu(np.ones((n, n), dtype=bool), 1), annot_kws={"size": 6.5},
    )  # fmt: skip
    axis.tick_params(length=0, pad=1)
    axis.set(xlabel="", ylabel="")
    headed(figure, table.caption.replace("? ", "?\n"))
    return figure
