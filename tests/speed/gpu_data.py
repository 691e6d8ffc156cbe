"""MNIST and CIFAR-10 for measurements on a card; generated images of their shape where the files are not at hand."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.randomness import generator
from roarbench.datasets.base import Dataset

SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
FILES = {"mnist": "MNIST", "cifar10": "cifar-10-batches-py"}
WHOLE = {"mnist": (60_000, 10_000), "cifar10": (50_000, 10_000)}
"""Examples to train and to test on."""

CLASSES, NOISE = 10, 0.4


def named(name: str, data_root: Path, folder: Path, sizes: tuple[int, int] | None = None) -> str:
    """A data set as a matrix writes it, of the first so many examples; generated ones are written to a folder."""
    train, test = sizes or WHOLE[name]
    if (data_root / FILES[name]).is_dir():
        return f"{name}[train={train},test={test}]" if sizes else name
    path = folder / f"{name}-{train}.npz"
    if not path.exists():
        x_train, y_train = _drawn(name, train)
        x_test, y_test = _drawn(name, test)
        np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return f"arrays[path={path},validation=0]"


def loaded(name: str, data_root: Path, folder: Path, sizes: tuple[int, int] | None = None) -> Dataset:
    """That data set, on the CPU."""
    return build(plugin(named(name, data_root, folder, sizes), "dataset"), "dataset")(data_root)


def _drawn(name: str, num: int) -> tuple[np.ndarray, np.ndarray]:
    """A pattern for each class under noise, easy to learn: images `(n, c, h, w)` in [0, 1], and their labels."""
    draw = generator("generated", name, num)
    patterns = torch.rand(CLASSES, *SHAPES[name], generator=generator("patterns", name))
    labels: Tensor = torch.randperm(num, generator=draw) % CLASSES
    images = patterns[labels] + NOISE * torch.randn(num, *SHAPES[name], generator=draw)
    return images.clamp(0, 1).numpy(), labels.numpy()
