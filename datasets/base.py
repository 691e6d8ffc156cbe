"""What a data set is: three splits of tensors, the number of classes, and a card that says where it came from."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from roarbench.datasets.statistics import Statistics, statistics

CHUNK, CHUNK_FEATURES = 1024, 2**22
"""Examples, and features of all of them together, that a network sees at a time. Part of the protocol: some explainers
draw random numbers once for a chunk."""

NAMED = 20
"""Classes beyond which their names are not all written out."""

Truth = Callable[[Float[Tensor, "b *feature"]], Float[Tensor, "b *feature"]]
"""Ground truth of a synthetic data set: inputs -> relevance of every feature, > 0 where it is informative."""

Read = Callable[[Int[Tensor, "b"]], Float[Tensor, "b *feature"]]
"""Positions of examples -> their inputs."""

Masks = Callable[[Int[Tensor, "b"]], Shaped[Tensor, "b *mask"]]
"""Positions of examples -> relevance of their features, bool or numbers; one channel may stand for all."""

Change = Callable[[Float[Tensor, "b *feature"], Int[Tensor, "b"]], Float[Tensor, "b *changed"]]
"""Inputs and the positions of their examples -> other inputs."""


def taken(read: Read, index: Int[Tensor, "m"]) -> Read:
    """A reader of the examples at some positions of those that another reads."""
    index = index.cpu()
    return lambda at: read(index[at])


def same_for_all(relevance: Float[Tensor, "*feature"], inputs: Float[Tensor, "b *feature"]) -> Tensor:
    """A ground truth that does not depend on the example."""
    return relevance.to(inputs).expand_as(inputs)


def chunk_size(feature_shape: tuple[int, ...], most: int = CHUNK) -> int:
    """Number of examples in a chunk: `most`, or fewer where they are large."""
    return max(1, min(most, CHUNK_FEATURES // math.prod(feature_shape)))


@dataclass(frozen=True, eq=False)
class Split:
    """Examples of one split.

    Attributes:
        inputs: float32 in [0, 1]; tabular rows `(n, d)`, or channels and one to three axes of places: signals
            `(n, c, t)`, images `(n, c, h, w)`, volumes `(n, c, d, h, w)`.
        labels: int64 class indices in `[0, num_classes)`.
        truth: which features carry the class, where that follows from the inputs, as in generated data; else None.
        masks: which features carry the class, where that is known of each example by its position; else None.
    """

    inputs: Float[Tensor, "n *feature"]
    labels: Int[Tensor, "n"]
    truth: Truth | None = None
    masks: Masks | None = None

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one example: `(c, h, w)` or `(d,)`."""
        return tuple(self.inputs.shape[1:])

    @cached_property
    def statistics(self) -> Statistics:
        """Means and deviations of the inputs."""
        return statistics(self.inputs)

    @property
    def has_truth(self) -> bool:
        """Whether `relevance` is known."""
        return self.truth is not None or self.masks is not None

    def relevance(self) -> Float[Tensor, "n *feature"]:
        """Ground truth of every feature, > 0 where it carries the class: of `masks`, or else of `truth`.

        Raises:
            ValueError: nobody knows it, or the examples are not in memory.
        """
        inputs = self.inputs
        if self.masks is not None:
            return self.masks(torch.arange(len(self))).to(inputs).expand_as(inputs)
        if self.truth is None:
            raise ValueError("relevance is known of data with ground truth, got data without; ask has_truth first")
        return self.truth(inputs).to(inputs)

    @property
    def stamp(self) -> tuple[float, ...]:
        """Changes when the examples do, be it one by one or in their order."""
        places = torch.arange(1, len(self) + 1, device=self.inputs.device, dtype=torch.float64)
        inputs = self.inputs.flatten(1).sum(1, dtype=torch.float64)
        return float(inputs @ places), float(self.labels.double() @ places)

    def at(self, index: Int[Tensor, "m"]) -> "Split":
        """Copies of the examples at some positions, in memory."""
        index = index.to(self.inputs.device)
        return replace(self, inputs=self.inputs[index], labels=self.labels[index], masks=self.masks_at(index))

    def take(self, index: Int[Tensor, "m"]) -> "Split":
        """The examples at some positions; those of a stream stay where they are."""
        return self.at(index)

    def batches(self, indices: Iterable[Int[Tensor, "_"]]) -> Iterator["Split"]:
        """The examples at each of many lists of positions, in memory only while they are used."""
        return map(self.at, indices)

    def chunks(self, most: int = CHUNK) -> Iterator["Split"]:
        """The examples in order, `most` at a time, or fewer where they are large: memory stays bounded."""
        size = chunk_size(self.feature_shape, most)
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            masks = self.masks_at(torch.arange(len(self))[part])
            yield replace(self, inputs=self.inputs[part], labels=self.labels[part], masks=masks)

    def showing(self, read: Read, feature_shape: tuple[int, ...]) -> "Split":
        """A split with these labels and other inputs: those that `read` gives for positions."""
        return replace(self, inputs=read(torch.arange(len(self))).to(self.labels.device))

    def mapped(self, change: Change, feature_shape: tuple[int, ...] | None = None) -> "Split":
        """A split with these labels and changed inputs; those of a stream are changed whenever they are read.

        Args:
            change: (inputs, their positions) -> other inputs.
            feature_shape: shape of a changed input, where it is another one.
        """
        return self.showing(lambda index: change(self.inputs, index), feature_shape or self.feature_shape)

    def to(self, device: str, *, loaders: int = 0) -> "Split":
        """This split on another device.

        Args:
            loaders: processes that read a stream; 0 reads where the examples are used.
        """
        return replace(self, inputs=self.inputs.to(device), labels=self.labels.to(device))

    def masks_at(self, index: Int[Tensor, "m"]) -> Masks | None:
        """Masks of the examples at some positions, which are read when they are used."""
        return None if self.masks is None else taken(self.masks, index)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Card:
    """Where a data set comes from and on what terms.

    Attributes:
        checksums: file name -> "md5:..." or "sha256:..." of every file that was read; empty for generated data.
        notes: lines that whoever uses the data should know, such as files that were passed over.
    """

    title: str
    source: str
    licence: str
    reference: str
    checksums: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """Train, validation and test splits; `validation` is carved from train and may be empty.

    Attributes:
        feature_names: of rows, a name for each feature; empty where nobody knows them.
        class_names: a name for each class, by its number; empty where nobody knows them.
    """

    train: Split
    validation: Split
    test: Split
    num_classes: int
    card: Card
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def to(self, device: str, *, loaders: int = 0) -> "Dataset":
        """This data set on another device; `loaders` processes read its streams, for 0 the caller's own."""
        return self.each(lambda _, split: split.to(device, loaders=loaders))

    def each(self, change: Callable[[str, Split], Split]) -> "Dataset":
        """The data set with every split, given by its name, changed."""
        splits = {name: change(name, split) for name, split in self.splits.items()}
        return replace(self, train=splits["train"], validation=splits["validation"], test=splits["test"])

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one example: `(c, h, w)` or `(d,)`."""
        return self.train.feature_shape

    @property
    def extent(self) -> str:
        """Numbers of examples and classes in words, with the names of classes."""
        sizes = " + ".join(f"{len(split):,}" for split in self.splits.values() if len(split))
        names = ", ".join(self.class_names[:NAMED]) + ", ..." * (len(self.class_names) > NAMED)
        classes = f"{self.num_classes} classes" + f": {names}" * bool(names)
        shape = "x".join(map(str, self.feature_shape)) + " features" * (len(self.feature_shape) == 1)
        return f"{sizes} examples of {shape}, {classes}"
