"""What the network of a cell sees: splits without the features that go, in memory or whenever they are read."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from roarbench.benchmark.matrix.plugins import build, redraws
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.randomness import generator, normal
from roarbench.benchmark.removal import ranks as removal
from roarbench.benchmark.results.artefacts import Artefacts
from roarbench.datasets.base import Change, Dataset, Split, chunk_size
from roarbench.datasets.stream import streamed

RANDOM_MASKS = 256
"""Random masks whose statistics standardise masks."""


@runtime_checkable
class Masks(Protocol):
    """Positions of examples -> kept units (True = kept), on a device."""

    def __call__(self, index: Int[Tensor, "b"], device: torch.device | str = "cpu") -> Bool[Tensor, "b *unit"]: ...


MasksOf = Callable[[str, Split], Masks]
"""Name and examples of a split -> its masks."""


def reduced(cell: Cell, data: Dataset, artefacts: Artefacts) -> Dataset:
    """The data set as the network of a cell sees it: images without what was removed, or the masks alone.

    A stream is reduced as it is read, before anything that training does with a batch.
    """
    return reduced_by(cell, data, lambda name, split: masks(cell, name, split, artefacts))


def reduced_by(cell: Cell, data: Dataset, masks_of: MasksOf) -> Dataset:
    """The same with masks from anywhere: those of each split."""
    return data.each(lambda name, split: _seen(cell, data, name, split, masks_of(name, split)))


def redrawn(cell: Cell, data: Dataset, seen: Dataset) -> Dataset:
    """What a network is trained on: what it sees, unless its explainer wants other random masks at every read.

    They are drawn from the global generator, hence in the process that trains: processes of a loader have others.

    Args:
        data: intact.
        seen: as `reduced`, which is what is scored.
    """
    ranking = cell.ranking
    if ranking is None or cell.fill is None or not redraws(ranking.explainer):
        return seen
    if cell.training.recipe.optimiser == "least_squares":
        return seen  # it has no epochs
    units = _units(cell, data.train)

    def kept(index: Int[Tensor, "b"], device: torch.device | str = "cpu") -> Bool[Tensor, "b *unit"]:
        ties = torch.zeros(len(index), *units)
        ranks = removal.rank(ties, unit=ranking.unit, magnitude=True, generator=torch.default_generator)
        return removal.kept(ranks, removal_fraction=cell.removal_fraction, order=cell.order).to(device)

    return replace(seen, train=streamed(data.train).mapped(_removal(cell, data, "train", kept)))


def masks(cell: Cell, name: str, split: Split, artefacts: Artefacts) -> Masks:
    """The masks of a cell on one split."""
    ranking = cell.ranking
    if ranking is None or not len(split):
        units = _units(cell, split)
        return lambda index, device="cpu": torch.zeros(len(index), *units, dtype=torch.bool, device=device)
    if cell.probe == "own_mask":
        stored = artefacts.load_own_masks(ranking, name)
        return lambda index, device="cpu": torch.from_numpy(stored[index.numpy()]).bool().to(device)
    ranks = artefacts.load_ranks(ranking, name)

    def kept(index: Int[Tensor, "b"], device: torch.device | str = "cpu") -> Bool[Tensor, "b *unit"]:
        found = torch.from_numpy(ranks[index.numpy()].astype("int32")).to(device)
        return removal.kept(found, removal_fraction=cell.removal_fraction, order=cell.order)

    return kept


def shares(test: Split, masks: Masks | None) -> dict[str, float | None]:
    """Share of all features of the test split that was removed, and of those that are not zero.

    Where most pixels are black (81 % of MNIST), hiding those is free; the second number does not count them.

    Args:
        masks: of the test split; None where nothing is removed.
    """
    hidden, seen = removal.Hidden(), 0
    for chunk in test.chunks():
        index = torch.arange(seen, seen + len(chunk))
        mask = masks(index, chunk.inputs.device) if masks else torch.ones_like(chunk.inputs, dtype=torch.bool)
        hidden.add(chunk.inputs, mask)
        seen += len(chunk)
    return {"share_removed": hidden.share, "nonzero_share_removed": hidden.nonzero_share}


def _seen(cell: Cell, data: Dataset, name: str, split: Split, masks: Masks) -> Split:
    if not cell.retrain and name == "train":
        return split.take(torch.arange(0))  # nothing is trained: nobody looks at them
    if cell.fill is None:
        return split.showing(lambda index: masks(index).float(), _units(cell, split))  # a mask probe
    return split.mapped(_removal(cell, data, name, masks))


def _removal(cell: Cell, data: Dataset, name: str, masks: Masks) -> Change:
    """What removes features from examples of a split, as many at a time as networks see."""
    fill, train_mean = build(cell.fill, "fill"), data.train.statistics.mean  # type: ignore[arg-type]

    def change(inputs: Float[Tensor, "b *feature"], index: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
        changed, size = torch.empty_like(inputs), chunk_size(inputs.shape[1:])
        for some, at, into in zip(inputs.split(size), index.split(size), changed.split(size), strict=True):
            drawn = partial(normal, some, at, "fill", cell.training.seed, name)
            into.copy_(removal.remove(some, masks(at, some.device), fill, train_mean, drawn))
        return changed

    return change


def _units(cell: Cell, split: Split) -> tuple[int, ...]:
    return removal.unit_shape(split.feature_shape, cell.ranking.unit if cell.ranking else "pixel")


def random_masks(cell: Cell, split: Split) -> Split:
    """Masks of random rankings as the probe of a cell sees them: what the masks of all explainers have in common."""
    draws = torch.rand(RANDOM_MASKS, *_units(cell, split), generator=generator("masks"))
    ranks = removal.rank(draws, unit="feature", magnitude=True, generator=generator("ties"))
    kept = removal.kept(ranks, removal_fraction=cell.removal_fraction, order=cell.order)
    device = split.labels.device
    return Split(kept.float().to(device), torch.zeros(RANDOM_MASKS, dtype=torch.int64, device=device))
