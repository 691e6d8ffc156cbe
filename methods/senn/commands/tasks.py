"""Trainings of SENN as tasks that worker processes take: data, seeds and folders meet sessions here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.plugins import build, plugin
from hns.commands.tasks import Result, slug
from methods.senn.settings import Experiment


@dataclass(frozen=True)
class Means:
    """What a command works with; no part of the identity of its results.

    Attributes:
        out: folder of all results of SENN.
        data_root: folder of the data sets; what is missing there is downloaded into it.
        device: cpu, cuda, cuda:1, ...; auto takes CUDA where there is one.
        workers: trainings side by side; by default one for each core, and none beside a GPU.
    """

    out: Path = Path("runs/senn")
    data_root: Path = Path("data")
    device: str = "auto"
    workers: int | None = None


@dataclass(frozen=True)
class Task:
    """One training.

    Attributes:
        place: its folder below `out`.
        name: condition of a sweep, or identifier.
    """

    experiment: Experiment
    means: Means
    place: Path
    name: str
    seed: int

    @property
    def folder(self) -> Path:
        """Its own folder."""
        return self.means.out / self.place


def tasks(experiment: Experiment, means: Means, identifier: str, seeds: Sequence[int]) -> list[Task]:
    """Trainings of one experiment.

    Raises:
        ValueError: settings out of their ranges, no data set of this name.
    """
    experiment.settings.check()
    plugin(experiment.dataset, "dataset")
    if identifier in ("", ".", "..") or Path(identifier).name != identifier:
        raise ValueError(f"identifier must be the name of a folder, got {identifier!r}")
    place = Path(slug(experiment.dataset), experiment.settings.concepts, identifier)
    return [Task(experiment, means, place / str(seed), identifier, seed) for seed in seeds]


def rehearse(todo: Sequence[Task]) -> None:
    """Builds the network of each experiment: bad input fails before work starts.

    Raises:
        ValueError: data that cannot be read, or that the networks do not fit.
    """
    from methods.senn.model import Senn

    for experiment in dict.fromkeys(task.experiment for task in todo):
        data = bench(next(task for task in todo if task.experiment == experiment)).data
        Senn(experiment.settings, data.feature_shape, data.num_classes)


def train(task: Task) -> Result:
    """The result of a training, with what it was."""
    from benchmark.provenance import provenance
    from benchmark.session import device
    from methods.senn import session

    identity = {"name": task.name, "dataset": task.experiment.dataset, "seed": task.seed}
    return session.train(task.experiment.settings, bench(task), identity, provenance(device(task.means.device)))


def bench(task: Task) -> Any:
    """Data, seeds and folder of a training; data sets that are drawn or divided at random follow its seed."""
    from benchmark.randomness import seeded
    from benchmark.session import device
    from hns.session import Bench

    where = device(task.means.device)
    data = build(plugin(task.experiment.dataset, "dataset"), "dataset", seed=task.seed)(task.means.data_root).to(where)
    return Bench(data, partial(seeded, "senn", task.experiment.dataset, task.seed), task.folder, where)
