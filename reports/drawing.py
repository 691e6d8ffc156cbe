"""Pictures: figures with their words, laid out in inches, and written as files of the same bytes every time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.fonts import families

COLUMN, PAGE = 3.3, 6.9
"""Widths in print, in inches."""

STYLE: Any = {
    "svg.hashsalt": "roarbench", "svg.fonttype": "none", "pdf.fonttype": 42, "pdf.compression": 3,
    "text.parse_math": False, "font.family": families(), "font.size": 7.5,
    "axes.titlesize": 8, "axes.labelsize": 7.5, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "axes.edgecolor": "0.3",
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
    "xtick.minor.size": 0, "ytick.minor.size": 0, "lines.linewidth": 1.2, "lines.markersize": 4,
}  # fmt: skip
DPI = 300
NAMELESS: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
"""File format -> what of its metadata is left out: dates and versions of programs."""

QUICK: dict[str, dict[str, Any]] = {"png": {"pil_kwargs": {"compress_level": 3}}}
"""Options of file formats that save time."""

WORKERS, FEW = 2, 6
"""Fewer pictures than `FEW` are written before workers would have started."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with its words.

    Attributes:
        name: file name without suffix.
        caption: one sentence, with the protocol and n.
        alt: what it shows, for those who do not see it.
    """

    name: str
    caption: str
    alt: str
    figure: Figure


@dataclass(frozen=True)
class Margins:
    """Inches around and between panels."""

    left: float = 0.5
    right: float = 0.1
    top: float = 0.5
    bottom: float = 0.4
    across: float = 0.15
    down: float = 0.3


def write(pictures: Iterable[Picture], folder: Path) -> list[Path]:
    """Writes every picture as SVG, PDF and PNG, laid out as it is, and returns the paths, picture by picture."""
    return writing(pictures, folder)()


def writing(pictures: Iterable[Picture], folder: Path) -> Callable[[], list[Path]]:
    """Begins to write pictures, many by two processes, to the same bytes.

    Returns:
        What waits for their end and gives the paths.
    """
    rest = iter(pictures)
    first = list(islice(rest, FEW))
    if len(first) < FEW:
        paths = [path for picture in first for path in save(picture.figure, folder / picture.name)]
        return lambda: paths
    processes = ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn"))
    written = [processes.submit(save, p.figure, folder / p.name) for p in chain(first, rest)]
    processes.shutdown(wait=False)
    return lambda: [path for future in written for path in future.result()]


@matplotlib.rc_context(STYLE)
def save(figure: Figure, path: Path, formats: Iterable[str] = tuple(NAMELESS)) -> list[Path]:
    """Writes a figure in some formats and returns the paths.

    Args:
        path: without suffix.
    """
    paths = [path.with_name(f"{path.name}.{suffix}") for suffix in formats]
    for suffix, place in zip(formats, paths, strict=True):
        figure.savefig(place, dpi=DPI, metadata=NAMELESS[suffix], **QUICK.get(suffix, {}))
    return paths


def panels(
    rows: int, columns: int, *, width: float, height: float, margins: Margins
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of so many panels, its layout fixed.

    Args:
        width: of the figure, in inches.
        height: of one panel, in inches.
    """
    m = margins
    whole = m.top + rows * height + (rows - 1) * m.down + m.bottom
    wide = (width - m.left - m.right - (columns - 1) * m.across) / columns
    figure = Figure(figsize=(width, whole))

    def place(row: int, column: int) -> Axes:
        left, below = m.left + column * (wide + m.across), m.bottom + (rows - 1 - row) * (height + m.down)
        return figure.add_axes((left / width, below / whole, wide / width, height / whole))

    return figure, [[place(row, column) for column in range(columns)] for row in range(rows)]


def headed(figure: Figure, heading: str, *, line: float = 0.13) -> None:
    """Writes lines in the upper left corner, the first in bold."""
    height = figure.get_size_inches()[1]
    for i, text in enumerate(heading.split("\n")):
        weight, colour = ("bold", "black") if i == 0 else ("normal", "0.25")
        figure.text(0.01, 1 - (0.05 + i * line) / height, text, va="top", weight=weight, color=colour, size=7.5)


def gridded(axis: Axes) -> None:
    """Light lines at the ticks, below everything."""
    axis.grid(color="0.92", linewidth=0.5)
    axis.set_axisbelow(True)
