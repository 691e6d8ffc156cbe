"""Small problems with known answers, shared by the tests of Hide-and-Seek."""

from functools import lru_cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.randomness import generator
from roarbench.datasets import digits as all_digits
from roarbench.datasets.base import Dataset, Split


@lru_cache
def digits(train: int = 256, validation: int = 64, test: int = 128) -> Dataset:
    """The first digits of each split: images `(n, 1, 8, 8)`, 10 classes."""
    data = all_digits.digits(Path())
    sizes = {"train": train, "validation": validation, "test": test}
    parts = {name: split.at(torch.arange(sizes[name])) for name, split in data.splits.items()}
    return Dataset(parts["train"], parts["validation"], parts["test"], 10, data.card)


def images(shape: tuple[int, int, int], n: int, *, num_classes: int = 3) -> Split:
    """Random images of which about half of the values are exactly 0."""
    draw = generator("images", shape, n)
    values = (2 * torch.rand(n, *shape, generator=draw) - 1).clamp_min(0)
    return Split(values, torch.arange(n) % num_classes)


def constant_hider(logits: Tensor, feature_shape: tuple[int, int, int]) -> nn.Sequential:
    """A hider that returns the same logits `(m, h, w)` for every image; its biases are those logits."""
    layer = nn.Linear(feature_shape[0] * feature_shape[1] * feature_shape[2], logits.numel())
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(logits.flatten())
    return nn.Sequential(nn.Flatten(), layer, nn.Unflatten(1, tuple(logits.shape)))


def bright_hider(weight: float = 20.0, bias: float = -10.0) -> nn.Sequential:
    """A hider of one-channel images whose logits are weight * x + bias: keeps the pixels above 0.5."""
    layer = nn.Conv2d(1, 1, 1)
    with torch.no_grad():
        layer.weight.fill_(weight)
        assert layer.bias is not None
        layer.bias.fill_(bias)
    return nn.Sequential(layer)


def linear_seeker(feature_shape: tuple[int, int, int], num_classes: int) -> nn.Sequential:
    """A seeker of one layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(feature_shape[0] * feature_shape[1] * feature_shape[2], num_classes))


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether two sets of named tensors are equal to the bit."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """(step, value) of every event by tag, with nothing purged that was written twice."""
    reason = "needs tensorboard, an extra of this project"
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason=reason)
    events = accumulator.EventAccumulator(str(folder), purge_orphaned_data=True).Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
