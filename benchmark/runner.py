"""One piece of work at a time: train an original network, rank features, measure a cell."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmark import removal, training
from benchmark.artefacts import Artefacts
from benchmark.attribution import rank_splits
from benchmark.classifiers import classifier
from benchmark.plugins import SEED, build
from benchmark.provenance import provenance
from benchmark.randomness import seeded
from benchmark.spec import Cell, PlugIn, Ranking, Training
from benchmark.store import Outcome
from benchmark.tiny import as_products
from datasets.base import Dataset, Split

Metrics = dict[str, float | None]

REPLICAS, STACKED_NUMBERS = 10, 2**27
"""Networks trained side by side, and numbers that their training inputs may be together: half a gigabyte."""


def load(dataset: PlugIn, seed: int, data_root: Path) -> Dataset:
    """The data set a specification names, on the CPU; the seed matters to generated data alone."""
    return build(dataset, "dataset", seed=seed)(data_root)


@dataclass(frozen=True)
class Workplace:
    """Where work is done: the run's folder, the folder of the data, the device ("cpu", "cuda", "cuda:1").

    Attributes:
        load: where data sets come from: files, unless a cluster hands them round.
    """

    folder: Path
    data_root: Path
    device: str
    load: Callable[[PlugIn, int, Path], Dataset] = load

    @property
    def artefacts(self) -> Artefacts:
        """Files shared between cells."""
        return Artefacts(self.folder / "artefacts")


def train_original(original: Training, place: Workplace) -> Outcome:
    """Trains a network on intact inputs, stores its weights and returns the outcome of the intact cell."""
    started = time.perf_counter()
    data = _data(original, place)
    network = _trained(original, data, place)
    outcome = _outcome(network, data, started, place, _shares(data, {}))
    place.artefacts.save_network(original, network)
    return outcome


def rank(rankings: tuple[Ranking, ...], place: Workplace) -> None:
    """Stores the rank maps of rankings that share one pass.

    Raises:
        Skip: the explainer does not apply.
    """
    todo = [ranking for ranking in rankings if not place.artefacts.has_ranks(ranking)]
    if todo:
        data = _data(todo[0].training, place)
        network = _original(todo[0].training, data, place)
        with as_products(network):
            ranked = rank_splits(network, data.splits, todo)
        for ranking, ranks in zip(todo, ranked.maps, strict=True):
            place.artefacts.save_ranks(ranking, ranks, ranked.own)


def measure(cell: Cell, place: Workplace) -> Outcome:
    """Reduces all splits, retrains where the cell says so, and scores the network after its last epoch."""
    started = time.perf_counter()
    data = _data(cell.training, place)
    reduced, metrics = _reduced(cell, data, place)
    if cell.retrain:
        # Images keep the standardisation of the original; masks have one of their own.
        network = _trained(cell.training, reduced, place, standardise=reduced if cell.probe == "mask" else data)
    else:
        network = _original(cell.training, data, place)
    return _outcome(network, reduced, started, place, metrics)


def measure_together(cells: Sequence[Cell], place: Workplace) -> list[Outcome]:
    """The same for cells of one bundle whose networks stack; each outcome is the one the cell has alone."""
    started = time.perf_counter()
    specification = cells[0].training
    data = _data(specification, place)
    reduced = [_reduced(cell, data, place) for cell in cells]
    network = _fresh(specification, data, place)
    inputs = torch.stack([part.train.inputs for part, _ in reduced])
    with seeded("training", *specification.pairing()):
        stack = training.train_stack(
            network, inputs, data.train.labels, specification.recipe, pairing=specification.pairing()
        )
    outcomes = []
    for replica, (part, metrics) in enumerate(reduced):
        stack.copy_to(network, replica)
        outcomes.append(_outcome(network, part, started, place, metrics))
    share = (time.perf_counter() - started) / len(cells)
    return [replace(outcome, seconds=share) for outcome in outcomes]


def num_replicas(specification: Training, place: Workplace) -> int:
    """How many networks of a training are worth training side by side; 1 where they do not stack.

    The driver asks; it may have no GPU where its workers have one.
    """
    place = replace(place, device="cpu")
    data = _data(specification, place)
    if not training.stacks(_fresh(specification, data, place), data.train, specification.recipe):
        return 1
    return max(1, min(REPLICAS, STACKED_NUMBERS // data.train.inputs.numel()))


def data_of(specification: Training) -> tuple[PlugIn, int]:
    """Data set and seed to load; 0 for real data, which are the same under every seed."""
    seeded_data = any(value == SEED for _, value in specification.dataset.parameters)
    return specification.dataset, specification.seed if seeded_data else 0


def _data(specification: Training, place: Workplace) -> Dataset:
    return _loaded(*data_of(specification), place.load, place.data_root, place.device)


def forget_data() -> None:
    """Loads data sets afresh from now on: an explainer that failed may have changed what it was given."""
    _loaded.cache_clear()


@lru_cache(maxsize=2)
def _loaded(dataset: PlugIn, seed: int, load: Callable[..., Dataset], data_root: Path, device: str) -> Dataset:
    return load(dataset, seed, data_root).to(device)


def _reduced(cell: Cell, data: Dataset, place: Workplace) -> tuple[Dataset, Metrics]:
    """What the network of a cell sees, the share that was removed, and what the explainer's own masks achieve."""
    masks = {name: _mask(cell, name, split, place) for name, split in data.splits.items()}
    reduced = data.with_inputs({name: _seen(cell, data, name, mask) for name, mask in masks.items()})
    return reduced, _shares(data, masks) | (place.artefacts.load_own(cell.ranking) if cell.ranking else {})


