"""Pictures of ClaDec: what its reference and its decoders make of images, by alpha, and its two-dimensional codes."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from seaborn import color_palette

from roarbench.reports.pictures.tiles import FONT, tile, tiles

Rows = Mapping[str, Float[np.ndarray, "n c h w"]]
"""Name -> images in [0, 1]; the same examples in every row: "original", "RefAE", then a row for each alpha."""


def alpha_grid(rows: Rows, titles: Sequence[str], title: str) -> Figure:
    """A column for each example, original and reconstructions below each other, on one grey scale from 0 to 1.

    Args:
        titles: titles of the columns: the class, or "7, as 9" where the prediction is wrong; see `captions`.
    """
    return tiles(rows, title, titles)


def captions(labels: Int[np.ndarray, "n"], predicted: Int[np.ndarray, "n"]) -> list[str]:
    """Titles of examples: the class alone where the classifier is right.

    >>> captions(np.array([7, 7]), np.array([7, 9]))
    ['7', '7, as 9']
    """
    pairs = zip(labels, predicted, strict=True)
    return [str(true) if true == guess else f"{true}, as {guess}" for true, guess in pairs]


def scored(labels: Int[np.ndarray, "n"], losses: Float[np.ndarray, "n"]) -> list[str]:
    """Titles of examples: the class, and its loss below."""
    return [f"{label}\n{loss:.3g}" for label, loss in zip(labels, losses, strict=True)]


def triptych(images: Mapping[str, Float[np.ndarray, "c h w"]], title: str) -> Figure:
    """One example side by side: original, reference and reconstruction."""
    figure = Figure(figsize=(1.4 * len(images), 1.8), layout="constrained")
    for axis, (name, pixels) in zip(figure.subplots(1, len(images), squeeze=False)[0], images.items(), strict=True):
        tile(axis, pixels)
        axis.set_title(name, fontsize=FONT)
    figure.suptitle(title, fontsize=FONT + 1)
    return figure


def worst(labels: Int[np.ndarray, "n"], losses: Float[np.ndarray, "n"], most: int = 20) -> Int[np.ndarray, "k"]:
    """Position of the highest loss of every class that occurs, or of the worst of them, in the order of the classes."""
    members = (np.flatnonzero(labels == label) for label in np.unique(labels))
    positions = np.array([indices[losses[indices].argmax()] for indices in members])
    return positions[np.sort(np.argsort(-losses[positions], kind="stable")[:most])]


def latent_grid(images: Float[np.ndarray, "g g c h w"], limit: float, title: str) -> Figure:
    """Decoded codes as one mosaic: z[0] grows from -limit to limit to the right (second axis), z[1] upwards (first)."""
    mosaic = np.concatenate([np.concatenate(list(line), axis=2) for line in images[::-1]], axis=1)
    figure = Figure(figsize=(5, 5.2), layout="constrained")
    axis = figure.subplots()
    tile(axis, mosaic)
    for side, (across, down) in zip("xy", ((mosaic.shape[2], False), (mosaic.shape[1], True)), strict=True):
        step = across / (2 * len(images))
        ends = np.array([-limit, 0, limit])[:: -1 if down else 1]
        axis.set(**{f"{side}ticks": np.linspace(step, across - step, 3) - 0.5, f"{side}ticklabels": ends})
    axis.set(xlabel="z[0]", ylabel="z[1]")
    figure.suptitle(title, fontsize=FONT + 1)
    return figure


def latent_scatter(means: Float[np.ndarray, "n 2"], labels: Int[np.ndarray, "n"], title: str) -> Figure:
    """Mean codes of examples in the colours of their classes."""
    classes = np.unique(labels)
    columns = -(-len(classes) // 20)
    figure = Figure(figsize=(4.2 + 0.4 * columns, 3.8), layout="constrained")
    axis = figure.subplots()
    colours = color_palette("tab10" if len(classes) <= 10 else "husl", len(classes))
    for label, colour in zip(classes, colours, strict=True):
        x, y = means[labels == label].T
        axis.scatter(x, y, s=3, color=colour, linewidths=0, label=str(label), rasterized=True)
    axis.set_aspect("equal", "datalim")
    axis.set(xlabel="mean of z[0]", ylabel="mean of z[1]")
    figure.legend(loc="outside right center", markerscale=3, fontsize=FONT, frameon=False, ncols=columns)
    figure.suptitle(title, fontsize=FONT + 1)
    return figure
