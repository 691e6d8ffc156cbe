"""Rank maps on disk, in shards of examples that are mapped into memory: read and written by position, like arrays."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int

SHARD_BYTES = 2**28
"""A shard is no larger, unless one example is."""


@runtime_checkable
class RankMap(Protocol):
    """Ranks of the examples of a split, `(n, *unit)`: an array, or something that is indexed like one."""

    def __getitem__(self, index: Int[np.ndarray, "b"], /) -> np.ndarray: ...

    def __setitem__(self, index: Int[np.ndarray, "b"], ranks: np.ndarray, /) -> None: ...


NewMap = Callable[[str, tuple[int, ...], type[np.unsignedinteger]], RankMap]
"""(split, shape, integers that hold its ranks) -> a map to be filled."""


class Shards:
    """Consecutive parts of one array, all of one length but the last."""

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self.parts = parts

    def __getitem__(self, index: Int[np.ndarray, "b"]) -> np.ndarray:
        rows = np.empty((len(index), *self.parts[0].shape[1:]), self.parts[0].dtype)
        for number, selection, positions in self._by_part(index):
            rows[selection] = self.parts[number][positions]
        return rows

    def __setitem__(self, index: Int[np.ndarray, "b"], values: np.ndarray) -> None:
        for number, selection, positions in self._by_part(index):
            self.parts[number][positions] = values[selection]

    def _by_part(self, index: Int[np.ndarray, "b"]) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Number of each part that is asked for, which of the askers it serves, and their positions in it."""
        parts, positions = np.divmod(index, max(1, len(self.parts[0]))) if self.parts else (index, index)
        for number in np.unique(parts):
            selection = parts == number
            yield number, selection, positions[selection]


def create(folder: Path, name: str, shape: tuple[int, ...], dtype: type[np.unsignedinteger]) -> Shards:
    """Shards in new files `name-00000.npy` and so on; a full disk shows now.

    Raises:
        OSError: no space left.
    """
    bytes_each = int(np.prod(shape[1:])) * np.dtype(dtype).itemsize
    most = max(1, SHARD_BYTES // bytes_each)
    lengths = [min(most, shape[0] - start) for start in range(0, shape[0], most)]
    return Shards([_new(_file(folder, name, i), (n, *shape[1:]), dtype) for i, n in enumerate(lengths)])


def load(folder: Path, name: str) -> Shards:
    """The shards of a name, to be read."""
    return Shards([np.load(file, mmap_mode="r") for file in sorted(folder.glob(f"{name}-*.npy"))])


def _file(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}-{number:05}.npy"


def _new(file: Path, shape: tuple[int, ...], dtype: type[np.unsignedinteger]) -> np.ndarray:
    part = np.lib.format.open_memmap(file, "w+", dtype, shape)
    with file.open("r+b") as handle:  # without this a disk that fills up later would be a signal, not an error
        os.posix_fallocate(handle.fileno(), 0, file.stat().st_size)
    return part
