"""What a data set is: three splits of tensors, the number of classes, and a card that says where it came from."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from jaxtyping import Float, Int
from torch import Tensor

CHUNK, CHUNK_FEATURES = 1024, 2**22
"""Examples, and features of all of them together, that a network sees at a time. Part of the protocol: some explainers
draw random numbers once for a chunk."""

Truth = Callable[[Float[Tensor, "b *feature"]], Float[Tensor, "b *feature"]]
"""Ground truth of a synthetic data set: inputs -> relevance of every feature, > 0 where it is informative."""


@dataclass(frozen=True, eq=False)
class Split:
    """Examples of one split.

    Attributes:
        inputs: float32 in [0, 1]; images `(n, c, h, w)` or tabular rows `(n, d)`.
        labels: int64 class indices in `[0, num_classes)`.
        truth: which features carry the class, where the generator of the data knows it; else None.
    """

    inputs: Float[Tensor, "n *feature"]
    labels: Int[Tensor, "n"]
    truth: Truth | None = None

    def at(self, index: Int[Tensor, "m"]) -> "Split":
        """Copies of the examples at some positions."""
        index = index.to(self.inputs.device)
        return replace(self, inputs=self.inputs[index], labels=self.labels[index])

    def chunks(self, most: int = CHUNK) -> Iterator["Split"]:
        """The examples in order, so many at a time, and fewer where they are large: memory stays bounded."""
        size = max(1, min(most, CHUNK_FEATURES // math.prod(self.inputs.shape[1:])))
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield replace(self, inputs=self.inputs[part], labels=self.labels[part])

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Card:
    """Where a data set comes from and on what terms.

    Attributes:
        checksums: file name -> "md5:..." or "sha256:..." of every file that was read; empty for generated data.
    """

    title: str
    source: str
    licence: str
    reference: str
    checksums: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Train, validation and test splits; `validation` is carved from train and may be empty."""

    train: Split
    validation: Split
    test: Split
    num_classes: int
    card: Card
    feature_names: tuple[str, ...] = ()

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def with_inputs(self, inputs: dict[str, Float[Tensor, "..."]]) -> "Dataset":
        """The same examples with other inputs, split by split."""
        return self._each(lambda name, split: replace(split, inputs=inputs[name]))

    def to(self, device: str) -> "Dataset":
        """The same data on another device."""
        return self._each(lambda _, s: replace(s, inputs=s.inputs.to(device), labels=s.labels.to(device)))

    def _each(self, change: Callable[[str, Split], Split]) -> "Dataset":
        changed = {name: change(name, split) for name, split in self.splits.items()}
        return replace(self, train=changed["train"], validation=changed["validation"], test=changed["test"])

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one example: `(c, h, w)` or `(d,)`."""
        return tuple(self.train.inputs.shape[1:])
