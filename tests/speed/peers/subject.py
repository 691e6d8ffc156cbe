"""What both sides of a comparison are given: data, a trained network, and the order in which its pixels go."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.networks import original_network
from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell, Order, Original, Ranking, Unit
from roarbench.benchmark.networks.precision import settled
from roarbench.benchmark.removal.reduction import reduction, stored
from roarbench.datasets.base import Dataset
from tests.speed.timing import Ratio

RECIPE = Recipe(epochs=1, batch_size=64, learning_rate=2e-3, schedule="constant")


@dataclass(frozen=True)
class Site:
    """Where comparisons run.

    Attributes:
        turns: of both sides, that are counted.
    """

    data_root: Path
    device: str = "cpu"
    turns: int = 5


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        gap: how far the results of the two sides are apart, in words.
    """

    work: str
    peer: str
    gap: str
    ratio: Ratio

    def __str__(self) -> str:
        """A line of a Markdown table."""
        found = self.ratio
        spread = f"{_short(found.plain / found.ours)} ({_short(found.low)} to {_short(found.high)})"
        return f"| {self.work} | {self.peer} | {self.gap} | {found.plain:.3f} | {found.ours:.3f} | {spread} |"


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}"


@dataclass(frozen=True)
class Subject:
    """A network that was trained and explained.

    Attributes:
        place: where weights and rank maps are stored.
        ranking: by which its pixels go.
    """

    place: Workplace
    ranking: Ranking

    @cached_property
    def data(self) -> Dataset:
        """On the device."""
        return data_for(self.ranking.training, self.place)

    @cached_property
    def network(self) -> nn.Module:
        """In eval mode."""
        return original_network(self.ranking.training, self.data, self.place)

    @cached_property
    def classes(self) -> np.ndarray:
        """Predicted for the intact test images, int64 `(n,)`."""
        with torch.no_grad():
            return self.network(self.data.test.inputs).argmax(1).cpu().numpy()

    @cached_property
    def maps(self) -> np.ndarray:
        """Maps of the test images whose values follow the ranks, float32 `(n, *unit)`: no two of them are equal."""
        ranks = self.place.artefacts.load_ranks(self.ranking, "test")[np.arange(len(self.data.test))]
        return ranks.max() - ranks.astype(np.float32)

    def cells(self, fill: str, fractions: Sequence[float], order: Order = "morf") -> list[Cell]:
        """Measurements of the network, without retraining, at some removal fractions."""
        one = Cell(self.ranking.training, self.ranking, plugin(fill, "fill"), order, retrain=False)
        return [replace(one, removal_fraction=fraction) for fraction in fractions]

    def measured(self, cells: Sequence[Cell], column: str) -> list[float]:
        """One number of each cell, as a run measures it."""
        return [outcome.metrics[column] for outcome in runner.measure_kept(cells, self.place)]  # type: ignore[misc]

    def images(self, cell: Cell) -> Float[Tensor, "n c h w"]:
        """What a cell leaves of the test images."""
        maps = stored(cell, {"test": self.data.test}, self.place.artefacts)
        return reduction(cell, "test", self.data, maps).of(self.data.test).inputs


@contextmanager
def subject(
    site: Site,
    dataset: str,
    classifier: str,
    explainer: str = "gradient",
    *,
    unit: Unit = "pixel",
    recipe: Recipe = RECIPE,
    splits: Sequence[str] = ("test",),
) -> Iterator[Subject]:
    """Trains a network, explains some splits with it, and forgets both after the block."""
    identity = plugin(dataset, "dataset"), plugin(classifier, "classifier"), settled(recipe, site.device)
    ranking = Ranking(Original(*identity, seed=0), plugin(explainer, "explainer"), unit=unit)
    with TemporaryDirectory() as folder:
        place = Workplace(Path(folder), site.data_root, site.device)
        runner.train_original(ranking.training, place)
        runner.rank((ranking,), place, splits=splits)
        yield Subject(place, ranking)
