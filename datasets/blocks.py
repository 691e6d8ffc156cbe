"""Digits above or below a block that says nothing: generated images whose informative half is known."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from roarbench.datasets.base import Card, Dataset, Split
from roarbench.datasets.digits import CARD as DIGITS_CARD
from roarbench.datasets.digits import load
from roarbench.datasets.split import Examples, carve, check_least, choose, to_split

BLOCKS_CARD = Card(
    title="Digit blocks",
    source=f"generated from {DIGITS_CARD.source}",
    licence=DIGITS_CARD.licence,
    reference="Shah, Jain and Netrapalli 2021, arXiv:2102.12781",
)

BLOCK = 8
TOLERANCE = 0.1
NULL_BLOCK = np.maximum(np.eye(BLOCK), np.eye(BLOCK)[::-1]).astype(np.float32)
NULL_BLOCK[[0, -1], :] = NULL_BLOCK[:, [0, -1]] = 1


def blocks(
    data_root: Path,
    *,
    train: int = 2000,
    test: int = 500,
    validation: float = 0.1,
    draw: int = 0,
) -> Dataset:
    """BlockMNIST of small digits: a digit and a constant block, one above the other; ground truth known.

    Shah et al. 2021, arXiv:2102.12781: the null block is the same in all images, and which block is on top is random.
    Inputs `(n, 1, 16, 8)`, 10 classes; the truth is 1 on the half that is not the null block. Train, validation and
    test have no digit in common. `draw` seeds all.

    Differs from the paper: scikit-learn's 8x8 digits for MNIST, hence 3,594 possible images; a framed X as null block.
    """
    check_least({"train": (train, 10), "test": (test, 10), "draw": (draw, 0)})
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


def not_null(inputs: Float[Tensor, "b 1 16 8"]) -> Float[Tensor, "b 1 16 8"]:
    """1 on the block with the digit, 0 on the null block of intact `blocks`, or of copies within 0.1 of them."""
    halves = inputs.unflatten(2, (2, BLOCK))
    null = torch.from_numpy(NULL_BLOCK).to(inputs)
    is_digit = ((halves - null).abs() > TOLERANCE).any(dim=-1).any(dim=-1)  # copies may be perturbed a little
    return is_digit[..., None, None].to(inputs.dtype).expand_as(halves).flatten(2, 3)


def _blocks(digits: Float[np.ndarray, "n 1 8 8"], labels: Int[np.ndarray, "n"]) -> Examples:
    """Every digit twice, one after the other: above the null block and below it."""
    null = np.broadcast_to(NULL_BLOCK, digits.shape)
    above, below = np.concatenate([digits, null], axis=2), np.concatenate([null, digits], axis=2)
    return Examples(np.stack([above, below], axis=1).reshape(-1, *above.shape[1:]), np.repeat(labels, 2))
