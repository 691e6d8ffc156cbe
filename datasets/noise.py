"""Noise of any extent: what a matrix costs at the size of a data set that is not at hand."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from roarbench.datasets.base import Card, Dataset
from roarbench.datasets.stream import Stream, divided

CARD = Card("Noise", "drawn by roarbench", "none needed", "none")


def noise(
    data_root: Path,
    *,
    train: int = 1000,
    test: int = 200,
    size: int = 224,
    channels: int = 3,
    classes: int = 10,
    validation: float = 0.0,
    seed: int = 0,
    in_memory: bool = False,
) -> Dataset:
    """Images of uniform noise, to measure what a run would cost on data of any size.

    An image follows from `seed` and its position alone, its class from its position: there is nothing to learn. The
    size of ImageNet is `noise[train=1281167,test=50000,classes=1000]`.

    Raises:
        ValueError: a number below 1, or fewer training images than classes.
    """
    for name, number in (("train", train), ("test", test), ("size", size), ("channels", channels)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}; leave it out for the default")
    if not 2 <= classes <= train:
        raise ValueError(f"classes must lie in [2, {train}], the training images, got {classes}; ask for fewer")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}; any non-negative integer will do")
    shape = (channels, size, size)
    streams = (_stream(count, classes, shape, (seed, part)) for part, count in enumerate((train, test)))
    splits = divided(*streams, validation=validation, seed=seed)
    data = Dataset(*splits, classes, CARD)
    return data.each(lambda _, split: split.at(torch.arange(len(split)))) if in_memory else data


def _stream(num_examples: int, classes: int, shape: tuple[int, ...], source: tuple[int, int]) -> Stream:
    def read(index: Int[Tensor, "b"]) -> Float[Tensor, "b c h w"]:
        images = [np.random.default_rng([*source, i]).random(shape, np.float32) for i in index.tolist()]
        return torch.from_numpy(np.stack(images) if images else np.empty((0, *shape), np.float32))

    return Stream(torch.arange(num_examples) % classes, read=read, shape=shape)
