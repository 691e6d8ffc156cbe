"""The frame of figures that compare explainers: panels side by side, a heading above, the key of explainers beside."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roarbench.reports.pictures.drawing import PAGE, Margins, headed, panels
from roarbench.reports.pictures.looks import LINE, Look, key
from roarbench.reports.rows.settings import title

ABOVE, BESIDE = 0.4, 0.05
"""Inches of a key that stand above its panels, and between both."""


def framed(
    part: pd.DataFrame, shown: Sequence[Look], num_panels: int, margins: Margins, least: float, *, lines: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure of one setting, its panels still empty.

    Args:
        part: rows of the setting.
        shown: looks of the explainers, for the key.
        margins: without the room that the key takes.
        least: height of the panels in inches; more where the key needs it.
        lines: whether the key shows lines, too, not markers alone.
    """
    wide = margins.holding(look.label for look in shown)
    height = max(least, LINE * len(shown) - ABOVE)
    figure, (axes,) = panels(1, num_panels, width=PAGE + wide.wider(margins), height=height, margins=wide)
    marks = [look if lines else replace(look, joined=False) for look in shown]
    key(figure, marks, PAGE - margins.right + BESIDE, margins.top)
    headed(figure, title(part).replace("; ", "\n", 1))
    return figure, axes
