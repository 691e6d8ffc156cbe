"""Attributions of a whole split in fixed chunks, turned into rank maps at once; raw attributions are never kept."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.benchmark.attribution.fitting import Fitting
from roarbench.benchmark.attribution.guard import Guarded, same_weights, untouched
from roarbench.benchmark.matrix.plugins import build
from roarbench.benchmark.matrix.spec import Ranking, key
from roarbench.benchmark.matrix.units import unit_shape
from roarbench.benchmark.randomness import generator, seeded
from roarbench.benchmark.removal.ranks import rank
from roarbench.benchmark.results.artefacts import rank_dtype
from roarbench.benchmark.results.shards import NewMap, RankMap
from roarbench.datasets.base import Split, chunk_size
from roarbench.methods.adapting import shaped
from roarbench.methods.base import AttributionFunction, ByPosition, Explainer, OwnMasks, reduced, source_of

Seed = tuple[object, ...]

CHUNK = 256
"""Chunks are at most 256 examples and 4 million features. Part of the protocol: random draws depend on them.

Examples go into chunks in a fixed random order. Some explainers draw random numbers once for a batch; with data sorted
by class their noise would differ from class to class, and tell it to a network retrained on the result.
"""


@dataclass(frozen=True, eq=False)
class Held:
    """Training images of one fold, and the network that explains them.

    Attributes:
        train: what the network was trained on: the other folds.
        index: positions of the images in the whole training split.
    """

    network: nn.Module
    train: Split
    index: Int[Tensor, "h"]


Crossed = tuple[Guarded, Int[Tensor, "h"]]
"""An explainer that was prepared without a fold, and the positions of the training images in it."""


@dataclass(frozen=True)
class Ranked:
    """What came out of one pass.

    Attributes:
        maps: for each ranking: split name -> unsigned integers `(n, *unit)`, as arrays or where they were asked for.
        attribute: what made the pass, or all of it but the training images where these were held out.
        seed: what its random numbers derive from.
        crossed: what explained held out images, fold by fold, if it has masks of its own; others are not kept.
    """

    maps: list[dict[str, Any]]
    attribute: Guarded
    seed: Seed
    crossed: tuple[Crossed, ...] = ()


def _array(name: str, shape: tuple[int, ...], dtype: type[np.unsignedinteger]) -> np.ndarray:
    return np.empty(shape, dtype)


def rank_splits(
    network: nn.Module,
    splits: Mapping[str, Split],
    rankings: Sequence[Ranking],
    new: Sequence[NewMap] = (),
    *,
    only: Sequence[str] = (),
    held: Iterable[Held] | None = None,
) -> Ranked:
    """Rank maps, split by split, of rankings that share one pass: one training, one target, one source.

    Args:
        network: the trained classifier, in eval mode, on the device of the splits.
        splits: "train" and any others; explainers are prepared with "train".
        new: for each ranking, what makes its maps; arrays in memory without.
        only: splits that are ranked; all of them without.
        held: the folds of "train", each explained by a network that was trained on the others; without, `network`
            explains all splits.

    Raises:
        Skip: the explainer does not apply.
        ValueError: attributions of the wrong shape or not finite, an explainer that changed the training split.
    """
    explainers = [build(ranking.explainer, "explainer") for ranking in rankings]
    source, name = source_of(explainers[0]), rankings[0].explainer.text
    seed = ("attribution", key(rankings[0].training), repr(source))
    with _prepared(source, name, network, splits["train"], seed) as attribute:
        ranked = {name: splits[name] for name in only or splits}
        maps = [{name: _new_map(r, name, s, make) for name, s in ranked.items()} for r, make in _makers(rankings, new)]
        crossed: list[Crossed] = []
        for split_name, split in ranked.items():
            rankers = [
                _Ranker(ranking, explainer, _ties(ranking, split_name), ranks[split_name])
                for ranking, explainer, ranks in zip(rankings, explainers, maps, strict=True)
            ]
            if split_name == "train" and held is not None:
                crossed += _cross(source, name, held, split, rankers, seed)
            else:
                _explain(attribute, split, split_name, torch.arange(len(split)), rankers, (*seed, split_name))
    return Ranked(maps, attribute, seed, tuple(crossed))


def attributed(network: nn.Module, splits: Mapping[str, Split], ranking: Ranking) -> dict[str, np.ndarray]:
    """The attributions behind the rank maps of a ranking, signed, in the order of each split: float32 `(n, *feature)`.

    Raises:
        Skip: the explainer does not apply.
        ValueError: see `rank_splits`.
    """
    explainer = build(ranking.explainer, "explainer")
    source, name = source_of(explainer), ranking.explainer.text
    seed = ("attribution", key(ranking.training), repr(source))
    maps = {name: np.empty(tuple(split.inputs.shape), np.float32) for name, split in splits.items()}
    with _prepared(source, name, network, splits["train"], seed) as attribute:
        for split_name, split in splits.items():
            collector = _Collector(ranking, explainer, maps[split_name])
            _explain(attribute, split, split_name, torch.arange(len(split)), [collector], (*seed, split_name))
    return maps


def _cross(
    source: Explainer, name: str, held: Iterable[Held], train: Split, rankers: "list[_Ranker]", seed: Seed
) -> Iterator[Crossed]:
    """Ranks training images fold by fold, each with an explainer that was prepared without it.

    Yields:
        Explainers with masks of their own.
    """
    for number, fold in enumerate(held):
        of_fold = (*seed, "fold", number)
        with _prepared(source, name, fold.network, fold.train, of_fold) as attribute:
            _explain(attribute, train, "train", fold.index, rankers, (*of_fold, "train"))
        if isinstance(attribute.attribute, OwnMasks):
            yield attribute, fold.index


@contextmanager
def _prepared(source: Explainer, name: str, network: nn.Module, train: Split, seed: Seed) -> Iterator[Guarded]:
    """The attribution function of an explainer, which must not change the training split before the block ends."""
    before = train.stamp
    with seeded(*seed, "prepare"):
        attribute = prepared(source, name, network, train)
    require_same(train, before, name)
    yield attribute
    require_same(train, before, name)


def _explain(
    attribute: Guarded,
    split: Split,
    name: str,
    index: Int[Tensor, "m"],
    rankers: "Sequence[_Ranker | _Collector]",
    seed: Seed,
) -> None:
    """Ranks the examples at some positions of a split, in a fixed random order."""
    order, position = index[torch.randperm(len(index), generator=generator("chunks", len(index)))], 0
    with seeded(*seed), same_weights(attribute.name, attribute.network):
        for inputs, attributions in _attributions(attribute, split, name, order, rankers[0].ranking.target):
            positions = order[position : position + len(inputs)].numpy()
            position += len(inputs)
            for ranker in rankers:
                ranker.add(positions, inputs, attributions)


def _ties(ranking: Ranking, split_name: str) -> torch.Generator:
    """What decides ties: the same with folds and without, so that maps of held out splits are, too."""
    return generator("ties", key(replace(ranking, folds=None)), split_name)


def prepared(source: Explainer, name: str, network: nn.Module, train: Split) -> Guarded:
    """The attribution function of an explainer, which may change neither classifier nor process.

    Raises:
        Skip: the explainer does not apply.
        ValueError: it changed something.
    """
    with untouched(name, network), same_weights(name, network):
        attribute = source.prepare(network, train)
    if not callable(attribute):
        raise ValueError(
            f"{name}: prepare must return a function of inputs and targets, got {type(attribute).__name__}"
        )
    return Guarded(attribute, name, network)


def require_same(train: Split, stamp: tuple[float, ...], name: str) -> None:
    """Raises ValueError where an explainer changed the training split."""
    if train.stamp != stamp:
        raise ValueError(f"{name} must not change the training split; work on a copy: train.inputs.clone()")


@dataclass
class _Ranker:
    """Collects the ranks of one ranking on one split, chunk by chunk."""

    ranking: Ranking
    explainer: Explainer
    ties: torch.Generator
    ranks: RankMap

    def add(self, index: Int[np.ndarray, "b"], inputs: Tensor, passed: Tensor) -> None:
        """Ranks the examples at some positions of the split."""
        ranking = self.ranking
        attributions = shaped(reduced(self.explainer, passed), inputs, ranking.explainer.text, ranking.unit)
        ranks = rank(attributions, unit=ranking.unit, magnitude=ranking.magnitude, generator=self.ties)
        self.ranks[index] = ranks.cpu().numpy().astype(rank_dtype(ranks[0].numel()))


@dataclass
class _Collector:
    """Keeps the attributions of one ranking on one split, chunk by chunk."""

    ranking: Ranking
    explainer: Explainer
    maps: np.ndarray

    def add(self, index: Int[np.ndarray, "b"], inputs: Tensor, passed: Tensor) -> None:
        """Stores what is said of the examples at some positions of the split."""
        name, unit = self.ranking.explainer.text, self.ranking.unit
        self.maps[index] = shaped(reduced(self.explainer, passed), inputs, name, unit).cpu().numpy()


def _makers(rankings: Sequence[Ranking], new: Sequence[NewMap]) -> Iterable[tuple[Ranking, NewMap]]:
    return zip(rankings, new or [_array] * len(rankings), strict=True)


def _new_map(ranking: Ranking, name: str, split: Split, make: NewMap) -> RankMap:
    units = unit_shape(split.feature_shape, ranking.unit)
    return make(name, (len(split), *units), rank_dtype(math.prod(units)))


def _attributions(
    attribute: Guarded, split: Split, name: str, order: Int[Tensor, "m"], target: str
) -> Iterator[tuple[Float[Tensor, "b *feature"], Tensor]]:
    """Inputs of some examples in their order, chunk by chunk, and what the source says of them."""
    if not isinstance(attribute.attribute, ByPosition):
        yield from _passes(attribute, attribute.network, split.take(order), target)
        return
    if not len(order):
        return  # a validation split may be empty
    for chunk, index in zip(
        split.take(order).chunks(CHUNK), order.split(chunk_size(split.feature_shape, CHUNK)), strict=True
    ):
        yield chunk.inputs, attribute.at(name, index, chunk.inputs.device)


def _passes(
    attribute: AttributionFunction, network: nn.Module, split: Split, target: str
) -> Iterator[tuple[Float[Tensor, "b *feature"], Tensor]]:
    """Inputs of each chunk, in parts where the device holds no whole one, and what the source makes of them."""
    fitting = Fitting(attribute)
    for chunk in split.chunks(CHUNK):
        with torch.no_grad():
            targets = chunk.labels if target == "label" else network(chunk.inputs).argmax(1)
        yield from fitting(chunk.inputs, targets)
