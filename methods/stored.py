"""Maps that were made elsewhere, in a file: one for each example of a data set, by position."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import Tensor, nn

from roarbench.datasets.base import Dataset, Split
from roarbench.methods.base import Explains, Skip

LABELS = "{split}_labels"
"""Name of the labels of a split beside its maps: they tell whether these lie in the order of the data."""

BLOCK = 1024
"""Maps that are checked at a time."""


@dataclass(frozen=True)
class Stored:
    """Maps from a file, made by any program, in the order of the data.

    Misleads: nobody knows which network they explain. They are measured beside a network of the run, so bring that
    one, too.
    Cost: no forward pass.

    Attributes:
        path: an .npz or .safetensors file with an array for each split, `train`, `validation` and `test`. A folder with
            `train.npy`, `validation.npy` and `test.npy` works, too, and is read as needed. Maps are `(n, c, h, w)`, or
            `(n, h, w)` with one number for each pixel; of rows `(n, d)`. They may be signed. Arrays `train_labels` and
            so on are compared with the labels of the data.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    path: Path

    def prepare(self, classifier: nn.Module, train: Split) -> "Lookup":
        """See `Explainer.prepare`."""
        return Lookup(opened(self.path), str(self.path))

    def check(self, data: Dataset) -> None:
        """Compares the maps with the data, all of them, before any work is done.

        Raises:
            ValueError: a file that cannot be read; maps of another number or shape, or in another order; NaN.
        """
        check_maps(opened(self.path), data, f"stored[path={self.path}]")


@dataclass(frozen=True, eq=False)
class Lookup:
    """An attribution function that knows examples by their positions alone."""

    arrays: Mapping[str, np.ndarray]
    origin: str

    def at(self, split: str, index: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
        """The maps of some examples of a split.

        Raises:
            Skip: there are none of that split.
        """
        if split not in self.arrays:
            raise Skip(f"{self.origin} has no maps of the {split} split; add them, or use --retrain false")
        return torch.from_numpy(np.asarray(self.arrays[split][index.cpu().numpy()], dtype=np.float32))

    def __call__(self, inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
        """Other inputs than those of the data set have no maps.

        Raises:
            Skip: always.
        """
        raise Skip("stored maps are those of the examples of the data set; other inputs have none")


@lru_cache(maxsize=8)
def opened(path: Path) -> Mapping[str, np.ndarray]:
    """The arrays of a file or a folder, by name.

    Raises:
        ValueError: it is not there or cannot be read.
    """
    try:
        arrays = _read(path)
    except (OSError, ValueError, SafetensorError) as error:
        reason = "it is not there" if not path.exists() else " ".join(str(error).split())
        raise ValueError(f"stored[path={path}] cannot be read: {reason}") from error
    return arrays


def check_maps(arrays: Mapping[str, np.ndarray], data: Dataset, origin: str) -> None:
    """Compares maps with the data that they explain.

    Args:
        arrays: split -> its maps; those of the test split at least.
        origin: where they come from, for messages.

    Raises:
        ValueError: no maps of the test split; maps of another number or shape, or in another order; NaN.
    """
    if "test" not in arrays:
        names = ", ".join(arrays) or "nothing"
        raise ValueError(f"{origin} must have an array test, one map for each test example; got {names}")
    for name, split in data.splits.items():
        if name in arrays:
            _check(arrays, name, split, origin)


def _read(path: Path) -> Mapping[str, np.ndarray]:
    if path.is_dir():
        return {file.stem: np.load(file, mmap_mode="r") for file in sorted(path.glob("*.npy"))}
    if path.suffix == ".safetensors":
        return load_file(path)
    with np.load(path) as file:  # never pickled objects: allow_pickle is False
        return {name: file[name] for name in file.files}


def _check(arrays: Mapping[str, np.ndarray], name: str, split: Split, origin: str) -> None:
    maps, where = arrays[name], f"{origin}: {name}"
    if len(maps) != len(split):
        raise ValueError(f"{where} must have {len(split):,} maps, one for each example, got {len(maps):,}")
    shape = split.feature_shape
    shapes = dict.fromkeys([shape, (1, *shape[1:]), shape[1:]]) if len(shape) > 1 else [shape]
    if maps.shape[1:] not in shapes or maps.dtype.kind not in "fiub":
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"{where} must hold numbers of shape {wanted} each, got {maps.dtype} of {maps.shape[1:]}")
    _check_order(arrays.get(LABELS.format(split=name)), split, where)
    bad = sum(int((~np.isfinite(maps[i : i + BLOCK].reshape(-1, maps[0].size))).any(1).sum()) for i in _starts(maps))
    if bad:
        raise ValueError(f"{where} must be finite, got NaN or infinity in {bad:,} of {len(maps):,} maps")


def _check_order(labels: np.ndarray | None, split: Split, where: str) -> None:
    """Raises ValueError where the labels beside maps are not those of the data."""
    if labels is None:
        return
    own = split.labels.cpu().numpy()
    if labels.shape != own.shape or (labels != own).any():
        first = "their number" if labels.shape != own.shape else f"example {np.flatnonzero(labels != own)[0]:,}"
        raise ValueError(f"{where} must lie in the order of the data: labels differ, first in {first}")


def _starts(maps: np.ndarray) -> range:
    return range(0, len(maps), BLOCK)
