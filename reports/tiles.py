"""Images as rows of tiles, all on one grey scale."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

FONT = 7


def tiles(rows: Mapping[str, Float[np.ndarray, "n c h w"]], title: str, titles: Sequence[str] = ()) -> Figure:
    """A row of images for each name.

    Args:
        titles: of the columns.

    Raises:
        ValueError: rows of different lengths, or as many titles as there are no columns.
    """
    counts = {len(images) for images in rows.values()} | ({len(titles)} if titles else set())
    if len(counts) != 1:
        raise ValueError(f"rows and titles must be as many images each, got {sorted(counts)}")
    (count,) = counts
    figure = Figure(figsize=(0.9 + 0.52 * count, 0.35 + 0.16 * bool(titles) + 0.54 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), count, squeeze=False)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        for axis, pixels in zip(axes, images, strict=True):
            tile(axis, pixels)
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=FONT)
    for axis, text in zip(grid[0], titles, strict=False):
        axis.set_title(text, fontsize=FONT)
    figure.suptitle(title, fontsize=FONT + 1)
    return figure


def tile(axis: Axes, pixels: Float[np.ndarray, "c h w"]) -> None:
    """One image in [0, 1], black to white: RGB where it has three channels, else the mean of its channels."""
    shown = np.moveaxis(pixels, 0, -1) if len(pixels) == 3 else pixels.mean(axis=0)
    axis.imshow(shown.clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
