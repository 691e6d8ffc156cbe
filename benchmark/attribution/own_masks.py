"""Masks that an explainer chose itself: stored for networks that are retrained behind them, and measured."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from roarbench.benchmark.attribution.guard import Guarded, same_weights
from roarbench.benchmark.attribution.rankings import Crossed
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.removal.ranks import Hidden
from roarbench.benchmark.results.shards import NewMap, RankMap
from roarbench.datasets.base import Split
from roarbench.methods.base import OwnMasks

MEASURED = ("own_accuracy", "own_share_hidden", "own_nonzero_share_hidden")

CHUNK = 256
"""Examples that an explainer hides at a time."""


@torch.no_grad()
def measured(attribute: OwnMasks | Guarded, splits: Mapping[str, Split], new: NewMap) -> dict[str, float | None]:
    """Stores the masks of all splits, and tells where the explainer stands on the test split.

    Args:
        new: makes the map of a split, one byte for each element of a mask, 1 = kept.

    Returns:
        own_accuracy of the explainer's own classifier on what is left, own_share_hidden of all features and
        own_nonzero_share_hidden of those that are not zero, all shares in [0, 1]; and its notes as own_<name>.
    """
    hidden, right = Hidden(), []
    for name in ("test", *(other for other in splits if other != "test")):  # first, whatever else is drawn
        store = _Masks(name, len(splits[name]), new)
        for chunk, mask, logits in store.hidden(attribute, splits[name], np.arange(len(splits[name]))):
            if name == "test":
                hidden.add(chunk.inputs, mask)
                right.append(_right(logits, chunk))
    return {
        "own_accuracy": torch.cat(right).double().mean().item(),
        "own_share_hidden": hidden.share,
        "own_nonzero_share_hidden": hidden.nonzero_share,
        **noted(attribute),
    }


@torch.no_grad()
def store_crossed(crossed: Sequence[Crossed], train: Split, new: NewMap, seed: tuple[object, ...]) -> None:
    """Stores the masks of training images, each of an explainer that was prepared without the image."""
    store = _Masks("train", len(train), new)
    for number, (attribute, index) in enumerate(crossed):
        with seeded(*seed, "fold", number, "own"), same_weights(attribute.name, attribute.network):
            for _ in store.hidden(attribute, train.take(index), index.numpy()):
                pass


@dataclass
class _Masks:
    """The stored masks of one split, whose shape the first of them tells."""

    name: str
    size: int
    new: NewMap
    stored: RankMap | None = None

    def hidden(
        self, attribute: OwnMasks | Guarded, split: Split, index: Int[np.ndarray, "n"]
    ) -> Iterator[tuple[Split, Tensor, Tensor]]:
        """Stores the masks of a split at some positions, and yields its chunks with their masks and logits."""
        start = 0
        for chunk in split.chunks(CHUNK):
            mask, logits = attribute.hide(chunk.inputs)
            self.stored = self.stored if self.stored is not None else self._map(mask)
            self.stored[index[start : start + len(mask)]] = mask.byte().cpu().numpy()
            start += len(mask)
            yield chunk, mask, logits

    def _map(self, mask: Tensor) -> RankMap:
        return self.new(self.name, (self.size, *mask.shape[1:]), np.uint8)


def noted(attribute: OwnMasks | Guarded) -> dict[str, float]:
    """The notes of an explainer as own_<name>.

    Raises:
        ValueError: a note that is no finite number, or is called like what is measured.
    """
    notes = {}
    for name, value in attribute.notes.items():
        if f"own_{name}" in MEASURED:
            raise ValueError(f"a note must not be called {name}, which is measured; choose another name")
        try:
            notes[f"own_{name}"] = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"note {name} must be a number, got {type(value).__name__} {value!r}") from None
        if not math.isfinite(notes[f"own_{name}"]):
            raise ValueError(f"note {name} must be finite, got {value}")
    return notes


def _right(logits: Tensor, chunk: Split) -> Tensor:
    return logits.argmax(1) == chunk.labels
