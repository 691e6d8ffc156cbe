"""Tetrominoes in noise, after XAI-TRIS: classification problems whose informative pixels are known by construction."""

from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter1d

from roarbench.datasets.base import Card, Dataset, same_for_all
from roarbench.datasets.split import Amounts, Examples, partition

Scenario = Literal["linear", "multiplicative", "rotated", "xor"]
Background = Literal["white", "correlated"]

CARD = Card(
    title="Tetrominoes in noise",
    source="generated",
    licence="none needed",
    reference="Clark, Wilming and Haufe 2024, arXiv:2306.12816",
)

ALPHAS: dict[tuple[str, str], float] = {
    ("linear", "white"): 0.18,
    ("linear", "correlated"): 0.0125,
    ("multiplicative", "white"): 0.7,
    ("multiplicative", "correlated"): 0.1,
    ("rotated", "white"): 0.65,
    ("rotated", "correlated"): 0.2,
    ("xor", "white"): 0.35,
    ("xor", "correlated"): 0.15,
}
"""Weight of the tetrominoes, as in the published configuration of the 8x8 images."""

SIDE = 8
SMOOTHING = 3.0
"""Standard deviation in pixels of the filter that makes neighbours of the background alike; as for the weights."""

T = np.array([[1, 0], [1, 1], [1, 0]], dtype=float)
L = np.array([[1, 0], [1, 0], [1, 1]], dtype=float)
PLACES = ((1, 1), (4, 5))
"""Top left corners of the T and of the L where they do not move."""


class Drawn(NamedTuple):
    """Examples before they are mixed."""

    patterns: Float[np.ndarray, "n 8 8"]
    labels: Int[np.ndarray, "n"]
    noise: Float[np.ndarray, "n 8 8"]


def tetrominoes(
    data_root: Path,
    *,
    scenario: Scenario = "linear",
    background: Background = "white",
    alpha: float | None = None,
    train: int = 9000,
    test: int = 1000,
    validation: float = 0.1,
    draw: int = 0,
) -> Dataset:
    """XAI-TRIS: T or L tetrominoes of four pixels in noise of 8x8 pixels, 2 classes; ground truth known.

    Clark, Wilming and Haufe 2024, arXiv:2306.12816: x = alpha a + (1 - alpha) e, pattern a and noise e each of unit
    norm. `scenario` is

    - `linear`: a T at the top left is class 0, an L at the bottom right class 1;
    - `multiplicative`: the same pixels of the noise are dimmed instead, x = (1 - alpha a) e with a of 0 and 1;
    - `rotated`: a T or an L anywhere, turned by 0, 90, 180 or 270 degrees;
    - `xor`: both T and L, each added or subtracted; equal signs are class 0, different ones class 1.

    Noise is `white`, or `correlated` by a Gaussian filter of 3 pixels. That makes the background a suppressor: it
    carries no information about the class, but about the noise of the pixels that do. `alpha` is by default that of the
    paper, and `draw` seeds all.

    The truth is the pixels of both tetrominoes, because one that is absent tells as much as one that is there. In
    `rotated` it is those of the one that is there. They do not follow from the image: controls that are computed from
    the truth are skipped.

    Differs from the paper: all images are mapped to [0, 1] by one constant, x / (2 max|x|) + 0.5 with the maximum over
    train and test. Patterns have unit norm in each image and noise on average, not over all images together. Their
    orientation and the borders of the filter (reflected) are ours.

    Raises:
        ValueError: an alpha outside (0, 1], or a number that is too small.
    """
    weight = ALPHAS[scenario, background] if alpha is None else alpha
    if not 0 < weight <= 1:
        raise ValueError(f"alpha must lie in (0, 1], got {alpha}; it is the share of the tetrominoes, less is harder")
    for name, value, least in (("train", train, 4), ("test", test, 4), ("draw", draw, 0)):
        if value < least:
            raise ValueError(f"{name} must be {least} or more, got {value}; there are four kinds of images to draw")
    streams = np.random.default_rng(draw).spawn(2)
    parts = [_drawn(n, scenario, background, stream) for n, stream in zip((train, test), streams, strict=True)]
    mix = _dimmed if scenario == "multiplicative" else _added
    images = [mix(part.patterns, part.noise, weight) for part in parts]
    scale = 2 * max(np.abs(part).max() for part in images)
    moving = scenario == "rotated"  # then the truth of an image is known by its position alone
    ours, theirs = (
        Examples(
            (x[:, None] / scale + 0.5).astype(np.float32), part.labels, part.patterns[:, None] != 0 if moving else None
        )
        for x, part in zip(images, parts, strict=True)
    )
    truth = None if moving else partial(same_for_all, torch.from_numpy(np.add(*_fixed()))[None])
    splits = partition(ours, theirs, Amounts(validation=validation, seed=draw), truth=truth)
    names = ("equal signs", "different signs") if scenario == "xor" else ("T", "L")
    return Dataset(*splits, 2, CARD, class_names=names)


