"""Generated signals, images and volumes: a textured patch on noise, whose places are known and tell nothing.

A patch lies anywhere with equal chance, and its values are the same levels from 0.6 to 1 in every example. Only their
order follows a noisy wave, whose direction or length is the class: neither place nor mean nor histogram reveals it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from roarbench.datasets.base import Card, Dataset
from roarbench.datasets.split import Amounts, Examples, check_least, partition

BACKGROUND_BELOW = 0.5
LEVELS = (0.6, 1.0)
NOISE = 0.3

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
PERIOD = 3.0
"""Of the waves of squares and cubes, in places."""

PERIODS = (2.5, 4.0, 6.4, 10.0)
"""Of the waves of bursts, in time steps."""

AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


@dataclass(frozen=True)
class Texture:
    """What the examples of a data set look like.

    Attributes:
        shape: of one example: channels, then places, as many along each axis.
        side: of the patch, in places; it lies in one channel.
        waves: direction and period of the wave of each class.
    """

    shape: tuple[int, ...]
    side: int
    waves: Sequence[tuple[tuple[int, ...], float]]

    def examples(self, count: int, generator: np.random.Generator) -> Examples:
        """So many examples, as many of each class."""
        labels = generator.permutation(np.arange(count) % len(self.waves))
        values = generator.uniform(0, BACKGROUND_BELOW, (count, *self.shape))
        # float32 rounds the largest values below 0.5 up to 0.5, which would count as the patch.
        values = np.minimum(values.astype(np.float32), np.nextafter(np.float32(BACKGROUND_BELOW), np.float32(0)))
        places = self._places(count, generator)
        values[places] = self._patches(labels, generator)
        return Examples(values, labels)

    def _places(self, count: int, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Index of the patch of each example, in the axes of the examples."""
        channels, *places = self.shape
        corners = generator.integers(0, places[0] - self.side + 1, (len(places), count))
        channel = generator.integers(0, channels, count) if channels > 1 else np.zeros(count, int)
        index = [corner[:, None] + np.arange(self.side) for corner in corners]
        along = [self._along(part, axis) for axis, part in enumerate(index)]
        return (self._whole(np.arange(count)), self._whole(channel), *along)

    def _patches(self, labels: Int[np.ndarray, "n"], generator: np.random.Generator) -> Float[np.ndarray, "n *patch"]:
        """Patches that all hold one set of levels, laid out in the order of a noisy wave."""
        directions = np.array([direction for direction, _ in self.waves], dtype=float)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        periods = np.array([period for _, period in self.waves])[labels]
        grid = np.indices((self.side,) * (len(self.shape) - 1))
        along = sum(self._whole(directions[labels, axis]) * places for axis, places in enumerate(grid))
        phase = self._whole(generator.uniform(0, 2 * np.pi, len(labels)))
        wave = np.sin(2 * np.pi * along / self._whole(periods) + phase)
        wave += NOISE * generator.standard_normal(wave.shape)
        rank = wave.reshape(len(labels), -1).argsort(axis=1).argsort(axis=1)
        levels = np.linspace(*LEVELS, rank.shape[1], dtype=np.float32)
        return levels[rank].reshape(wave.shape)

    def _whole(self, values: np.ndarray) -> np.ndarray:
        """A number for each example, for all its places."""
        return values.reshape(-1, *[1] * (len(self.shape) - 1))

    def _along(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Numbers of each example along one axis of its places."""
        return values.reshape(len(values), *[-1 if axis == other else 1 for other in range(len(self.shape) - 1)])


def squares(
    data_root: Path,
    *,
    train: int = 2000,
    test: int = 500,
    validation: float = 0.1,
    draw: int = 0,
    size: int = 16,
    square: int = 5,
) -> Dataset:
    """A bright striped square on noise: the direction of its stripes is the class, one of 4; ground truth known.

    The background is noise in [0, 0.5), and the square lies anywhere with equal chance. Its pixels are the same levels
    from 0.6 to 1 in every image. Only their order follows the stripes, at a random phase and with some noise. So
    neither place nor mean nor histogram reveals the class. Inputs `(n, 1, size, size)`; the truth is 1 on the square.
    `draw` seeds all.
    """
    _check_side("square", square, size, "pixels; its stripes need 3 or more")
    texture = Texture((1, size, size), square, [(direction, PERIOD) for direction in DIRECTIONS])
    return _generated(texture, "Textured squares", train, test, validation, draw)


def bursts(
    data_root: Path,
    *,
    train: int = 2000,
    test: int = 500,
    validation: float = 0.1,
    draw: int = 0,
    steps: int = 64,
    burst: int = 20,
    channels: int = 2,
) -> Dataset:
    """Signals: a bright wave in one channel of noise, whose period is the class, one of 4; ground truth known.

    As `squares`, along time: the burst lies anywhere, in any channel, and only the order of its levels reveals the
    class. Inputs `(n, channels, steps)`; the truth is 1 on the burst in its channel. `draw` seeds all.
    """
    _check_side("burst", burst, steps, "time steps", of="steps")
    check_least({"channels": (channels, 1)})
    texture = Texture((channels, steps), burst, [((1,), period) for period in PERIODS])
    return _generated(texture, "Bursts", train, test, validation, draw)


def cubes(
    data_root: Path,
    *,
    train: int = 2000,
    test: int = 500,
    validation: float = 0.1,
    draw: int = 0,
    size: int = 10,
    cube: int = 5,
) -> Dataset:
    """Volumes: a bright cube of layers in noise, whose axis is the class, one of 3; ground truth known.

    As `squares`, with an axis more. Inputs `(n, 1, size, size, size)`; the truth is 1 on the cube. `draw` seeds all.
    """
    _check_side("cube", cube, size, "voxels; its layers need 3 or more")
    texture = Texture((1, size, size, size), cube, [(axis, PERIOD) for axis in AXES])
    return _generated(texture, "Layered cubes", train, test, validation, draw)


def bright(inputs: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *feature"]:
    """1 on the patch, 0 on the background of intact examples."""
    return (inputs >= BACKGROUND_BELOW).to(inputs.dtype)


def _generated(texture: Texture, title: str, train: int, test: int, validation: float, draw: int) -> Dataset:
    """Train and test from streams of their own."""
    classes = len(texture.waves)
    check_least({"train": (train, classes), "test": (test, classes), "draw": (draw, 0)})
    train_stream, test_stream = np.random.default_rng(draw).spawn(2)
    splits = partition(
        texture.examples(train, train_stream),
        texture.examples(test, test_stream),
        Amounts(validation=validation, seed=draw),
        truth=bright,
    )
    card = Card(title=title, source="generated", licence="none needed", reference="none")
    return Dataset(*splits, num_classes=classes, card=card)


def _check_side(name: str, side: int, size: int, unit: str, *, of: str = "size") -> None:
    if not 3 <= side <= size:
        raise ValueError(f"{name} must lie in [3, {of} = {size}] {unit}, got {side}")