def _mask(cell: Cell, name: str, split: Split, place: Workplace) -> Tensor:
    """Kept units of one split (True = kept)."""
    if cell.ranking is None or not len(split):
        return torch.zeros_like(split.inputs[:, :1], dtype=torch.bool)  # everything goes
    ranks = place.artefacts.load_ranks(cell.ranking, name).to(place.device)
    return removal.kept(ranks, removal_fraction=cell.removal_fraction, order=cell.order)


def _seen(cell: Cell, data: Dataset, name: str, mask: Tensor) -> Tensor:
    """What the network of a cell sees of one split: reduced images, or the mask alone."""
    if cell.fill is None:
        return mask.float()  # a mask probe
    train_mean = removal.training_mean(data.train.inputs)
    return removal.remove(data.splits[name].inputs, mask, build(cell.fill, "fill"), train_mean)


def _trained(
    specification: Training, data: Dataset, place: Workplace, *, standardise: Dataset | None = None
) -> nn.Module:
    """A network trained from scratch; weights and batches are the same for all cells of a seed."""
    network = _fresh(specification, standardise or data, place)
    with seeded("training", *specification.pairing()):
        training.train(network, data.train, specification.recipe, pairing=specification.pairing())
    return network


def _original(specification: Training, data: Dataset, place: Workplace) -> nn.Module:
    network = _fresh(specification, data, place)
    place.artefacts.load_network(specification, network)
    return network.eval()


def _fresh(specification: Training, data: Dataset, place: Workplace) -> nn.Module:
    with seeded("weights", *specification.pairing()):
        return classifier(specification.classifier, data.train.inputs, data.num_classes).to(place.device)


def _shares(data: Dataset, masks: dict[str, Tensor]) -> Metrics:
    """Share of all features of the test split that was removed, and of those that are not zero.

    Where most pixels are black (81 % of MNIST), hiding those is free; the second number does not count them.
    """
    inputs = data.test.inputs
    removed = ~masks["test"].expand_as(inputs) if masks else torch.zeros_like(inputs, dtype=torch.bool)
    lit = inputs != 0
    return {
        "share_removed": removed.double().mean().item(),
        "nonzero_share_removed": removed[lit].double().mean().item() if lit.any() else None,
    }


def _outcome(network: nn.Module, data: Dataset, started: float, place: Workplace, metrics: Metrics) -> Outcome:
    """Scores every split and adds the scores to the metrics."""
    for name, split in data.splits.items():
        found = training.score(network, split)
        if len(split) and not math.isfinite(found.loss):
            raise ValueError(f"training diverged: the {name} loss is {found.loss}; lower recipe.learning_rate")
        metrics[f"{name}_accuracy"] = found.accuracy if len(split) else None
        metrics[f"{name}_loss"] = found.loss if len(split) else None
    return Outcome("done", metrics, "", time.perf_counter() - started, provenance(place.device))
