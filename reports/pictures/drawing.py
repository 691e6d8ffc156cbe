"""Pictures: figures with their words, laid out in inches, and written as files of the same bytes every time."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roarbench.benchmark.matrix.source import checksum
from roarbench.reports.pictures.fonts import families

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
DPI = 200
NAMELESS: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
"""File format -> what of its metadata is left out: dates and versions of programs."""

VECTORS = "svg"
"""The format that is drawn first: it holds all that the others show."""

QUICK: dict[str, dict[str, Any]] = {"png": {"pil_kwargs": {"compress_level": 3}}}
"""Options of file formats that save time."""

LETTER, BESIDE = 0.054, 0.4
"""Inches that a letter of a name takes, and those beside a name: its line, and what is left free."""

WORKERS, MANY = 2, 1000
"""Processes that draw a run of so many rows."""

BEHIND = 5
"""How far they stand back, as `nice` counts: tables, which take longer in one process, have a core to themselves."""


@dataclass(frozen=True)
class Caption:
    """The words of a picture.

    Attributes:
        name: file name without suffix.
        caption: one sentence, with the protocol and n.
        alt: what it shows, for those who do not see it.
    """

    name: str
    caption: str
    alt: str

    def paths(self, folder: Path) -> list[Path]:
        """Its files in a folder."""
        return [folder / f"{self.name}.{suffix}" for suffix in NAMELESS]


@dataclass(frozen=True, eq=False)
class Picture(Caption):
    """A figure with its words."""

    figure: Figure


Draw = Callable[[], Iterable[Picture]]


@dataclass(frozen=True)
class Margins:
    """Inches around and between panels."""

    left: float = 0.5
    right: float = 0.1
    top: float = 0.5
    bottom: float = 0.4
    across: float = 0.15
    down: float = 0.3

    def holding(self, names: Iterable[str], side: Literal["left", "right"] = "right") -> "Margins":
        """Wider on one side where names would be cut off there."""
        room = BESIDE + LETTER * max(map(len, names), default=0)
        return replace(self, **{side: max(room, getattr(self, side))})

    def wider(self, other: "Margins") -> float:
        """Inches that these take more than others, left and right together."""
        return self.left + self.right - other.left - other.right


def write(pictures: Iterable[Picture], folder: Path) -> list[Path]:
    """Writes every picture as SVG, PDF and PNG, laid out as it is, and returns the paths, picture by picture."""
    return [path for picture in pictures for path in save(picture.figure, folder / picture.name)]


def writing(
    draws: Sequence[Draw], folder: Path, num_rows: int, known: Mapping[str, str] = MappingProxyType({})
) -> Callable[[], list[Caption]]:
    """Begins to draw and write pictures: those of many rows in two processes, to the same bytes.

    Args:
        draws: what draws some pictures, one after the other.
        num_rows: rows of the run.
        known: name -> SHA-256 of files of the folder that this code wrote. A picture whose SVG comes out the same keeps
            its other files.

    Returns:
        What waits for the end and gives the words of all pictures, in order.
    """
    if num_rows < MANY:
        written = [_written(draw, folder, known) for draw in draws]
        return lambda: [caption for captions in written for caption in captions]
    forked = get_context("fork")  # spawned ones import for seconds
    processes = ProcessPoolExecutor(WORKERS, mp_context=forked, initializer=os.nice, initargs=(BEHIND,))
    futures = [processes.submit(_written, draw, folder, dict(known)) for draw in draws]
    processes.shutdown(wait=False)
    return lambda: [caption for future in futures for caption in future.result()]


def _written(draw: Draw, folder: Path, known: Mapping[str, str]) -> list[Caption]:
    captions = []
    for picture in draw():
        caption = Caption(picture.name, picture.caption, picture.alt)
        others = [path for path in caption.paths(folder) if path.suffix != f".{VECTORS}"]
        (vectors,) = save(picture.figure, folder / picture.name, [VECTORS])
        if known.get(vectors.name) != checksum(vectors) or any(path.name not in known for path in others):
            save(picture.figure, folder / picture.name, [path.suffix[1:] for path in others])
        captions.append(caption)
    return captions


NARROWEST = 1.5
"""Inches of the narrowest panel with axes: room for its title."""


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
    rows: int,
    columns: int,
    *,
    width: float,
    height: float | Sequence[float],
    margins: Margins,
    narrowest: float = NARROWEST,
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of so many panels, its layout fixed.

    Args:
        width: of the figure, in inches; more where names leave too little of it to the panels.
        height: of one panel, in inches; of the panels of each row where they differ.
        narrowest: inches that a panel has at least.
    """
    m, heights = margins, [height] * rows if isinstance(height, int | float) else [*height]
    whole = m.top + sum(heights) + (rows - 1) * m.down + m.bottom
    around = m.left + m.right + (columns - 1) * m.across
    wide = max(narrowest, (width - around) / columns)
    width = around + columns * wide
    figure = Figure(figsize=(width, whole))

    def place(row: int, column: int) -> Axes:
        left, below = m.left + column * (wide + m.across), m.bottom + sum(h + m.down for h in heights[row + 1 :])
        return figure.add_axes((left / width, below / whole, wide / width, heights[row] / whole))

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
