"""What the network of a cell sees: splits without the features that go, in memory or whenever they are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from roarbench.benchmark.matrix.plugins import build, redraws
from roarbench.benchmark.matrix.spec import Cell, Unit
from roarbench.benchmark.matrix.units import mask_shape, unit_shape
from roarbench.benchmark.randomness import generator, normal
from roarbench.benchmark.removal import ranks as removal
from roarbench.benchmark.results.artefacts import Artefacts
from roarbench.benchmark.results.shards import RankMap
from roarbench.datasets.base import Dataset, Split, chunk_size
from roarbench.datasets.stream import streamed
from roarbench.hns.random_masks import derangement, random_masks
from roarbench.methods.base import Skip

RANDOM_MASKS = 256
"""Random masks whose statistics standardise masks."""


@dataclass(frozen=True, eq=False)
class Reduction:
    """What a cell leaves of the examples of one split: (inputs, their positions in the split) -> what is seen of them.

    Attributes:
        name: of the split, which the random numbers of fills depend on.
        feature_shape: shape of one example.
        mean: of the intact training inputs, `(c, 1, 1)` per channel or `(d,)` per feature; None without a fill.
        stored: ranks of all examples, or their masks: those that the explainer chose, or bool; None removes everything.
    """

    cell: Cell
    name: str
    feature_shape: tuple[int, ...]
    mean: Float[Tensor, "*channel"] | None
    stored: RankMap | None

    @property
    def units(self) -> tuple[int, ...]:
        """Shape of the units of one example."""
        return unit_shape(self.feature_shape, _unit(self.cell))

    def masks(self, index: Int[Tensor, "b"], device: torch.device | str = "cpu") -> Bool[Tensor, "b *mask"]:
        """What is kept (True) of the examples at some positions."""
        return removal.spread(self.kept(index, device), self.feature_shape)

    def kept(self, index: Int[Tensor, "b"], device: torch.device | str) -> Bool[Tensor, "b *unit"]:
        """Units that are kept (True)."""
        if self.stored is None:
            return torch.zeros(len(index), *self.units, dtype=torch.bool, device=device)
        rows = self.stored[index.cpu().numpy()]
        if self.cell.probe == "own_mask" or rows.dtype == np.bool_:
            return torch.from_numpy(rows).bool().to(device)
        ranks = torch.from_numpy(rows.astype("int32")).to(device)
        return removal.kept(ranks, removal_fraction=self.cell.removal_fraction, order=self.cell.order)

    def __call__(self, inputs: Float[Tensor, "b *feature"], index: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
        """Inputs without what is removed, as many at a time as networks see."""
        assert self.cell.fill is not None and self.mean is not None  # a probe of masks is never called
        fill = build(self.cell.fill, "fill")
        outputs, size = torch.empty_like(inputs), chunk_size(inputs.shape[1:])
        for some, at, into in zip(inputs.split(size), index.split(size), outputs.split(size), strict=True):
            noise = partial(normal, some, at, "fill", self.cell.training.seed, self.name)
            into.copy_(removal.remove(some, self.masks(at, some.device), fill, self.mean, noise))
        return outputs

    def of(self, split: Split) -> Split:
        """The split as the network sees it: images without what was removed, or the masks alone."""
        if not self.cell.retrain and self.name != "test":
            return split.take(torch.arange(0))  # nothing is trained: nobody looks at them
        if self.cell.fill is None:
            return split.showing(
                lambda index: self.masks(index).float(), mask_shape(self.feature_shape, _unit(self.cell))
            )
        return split.mapped(self)


class Redrawn(Reduction):
    """A reduction whose masks are drawn anew at every read, from the global generator of the process that trains."""

    def kept(self, index: Int[Tensor, "b"], device: torch.device | str) -> Bool[Tensor, "b *unit"]:
        """Units that random ranks keep."""
        ties = torch.zeros(len(index), *self.units)
        ranks = removal.rank(ties, unit="feature", magnitude=True, generator=torch.default_generator)
        return removal.kept(ranks, removal_fraction=self.cell.removal_fraction, order=self.cell.order).to(device)


class Scattered(Reduction):
    """A reduction behind random masks, drawn anew at every read: what a shared evaluator is trained on."""

    def kept(self, index: Int[Tensor, "b"], device: torch.device | str) -> Bool[Tensor, "b *unit"]:
        """Masks of random shares."""
        assert self.cell.evaluator
        return random_masks(len(index), self.units, blobs=self.cell.evaluator.blobs).to(device)


@dataclass(frozen=True, eq=False)
class Foreign(Reduction):
    """A reduction by which images are seen behind the masks of other images.

    Attributes:
        givers: positions of images -> of those whose masks they are seen behind.
    """

    givers: Callable[[Int[Tensor, "b"]], Int[Tensor, "b"]] = field(kw_only=True)

    @classmethod
    def like(cls, own: Reduction, givers: Callable[[Int[Tensor, "b"]], Int[Tensor, "b"]]) -> "Foreign":
        """The same reduction, but for whose masks it takes."""
        return cls(own.cell, own.name, own.feature_shape, own.mean, own.stored, givers=givers)

    def kept(self, index: Int[Tensor, "b"], device: torch.device | str) -> Bool[Tensor, "b *unit"]:
        """Units that the masks of other images keep."""
        return super().kept(self.givers(index), device)


def reduction(cell: Cell, name: str, data: Dataset, stored: Mapping[str, RankMap]) -> Reduction:
    """The reduction of one split of an intact data set."""
    mean = data.train.statistics.mean if cell.fill else None
    own = Reduction(cell, name, data.feature_shape, mean, stored.get(name))
    return _foreign(own, len(data.train)) if cell.probe == "foreign" and name == "train" else own


def reduced(cell: Cell, data: Dataset, stored: Mapping[str, RankMap]) -> Dataset:
    """The data set as the network of a cell sees it.

    A stream is reduced as it is read, before anything that training does with a batch.

    Args:
        stored: split name -> ranks, or masks, of its examples, as `Reduction.stored`.
    """
    parts = (reduction(cell, name, data, stored).of(split) for name, split in data.splits.items())
    train, validation, test = parts
    return replace(data, train=train, validation=validation, test=test)


def scattered(cell: Cell, data: Dataset) -> Dataset:
    """What a shared evaluator is trained on: intact data, behind random masks.

    Raises:
        Skip: the recipe has no epochs, hence no masks that change.
    """
    if cell.training.recipe.optimiser == "least_squares":
        raise Skip("a shared evaluator needs a recipe with epochs, got least_squares")
    change = Scattered(cell, "train", data.feature_shape, data.train.statistics.mean, None)
    return replace(data, train=streamed(data.train).mapped(change))


def _foreign(own: Reduction, num_examples: int) -> Foreign:
    """The reduction of a training split whose examples each keep the mask of one other, the same in all epochs.

    So it differs from that of ROAR in whose mask an example has, and in nothing else.
    """
    giver = derangement(num_examples, generator("foreign", *own.cell.training.pairing()))
    return Foreign.like(own, lambda at: giver[at.cpu()])


def redrawn(cell: Cell, data: Dataset, seen: Dataset) -> Dataset:
    """What a network is trained on: what it sees, unless its explainer wants other random masks at every read.

    Args:
        data: intact.
        seen: as `reduced`, which is what is scored.
    """
    ranking = cell.ranking
    if ranking is None or cell.fill is None or not redraws(ranking.explainer):
        return seen
    if cell.training.recipe.optimiser == "least_squares":
        return seen  # it has no epochs
    change = Redrawn(cell, "train", data.feature_shape, data.train.statistics.mean, None)
    return replace(seen, train=streamed(data.train).mapped(change))


def stored(cell: Cell, splits: Mapping[str, Split], artefacts: Artefacts) -> dict[str, RankMap]:
    """What a cell compares: ranks by split, or masks that the explainer chose; nothing where nothing is ranked."""
    if cell.ranking is None:
        return {}
    load = artefacts.load_own_masks if cell.probe == "own_mask" else artefacts.load_ranks
    return {name: load(cell.ranking, name) for name, split in splits.items() if len(split)}


def shares(cell: Cell | None, data: Dataset, stored: Mapping[str, RankMap]) -> dict[str, float | None]:
    """Share of all features of the test split that was removed, and of those that are not zero.

    Where most pixels are black (81 % of MNIST), hiding those is free; the second number does not count them.

    Args:
        cell: None where nothing is removed.
        stored: split name -> ranks, or masks, of its examples.
    """
    hidden, position = removal.Hidden(), 0
    of_test = reduction(cell, "test", data, stored) if cell else None
    for chunk in data.test.chunks():
        index = torch.arange(position, position + len(chunk))
        nothing = torch.ones_like(chunk.inputs, dtype=torch.bool)
        hidden.add(chunk.inputs, of_test.masks(index, chunk.inputs.device) if of_test else nothing)
        position += len(chunk)
    return {"share_removed": hidden.share, "nonzero_share_removed": hidden.nonzero_share}


def masks_at_random(cell: Cell, split: Split) -> Split:
    """Masks of random rankings as the probe of a cell sees them: what the masks of all explainers have in common."""
    units = unit_shape(split.feature_shape, _unit(cell))
    draws = torch.rand(RANDOM_MASKS, *units, generator=generator("masks"))
    ranks = removal.rank(draws, unit="feature", magnitude=True, generator=generator("ties"))
    kept = removal.kept(ranks, removal_fraction=cell.removal_fraction, order=cell.order)
    masks, device = removal.spread(kept, split.feature_shape), split.labels.device
    return Split(masks.float().to(device), torch.zeros(RANDOM_MASKS, dtype=torch.int64, device=device))


def _unit(cell: Cell) -> Unit:
    kind = cell.ranking or cell.evaluator
    return kind.unit if kind else "pixel"
