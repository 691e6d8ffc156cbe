"""Trainings of SENN as tasks that worker processes take: data, seeds and folders meet sessions here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roarbench.benchmark.study import jobs
from roarbench.benchmark.study.jobs import Result, check_names, slug
from roarbench.methods.senn.settings import Experiment


@dataclass(frozen=True)
class Resources(jobs.Resources):
    """Where and how a command works; none of it changes the identity of results."""

    out: Path = Path("runs/senn")


@dataclass(frozen=True)
class Task:
    """One training.

    Attributes:
        place: its folder below `out`.
        name: condition of a sweep, or identifier.
    """

    experiment: Experiment
    resources: Resources
    place: Path
    name: str
    seed: int

    @property
    def folder(self) -> Path:
        """Its own folder."""
        return self.resources.out / self.place


def tasks(experiment: Experiment, resources: Resources, identifier: str, seeds: Sequence[int]) -> list[Task]:
    """Trainings of one experiment.

    Raises:
        ValueError: settings out of their ranges, no data set of this name.
    """
    experiment.settings.check()
    check_names(experiment.dataset, identifier)
    place = Path(slug(experiment.dataset), experiment.settings.concepts, identifier)
    return [Task(experiment, resources, place / str(seed), identifier, seed) for seed in seeds]


def rehearse(todo: Sequence[Task]) -> None:
    """Builds the network of each experiment: bad input fails before work starts.

    Raises:
        ValueError: data that cannot be read, or that the networks do not fit.
    """
    from roarbench.benchmark.study import board
    from roarbench.methods.senn.model import Senn

    if todo and todo[0].resources.tensorboard:
        board.check()
    for experiment in dict.fromkeys(task.experiment for task in todo):
        data = site(next(task for task in todo if task.experiment == experiment)).data
        Senn(experiment.settings, data.feature_shape, data.num_classes)


def train(task: Task) -> Result:
    """The result of a training, with what it was."""
    from roarbench.benchmark.execution.session import device
    from roarbench.benchmark.results.provenance import begun
    from roarbench.methods.senn.commands import session

    identity = {"name": task.name, "dataset": task.experiment.dataset, "seed": task.seed}
    return session.train(task.experiment.settings, site(task), identity, begun(device(task.resources.device)))


def site(task: Task) -> Any:
    """Data, seeds and folder of a training."""
    from roarbench.benchmark.study.site import site as of_job

    return of_job(task, task.experiment.dataset, "senn", task.experiment.dataset, task.seed)
