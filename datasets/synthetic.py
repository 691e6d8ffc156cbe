"""Generated images whose informative pixels are known exactly, from the image alone."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from roarbench.datasets.base import Card, Dataset, Split
from roarbench.datasets.digits import CARD as DIGITS_CARD
from roarbench.datasets.digits import load
from roarbench.datasets.split import Amounts, Examples, carve, choose, partition, to_split

SQUARES_CARD = Card(title="Textured squares", source="generated", licence="none needed", reference="none")
BLOCKS_CARD = Card(
    title="Digit blocks",
    source=f"generated from {DIGITS_CARD.source}",
    licence=DIGITS_CARD.licence,
    reference="Shah, Jain and Netrapalli 2021, arXiv:2102.12781",
)

BACKGROUND_BELOW = 0.5
SQUARE_LEVELS = (0.6, 1.0)
STRIPE_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
STRIPE_PERIOD = 3.0
STRIPE_NOISE = 0.3

BLOCK = 8
TOLERANCE = 0.1
NULL_BLOCK = np.maximum(np.eye(BLOCK), np.eye(BLOCK)[::-1]).astype(np.float32)
NULL_BLOCK[[0, -1], :] = NULL_BLOCK[:, [0, -1]] = 1


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
    """A bright striped square on noise: the direction of its stripes is one of 4 classes, ground truth known.

    The background is noise in [0, 0.5); the square lies anywhere with equal chance. Its pixels are the same levels
    from 0.6 to 1 in every image and only their order follows the stripes (random phase, some noise): neither place
    nor mean nor histogram reveals the class. Inputs `(n, 1, size, size)`; the truth is 1 on the square.
    `draw` seeds all.
    """
    if not 3 <= square <= size:
        raise ValueError(f"square must lie in [3, size = {size}] pixels, got {square}; its stripes need 3 or more")
    _check_least({"train": (train, 4), "test": (test, 4), "draw": (draw, 0)})
    train_stream, test_stream = np.random.default_rng(draw).spawn(2)
    splits = partition(
        _squares(train, size, square, train_stream),
        _squares(test, size, square, test_stream),
        Amounts(validation=validation, seed=draw),
        truth=bright,
    )
    return Dataset(*splits, num_classes=len(STRIPE_DIRECTIONS), card=SQUARES_CARD)


def blocks(
    data_root: Path,
    *,
    train: int = 2000,
    test: int = 500,
    validation: float = 0.1,
    draw: int = 0,
) -> Dataset:
    """BlockMNIST of small digits: a digit and a constant block, one above the other, ground truth known.

    Shah et al. 2021, arXiv:2102.12781: the null block is the same in all images, and which block is on top is random.
    Inputs `(n, 1, 16, 8)`, 10 classes; the truth is 1 on the half that is not the null block. Train, validation and
    test have no digit in common. `draw` seeds all.

    Differs from the paper: scikit-learn's 8x8 digits for MNIST, hence 3,594 possible images; a framed X as null block.
    """
    _check_least({"train": (train, 10), "test": (test, 10), "draw": (draw, 0)})
    digits = load()
    rest, held = carve(digits.labels, test / (train + test), name="test", seed=draw)
    kept, validating = carve(digits.labels[rest], validation, name="validation", seed=draw)
    num_validation = round(validation * train)

    def split(name: str, members: Int[np.ndarray, "m"], count: int) -> Split:
        both_orders = _blocks(digits.inputs[members], digits.labels[members])
        index = choose(both_orders.labels, count, name=name, seed=draw) if count else np.arange(0)
        return to_split(both_orders, index, truth=not_null)

    return Dataset(
        train=split("train", rest[kept], train - num_validation),
        validation=split("validation", rest[validating], num_validation),
        test=split("test", held, test),
        num_classes=10,
        card=BLOCKS_CARD,
    )


def bright(inputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """1 on the square, 0 on the background of intact `squares`."""
    return (inputs >= BACKGROUND_BELOW).to(inputs.dtype)


def not_null(inputs: Float[Tensor, "b 1 16 8"]) -> Float[Tensor, "b 1 16 8"]:
    """1 on the block with the digit, 0 on the null block of intact `blocks`, or of copies within 0.1 of them."""
    halves = inputs.unflatten(2, (2, BLOCK))
    null = torch.from_numpy(NULL_BLOCK).to(inputs)
    is_digit = ((halves - null).abs() > TOLERANCE).any(dim=-1).any(dim=-1)  # copies may be perturbed a little
    return is_digit[..., None, None].to(inputs.dtype).expand_as(halves).flatten(2, 3)


def _check_least(arguments: dict[str, tuple[int, int]]) -> None:
    """Argument name -> value that came and least value allowed."""
    for name, (value, least) in arguments.items():
        if value < least:
            raise ValueError(
                f"{name} must be {least} or more, got {value}; every class needs an example, a draw is 0, 1, ..."
            )


def _squares(count: int, size: int, square: int, generator: np.random.Generator) -> Examples:
    labels = generator.permutation(np.arange(count) % len(STRIPE_DIRECTIONS))
    images = generator.uniform(0, BACKGROUND_BELOW, (count, 1, size, size))
    # float32 rounds the largest values below 0.5 up to 0.5, which would count as square.
    images = np.minimum(images.astype(np.float32), np.nextafter(np.float32(BACKGROUND_BELOW), np.float32(0)))
    top, left = generator.integers(0, size - square + 1, (2, count))
    reach = np.arange(square)
    rows, columns = top[:, None, None] + reach[:, None], left[:, None, None] + reach
    images[np.arange(count)[:, None, None], 0, rows, columns] = _textures(labels, square, generator)
    return Examples(images, labels)


def _textures(labels: Int[np.ndarray, "n"], square: int, generator: np.random.Generator) -> Float[np.ndarray, "n s s"]:
    """Squares that all hold one set of levels, laid out in the order of a noisy wave across the stripes."""
    direction = np.array(STRIPE_DIRECTIONS, dtype=float)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    y, x = np.mgrid[:square, :square]
    along = direction[labels, 0, None, None] * y + direction[labels, 1, None, None] * x
    phase = generator.uniform(0, 2 * np.pi, (len(labels), 1, 1))
    wave = np.sin(2 * np.pi * along / STRIPE_PERIOD + phase)
    wave += STRIPE_NOISE * generator.standard_normal(wave.shape)
    rank = wave.reshape(len(labels), -1).argsort(axis=1).argsort(axis=1)
    levels = np.linspace(*SQUARE_LEVELS, square**2, dtype=np.float32)
    return levels[rank].reshape(wave.shape)


def _blocks(digits: Float[np.ndarray, "n 1 8 8"], labels: Int[np.ndarray, "n"]) -> Examples:
    """Every digit twice, one after the other: above the null block and below it."""
    null = np.broadcast_to(NULL_BLOCK, digits.shape)
    above, below = np.concatenate([digits, null], axis=2), np.concatenate([null, digits], axis=2)
    return Examples(np.stack([above, below], axis=1).reshape(-1, *above.shape[1:]), np.repeat(labels, 2))
