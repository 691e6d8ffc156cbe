"""The pieces that a run is made of, each by itself, for as many explainers, shares, seeds or images as one wants."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from roarbench.benchmark.attribution.rankings import rank_splits
from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Original, Ranking, key
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.training import score, train
from roarbench.benchmark.removal.fills import mean
from roarbench.benchmark.removal.ranks import kept, remove
from roarbench.benchmark.results.store import Store
from roarbench.datasets.base import Split
from roarbench.datasets.statistics import channel_mean
from roarbench.reports.report import report
from roarbench.reports.status import status
from tests.speed.made_up import drawn, made_up

Work = Callable[[], object]
TRAINING = Original(plugin("mnist", "dataset"), plugin("cnn_small[width=4]", "classifier"), Recipe(epochs=1), 0)


@dataclass(frozen=True)
class Size:
    """How much there is to do; what is varied alone grows, the rest stays."""

    explainers: int = 4
    shares: int = 4
    seeds: int = 3
    images: int = 1000
    workers: int = 1

    @property
    def matrix(self) -> Matrix:
        """A matrix of this size, none of whose explainers shares its pass with another."""
        others = (f"smoothgrad[samples=2,noise={0.1 + n / 1000:g}]" for n in range(1, self.explainers))
        return Matrix(
            explainers=("random", *others),
            seeds=self.seeds, fractions=(0.0, *((n + 1) / (self.shares + 1) for n in range(self.shares)), 1.0),
            classifiers=("cnn_small[width=4]",), unretrained_fills=("mean",), measures=(), recipe=Recipe(epochs=1),
        )  # fmt: skip


def planning(size: Size, _: Split) -> Work:
    """Enumerates the cells of a matrix, with their keys."""
    return lambda: [key(cell) for cell in cells(size.matrix)]


def storing(size: Size, _: Split) -> Work:
    """Plans a store, and records and reads what became of every cell."""
    planned = cells(size.matrix)
    outcomes = {cell: drawn(cell) for cell in planned}

    def store() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder), create=True)
            store.plan(asdict(size.matrix), planned)
            for start in range(0, len(planned), 10):
                store.record_all({cell: outcomes[cell] for cell in planned[start : start + 10]})
            assert len(store.rows()) == len(planned)
            store.close()

    return store


def reporting(size: Size, _: Split) -> Work:
    """Renders the report of a made-up run."""
    return _of_store(size, report)


def telling(size: Size, _: Split) -> Work:
    """Tells how far a made-up run is."""
    return _of_store(size, status)


def _of_store(size: Size, tell: Callable[[Path], object]) -> Work:
    folder = Path(tempfile.mkdtemp())
    made_up(size.matrix, folder)

    def work() -> None:
        tell(folder)
        shutil.rmtree(folder)

    return work


def ranking(size: Size, images: Split) -> Work:
    """Ranks every pixel of all images by all explainers, a pass each."""
    names = size.matrix.explainers[1:] or size.matrix.explainers
    rankings = [Ranking(TRAINING, plugin(name, "explainer")) for name in names]
    network = _network(images).eval()
    splits = {"train": images, "test": images.at(torch.arange(1))}
    return lambda: [rank_splits(network, splits, [ranking]) for ranking in rankings]


def removing(size: Size, images: Split) -> Work:
    """Removes a share of every image, for all shares."""
    shares = [t for t in size.matrix.fractions if 0 < t < 1]
    return lambda: [_reduced(images, t) for t in shares]


def scoring(size: Size, images: Split) -> Work:
    """Scores one network on all images behind the masks of all shares, as a shared evaluator does."""
    network, shares = _network(images), [t for t in size.matrix.fractions if 0 < t < 1]
    return lambda: [score(network, Split(_reduced(images, t), images.labels)) for t in shares]


def retraining(size: Size, images: Split) -> Work:
    """Trains a network for an epoch on reduced images, for all shares."""
    shares = [t for t in size.matrix.fractions if 0 < t < 1]
    return lambda: [
        train(_network(images), Split(_reduced(images, t), images.labels), TRAINING.recipe, pairing=("growth",))
        for t in shares
    ]


def _reduced(images: Split, share: float) -> torch.Tensor:
    ranks = torch.arange(784, dtype=torch.int16).view(1, 1, 28, 28).expand(len(images), 1, 28, 28)
    mask, middle = kept(ranks, removal_fraction=share), channel_mean(images.inputs)
    return remove(images.inputs, mask, mean, middle, partial(torch.zeros_like, images.inputs))


def _network(images: Split) -> nn.Module:
    torch.manual_seed(0)
    return classifier(TRAINING.classifier, images.inputs, 10)


def running(size: Size, _: Split) -> Work:
    """Runs a matrix on digits from the command line, start and report included."""
    m = size.matrix
    axes = ["--datasets", "digits", "--explainers", *m.explainers, "--seeds", str(m.seeds)]
    fixed = ["--unretrained-fills", "mean", "--classifiers", *m.classifiers, "--epochs", "1", "--device", "cpu"]
    axes += ["--fractions", *map(str, m.fractions), "--workers", str(size.workers)]

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "run_benchmark.py", "run", *axes, *fixed, "--out", folder]
            subprocess.run(command, check=True, capture_output=True)

    return run
