"""What a data set is: three splits of tensors, the number of classes, and a card that says where it came from."""

from collections.abc import Callable
from dataclasses import dataclass, field

from jaxtyping import Float, Int
from torch import Tensor

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
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one example: `(c, h, w)` or `(d,)`."""
        return tuple(self.train.inputs.shape[1:])
