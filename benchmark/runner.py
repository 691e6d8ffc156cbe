"""One piece of work at a time: train an original network, rank features, measure a cell."""

import math
import time
from dataclasses import dataclass
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
from datasets.base import Dataset, Split

Metrics = dict[str, float | None]


@dataclass(frozen=True)
class Workplace:
    """Where work is done: the run's folder, the folder of the data, the device ("cpu", "cuda", "cuda:1")."""

    folder: Path
    data_root: Path
    device: str

    @property
    def artefacts(self) -> Artefacts:
        """Files shared between cells."""
        return Artefacts(self.folder / "artefacts")


def load(dataset: PlugIn, data_root: Path, *, seed: int = 0) -> Dataset:
    """The data set a specification names, on the CPU."""
    return build(dataset, "dataset", seed=seed)(data_root)


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
        ranked = rank_splits(network, data.splits, todo)
        for ranking, ranks in zip(todo, ranked.maps, strict=True):
            place.artefacts.save_ranks(ranking, ranks, ranked.own)


def measure(cell: Cell, place: Workplace) -> Outcome:
    """Reduces all splits, retrains where the cell says so, and scores the network after its last epoch."""
    started = time.perf_counter()
    data = _data(cell.training, place)
    masks = {name: _mask(cell, name, split, place) for name, split in data.splits.items()}
    reduced = data.with_inputs({name: _seen(cell, data, name, mask) for name, mask in masks.items()})
    if cell.retrain:
        # Images keep the standardisation of the original; masks have one of their own.
        network = _trained(cell.training, reduced, place, standardise=reduced if cell.probe == "mask" else data)
    else:
        network = _original(cell.training, data, place)
    own = place.artefacts.load_own(cell.ranking) if cell.ranking else {}
    return _outcome(network, reduced, started, place, _shares(data, masks) | own)


def _data(specification: Training, place: Workplace) -> Dataset:
    seeded_data = any(value == SEED for _, value in specification.dataset.parameters)
    return _loaded(specification.dataset, place.data_root, place.device, specification.seed if seeded_data else 0)


def forget_data() -> None:
    """Loads data sets afresh from now on: an explainer that failed may have changed what it was given."""
    _loaded.cache_clear()


@lru_cache(maxsize=2)
def _loaded(dataset: PlugIn, data_root: Path, device: str, seed: int) -> Dataset:
    return load(dataset, data_root, seed=seed).to(device)


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
