"""Splits that stay on disk: examples are read, and changed, when they are used."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Readable

from roarbench.datasets.base import CHUNK, Change, Read, Split, chunk_size, taken
from roarbench.datasets.split import carve
from roarbench.datasets.statistics import Statistics, merged


@dataclass(frozen=True, eq=False, kw_only=True)
class Stream(Split):
    """A split whose examples are read when they are used, a batch at a time; its whole `inputs` do not exist.

    Attributes:
        read: positions -> inputs, float32 in [0, 1], on the CPU; the same whenever and in whichever process it reads.
        shape: shape of one example: `(c, h, w)` or `(d,)`.
        device: where batches go.
        loaders: processes that read ahead; 0 reads in the process that asks.
    """

    inputs: Float[Tensor, "n *feature"] = field(init=False, repr=False)
    read: Read
    shape: tuple[int, ...]
    device: str = "cpu"
    loaders: int = 0

    def __getattr__(self, name: str) -> Any:
        if name == "inputs":
            raise ValueError(
                "inputs of a stream are not in memory: take some with at(index) or all of them in turn with chunks()"
            )
        raise AttributeError(name)

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one example: `(c, h, w)` or `(d,)`."""
        return self.shape

    @cached_property
    def statistics(self) -> Statistics:
        """Means and deviations of the inputs, on the CPU; what fits one chunk has the bits it has in memory."""
        return merged(chunk.inputs for chunk in self.to("cpu", loaders=self.loaders).chunks(len(self)))

    @property
    def stamp(self) -> tuple[float, ...]:
        """Changes when the labels do, which are all that is in memory."""
        places = torch.arange(1, len(self) + 1, device=self.labels.device, dtype=torch.float64)
        return (float(self.labels.double() @ places),)

    def at(self, index: Int[Tensor, "m"]) -> Split:
        """The examples at some positions, in memory."""
        inputs = self.read(index.cpu()) if len(index) else torch.empty(0, *self.shape)  # readers may need one to stack
        return self._split(index, inputs)

    def take(self, index: Int[Tensor, "m"]) -> "Stream":
        """The examples at some positions, where they are."""
        index = index.cpu()
        return replace(self, labels=self.labels[index], read=taken(self.read, index), masks=self.masks_at(index))

    def batches(self, indices: Iterable[Int[Tensor, "_"]]) -> Iterator[Split]:
        """The examples at each of many lists of positions, in order; loaders are a few batches ahead, no more."""
        if not self.loaders:
            yield from map(self.at, indices)
            return
        sent: deque[Tensor] = deque()
        loader: DataLoader = DataLoader(
            _Batches(self.read),
            sampler=_noted(indices, sent),
            batch_size=None,
            num_workers=self.loaders,
            multiprocessing_context="fork",  # readers and fills are functions, which nothing else hands on
            pin_memory=self.device.startswith("cuda"),
        )
        with torch.random.fork_rng(devices=[]):  # a loader draws a seed, which must not move the draws of a training
            read = iter(loader)
        for inputs in read:
            if isinstance(inputs, Exception):
                raise inputs
            yield self._split(sent.popleft(), inputs)

    def chunks(self, most: int = CHUNK) -> Iterator[Split]:
        """The examples in order, `most` at a time, or fewer where they are large."""
        if len(self):
            yield from self.batches(torch.arange(len(self)).split(chunk_size(self.shape, most)))

    def showing(self, read: Read, feature_shape: tuple[int, ...]) -> "Stream":
        """A stream with these labels and other inputs: those that `read` gives for positions."""
        return replace(self, read=read, shape=feature_shape)

    def mapped(self, change: Change, feature_shape: tuple[int, ...] | None = None) -> "Stream":
        """A stream with these labels, whose inputs are changed whenever they are read."""
        return self.showing(lambda index: change(self.read(index), index), feature_shape or self.shape)

    def to(self, device: str, *, loaders: int = 0) -> "Stream":
        """This stream, whose examples go to another device when they are read."""
        return replace(self, labels=self.labels.to(device), device=device, loaders=loaders)

    def _split(self, index: Tensor, inputs: Tensor) -> Split:
        labels = self.labels[index.to(self.labels.device)]
        return Split(inputs.to(self.device, non_blocking=True), labels, self.truth, self.masks_at(index))


def streamed(split: Split) -> Stream:
    """A split as a stream, read by the process that uses it."""
    if isinstance(split, Stream):
        return replace(split, loaders=0)
    device = str(split.labels.device)
    return Stream(
        labels=split.labels, truth=split.truth, masks=split.masks, read=lambda index: split.at(index).inputs,
        shape=split.feature_shape, device=device,
    )  # fmt: skip


def divided(train: Stream, test: Stream, *, validation: float, seed: int) -> tuple[Stream, Stream, Stream]:
    """Train, validation and test streams; validation takes the examples that it takes of the same data in memory."""
    rest, held = carve(train.labels.numpy(), validation, name="validation", seed=seed)
    return train.take(torch.from_numpy(rest)), train.take(torch.from_numpy(held)), test


class _Batches(Readable):
    """What the processes of a loader ask: inputs by lists of positions, or what went wrong."""

    def __init__(self, read: Read) -> None:
        self.read = read

    def __getitem__(self, index: Any) -> Tensor | Exception:
        try:
            return self.read(torch.from_numpy(index))
        except Exception as error:  # raised again where the batch is used: a loader would bury it in a traceback
            return error


def _noted(indices: Iterable[Tensor], sent: deque[Tensor]) -> Iterator[Any]:
    """Lists of positions as they are sent to the loaders, which return batches in this order."""
    for index in indices:
        sent.append(index.cpu())
        yield sent[-1].numpy()