def _drawn(count: int, scenario: Scenario, background: Background, generator: np.random.Generator) -> Drawn:
    kinds = generator.permutation(np.arange(count) % 4)
    patterns = _moved(kinds, generator) if scenario == "rotated" else _still(kinds, scenario)
    labels = (kinds % 2 ^ kinds // 2) if scenario == "xor" else kinds % 2
    return Drawn(patterns, labels, _noise(count, background, generator))


def _fixed() -> tuple[Float[np.ndarray, "8 8"], Float[np.ndarray, "8 8"]]:
    """The T and the L where they do not move."""
    t, ell = (_placed(shape, place) for shape, place in zip((T, L), PLACES, strict=True))
    return t, ell


def _placed(shape: Float[np.ndarray, "a b"], place: tuple[int, int]) -> Float[np.ndarray, "8 8"]:
    image = np.zeros((SIDE, SIDE))
    (row, column), (height, width) = place, shape.shape
    image[row : row + height, column : column + width] = shape
    return image


def _still(kinds: Int[np.ndarray, "n"], scenario: Scenario) -> Float[np.ndarray, "n 8 8"]:
    """Patterns of images of the four kinds: two of either class."""
    t, ell = _fixed()
    if scenario == "xor":
        return np.stack([t + ell, t - ell, ell - t, -t - ell])[kinds]
    return np.stack([t, ell])[kinds % 2]


def _moved(kinds: Int[np.ndarray, "n"], generator: np.random.Generator) -> Float[np.ndarray, "n 8 8"]:
    """A T or an L, turned and anywhere in the image, with equal chance."""
    turns = generator.integers(0, 4, len(kinds))
    shapes = [np.rot90((T, L)[kind % 2], turn) for kind, turn in zip(kinds, turns, strict=True)]
    places = generator.integers(0, [[SIDE + 1 - side for side in shape.shape] for shape in shapes])
    return np.stack([_placed(shape, (y, x)) for shape, (y, x) in zip(shapes, places.tolist(), strict=True)])


def _noise(count: int, background: Background, generator: np.random.Generator) -> Float[np.ndarray, "n 8 8"]:
    """Gaussian noise whose images have squared norms of 1 on average."""
    rows = np.eye(SIDE)
    if background == "correlated":
        rows = gaussian_filter1d(rows, SMOOTHING, axis=0, mode="reflect")
    return rows @ generator.standard_normal((count, SIDE, SIDE)) @ rows.T / np.square(rows).sum()


def _added(
    patterns: Float[np.ndarray, "n 8 8"], noise: Float[np.ndarray, "n 8 8"], alpha: float
) -> Float[np.ndarray, "n 8 8"]:
    return alpha * patterns / np.linalg.norm(patterns, axis=(1, 2), keepdims=True) + (1 - alpha) * noise


def _dimmed(
    patterns: Float[np.ndarray, "n 8 8"], noise: Float[np.ndarray, "n 8 8"], alpha: float
) -> Float[np.ndarray, "n 8 8"]:
    return (1 - alpha * patterns) * noise
