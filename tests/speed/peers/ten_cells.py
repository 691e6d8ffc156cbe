"""Ten cells of a ROAR table, as both sides are given them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn

from roarbench.benchmark.attribution.rankings import attributed
from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.networks import fresh_network, original_network
from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.recipe import Precision, Recipe
from roarbench.benchmark.matrix.spec import Cell, Original, Ranking, key
from roarbench.benchmark.networks.tiny import as_products
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.results.store import Store
from roarbench.datasets.base import Dataset, Split
from tests.speed.peers.plain_loop import Examples, Table
from tests.speed.peers.subject import Site


@dataclass(frozen=True)
class TenCells:
    """A matrix of two explainers at five removal fractions, and a place where network and rank maps are stored."""

    place: Workplace
    matrix: Matrix

    @cached_property
    def cells(self) -> list[Cell]:
        """All but that of the original network."""
        return [cell for cell in plan.cells(self.matrix) if cell.ranking]

    @property
    def training(self) -> Original:
        """What all cells share."""
        return self.cells[0].training

    @property
    def data(self) -> Dataset:
        """On the device."""
        return data_for(self.training, self.place)

    @property
    def rankings(self) -> dict[str, Ranking]:
        """Explainer -> ranking."""
        return {cell.ranking.explainer.text: cell.ranking for cell in self.cells if cell.ranking}

    @property
    def splits(self) -> dict[str, Split]:
        """Splits that are masked."""
        return {"train": self.data.train, "test": self.data.test}

    @cached_property
    def arrays(self) -> dict[str, Examples]:
        """The splits as the plain loop has them."""
        return {name: (one.inputs.cpu().numpy(), one.labels.cpu().numpy()) for name, one in self.splits.items()}

    @cached_property
    def maps(self) -> dict[str, dict[str, np.ndarray]]:
        """Explainer -> split -> magnitudes `(n, h, w)` behind the stored ranks."""
        network = original_network(self.training, self.data, self.place)
        with as_products(network):
            signed = {name: attributed(network, self.splits, ranking) for name, ranking in self.rankings.items()}
        return {name: {split: of_pixels(maps) for split, maps in of.items()} for name, of in signed.items()}

    def fresh(self) -> nn.Module:
        """The untrained network with which every cell begins."""
        return fresh_network(self.training, self.data, self.place)

    def orders(self) -> Iterator[Tensor]:
        """Order of the training examples in each epoch: that of every cell of a seed."""
        order = generator("batches", *self.training.pairing())
        return (torch.randperm(len(self.data.train), generator=order) for _ in range(self.training.recipe.epochs))

    @cached_property
    def _numbers(self) -> Iterator[int]:
        return count()

    def folder(self) -> Path:
        """A new one."""
        return self.place.folder / f"run-{next(self._numbers)}"

    def accuracies(self, store: Store) -> Table:
        """What a store holds of the cells."""
        outcomes = {row.key: row.outcome for row in store.rows()}
        return {name(cell): outcomes[key(cell)].metrics["test_accuracy"] for cell in self.cells}  # type: ignore[misc, union-attr]


def name(cell: Cell) -> tuple[str, float]:
    """Explainer and removal fraction."""
    assert cell.ranking
    return cell.ranking.explainer.text, cell.removal_fraction


def of_pixels(maps: np.ndarray) -> np.ndarray:
    """Magnitudes of pixels `(n, h, w)` from maps `(n, c, h, w)`."""
    return np.abs(maps).sum(1)


@contextlib.contextmanager
def ten_cells(site: Site, dataset: str, classifier: str, recipe: Recipe, precision: Precision) -> Iterator[TenCells]:
    """Two explainers at five removal fractions, one seed; the original network is trained and the images ranked."""
    matrix = Matrix(
        datasets=(dataset,), classifiers=(classifier,), explainers=("gradient", "smoothgrad"), seeds=1,
        fractions=(0.1, 0.3, 0.5, 0.7, 0.9), orders=("morf",), evaluator=False, unretrained_fills=(),
        mask_fractions=(), measures=(), recipe=replace(recipe, schedule="constant", precision=precision),
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        given = TenCells(Workplace(Path(folder), site.data_root, site.device), matrix)
        runner.train_original(given.training, given.place)
        for ranking in given.rankings.values():
            runner.rank((ranking,), given.place)
        yield given
