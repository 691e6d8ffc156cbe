"""How explainers are drawn: the colour of the family, the marker and the line of the member; and their key."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from seaborn import color_palette

from roarbench.reports.rows.style import FAMILIES, OTHER_FAMILY, family, labels

Colour = tuple[float, float, float]
DASHES: list[tuple[int, ...]] = [(), (4, 2), (4, 1, 1, 1), (6, 1, 1, 1, 1, 1)]
MARKERS = "osD^vPX<>phd8H"
FAMILY_ORDER = (*FAMILIES, OTHER_FAMILY)
LEGIBLE = [colour for i, colour in enumerate(color_palette("colorblind")) if i != 8]
"""Without its yellow, which is lost on white."""
COLOURS = dict(zip(FAMILY_ORDER, LEGIBLE, strict=True))
DARKER = 0.55
"""Of the colour of a family once its members have had all markers."""
GREY = (0.35, 0.35, 0.35)
LINE = 0.135
"""Inches from one line of a key to the next."""


@dataclass(frozen=True)
class Look:
    """How one explainer is drawn; `dashes` as in matplotlib, () a full line; none where not `joined`."""

    label: str
    colour: Colour
    dashes: tuple[int, ...] = ()
    marker: str = ""
    joined: bool = True

    def line(self, x: Sequence[float], y: Sequence[float], **more: Any) -> Line2D:
        """Its line, with markers if it has one; not yet added to anything."""
        line: Any = "-" if self.joined else ""
        curve = Line2D(x, y, color=self.colour, marker=self.marker, linestyle=line, **more)
        if self.dashes and self.joined:
            curve.set_dashes(self.dashes)
        return curve


def varied(count: int, *ways: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Combinations of ways to draw, a new one for each member, as long as there are any.

    Neighbours differ in all ways; once these begin again together, the last one moves on.

    >>> varied(4, "ab", "xy")
    [('a', 'x'), ('b', 'y'), ('a', 'y'), ('b', 'x')]
    """
    *first, last = ways
    again = math.lcm(*map(len, ways))
    return [(*(way[i % len(way)] for way in first), last[(i + i // again) % len(last)]) for i in range(count)]


def families(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Family -> its explainers, in the order of the panels."""
    members: dict[str, list[str]] = {name: [] for name in FAMILY_ORDER}
    for explainer in dict.fromkeys(rows.explainer):
        members[family(explainer)].append(explainer)
    return {name: names for name, names in members.items() if names}


def looks(rows: pd.DataFrame) -> dict[str, Look]:
    """Looks of all explainers of one figure, family by family."""
    members = families(rows)
    shown = dict(zip([*dict.fromkeys(rows.explainer)], labels([*dict.fromkeys(rows.explainer)]), strict=True))
    return {
        explainer: Look(shown[explainer], _shade(COLOURS[name], i // len(MARKERS)), dashes, marker)
        for name, names in members.items()
        for i, (explainer, (marker, dashes)) in enumerate(zip(names, varied(len(names), MARKERS, DASHES), strict=True))
    }


def _shade(colour: Colour, rounds: int) -> Colour:
    red, green, blue = (DARKER**rounds * part for part in colour)
    return red, green, blue


def key(figure: Figure, looks: Iterable[Look], left: float, top: float) -> None:
    """Writes the lines and labels of explainers below each other; a legend of matplotlib takes many times longer.

    Args:
        left, top: of the key, in inches from the upper left corner of the figure.
    """
    width, height = figure.get_size_inches()
    for i, look in enumerate(looks):
        y = 1 - (top + (i + 0.5) * LINE) / height
        line = look.line([left / width, (left + 0.11) / width, (left + 0.22) / width], [y] * 3, markevery=[1])
        figure.add_artist(line)
        figure.text((left + 0.28) / width, y, look.label, va="center", size=6.5)
