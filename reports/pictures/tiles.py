"""Images as rows of tiles, all on one grey scale."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roarbench.reports.pictures.drawing import LETTER, Margins, panels

FONT = 7
LINE = 0.14
"""Inches of a line of text."""


def tiles(
    rows: Mapping[str, Float[np.ndarray, "n c h w"]], title: str = "", titles: Sequence[str] = (), *, size: float = 0.5
) -> Figure:
    """A row of images for each name.

    Args:
        titles: of the columns.
        size: of an image, in inches.

    Raises:
        ValueError: rows of different lengths, none at all, or as many titles as there are no columns.
    """
    counts = {len(images) for images in rows.values()} | ({len(titles)} if titles else set())
    if len(counts) != 1 or counts == {0}:
        raise ValueError(f"rows and titles must be as many images each, got {sorted(counts)}")
    (count,) = counts
    margins = _around(rows, title, titles)
    width = max(margins.left + count * (size + margins.across), LETTER * max(map(len, title.splitlines()), default=0))
    figure, grid = panels(len(rows), count, width=width, height=size, margins=margins, narrowest=size)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        for axis, pixels in zip(axes, images, strict=True):
            tile(axis, pixels)
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=FONT)
    for axis, text in zip(grid[0], titles, strict=False):
        axis.set_title(text, fontsize=FONT, pad=3)
    figure.suptitle(title, fontsize=FONT + 1, y=1 - 0.05 / figure.get_figheight(), va="top")
    return figure


def _around(names: Mapping[str, object], title: str, titles: Sequence[str]) -> Margins:
    """Room for names on the left and for titles above."""
    lines = [1.2 * len(title.splitlines()), max((len(text.splitlines()) for text in titles), default=0)]
    left = 0.12 + LETTER * max(len(line) for name in names for line in name.splitlines())
    return Margins(left=left, right=0.04, top=0.06 + LINE * sum(lines), bottom=0.04, across=0.04, down=0.04)


def tile(axis: Axes, pixels: Float[np.ndarray, "c h w"]) -> None:
    """One image in [0, 1] in a frame, black to white: RGB if it has three channels, else the mean of its channels."""
    shown = np.moveaxis(pixels, 0, -1) if len(pixels) == 3 else pixels.mean(axis=0)
    axis.imshow(shown.clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set(visible=True, color="0.8", linewidth=0.5)
