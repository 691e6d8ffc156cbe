"""Trainings and baselines as tasks that worker processes take: data, seeds and folders meet sessions here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roarbench.benchmark.matrix.spec import key
from roarbench.benchmark.study import jobs
from roarbench.benchmark.study.jobs import Result, check_names, slug
from roarbench.hns.settings import Experiment, Model, Settings


@dataclass(frozen=True)
class Resources(jobs.Resources):
    """Where and how a command works; none of it changes the identity of results."""

    out: Path = Path("runs/hns")


@dataclass(frozen=True)
class Task:
    """One training or one baseline.

    Attributes:
        place: its folder below `out`.
        name: condition of a study, or identifier.
        baseline: accuracy on intact images, once it is known.
    """

    experiment: Experiment
    resources: Resources
    place: Path
    name: str
    seed: int
    baseline: float = 0.0

    @property
    def folder(self) -> Path:
        """Its own folder."""
        return self.resources.out / self.place

    @property
    def identity(self) -> dict[str, Any]:
        """What it is besides its settings."""
        return {"name": self.name, "dataset": self.experiment.dataset, "seed": self.seed}


@dataclass(frozen=True)
class PartKey:
    """What a part that is trained alone depends on, besides the seed."""

    dataset: str
    model: Model
    epochs: int
    batch_size: int
    learning_rate: float
    cooldown: float


@dataclass(frozen=True)
class HiderKey(PartKey):
    """What a hider that is trained alone depends on."""

    mask_channels: int
    initial_keep: float


@dataclass(frozen=True)
class JudgeKey:
    """What a judge depends on."""

    dataset: str
    model: Model
    mask_channels: int


@dataclass(frozen=True)
class ApartKey(JudgeKey):
    """What a seeker apart depends on."""

    seeker_epochs: int
    batch_size: int
    learning_rate: float


def tasks(experiment: Experiment, resources: Resources, identifier: str, seeds: Sequence[int]) -> list[Task]:
    """Trainings of one experiment, in folders laid out like the published logs.

    Raises:
        ValueError: settings out of their ranges, no data set of this name.
    """
    experiment.settings.check()
    check_names(experiment.dataset, identifier)
    place = Path(slug(experiment.dataset), "hns", *kind(experiment), identifier)
    return [Task(experiment, resources, place / str(seed), identifier, seed) for seed in seeds]


def kind(experiment: Experiment) -> tuple[str, ...]:
    """Folders of a threshold: deterministic, stochastic/st1, stochastic/sa/rate_0.5; below apart with such a seeker."""
    settings = experiment.settings
    seeker = ("apart",) if settings.seeker == "apart" else ()
    if settings.threshold == "deterministic":
        return (*seeker, "deterministic")
    rate = (f"rate_{settings.rate}",) if settings.threshold == "sa" else ()
    return (*seeker, "stochastic", settings.threshold, *rate)


def part_task(task: Task, part: str) -> Task:
    """What is trained alone: a seeker of intact images (the baseline), a hider, a seeker apart, a judge.

    Tasks of one budget and seed share it; a judge has one budget for all.
    """
    return Task(task.experiment, task.resources, part_place(task.experiment, task.seed, part), part, task.seed)


def part_place(experiment: Experiment, seed: int, part: str) -> Path:
    """Folder of a part below that of all results."""
    settings = experiment.settings
    identity = key(part_key(experiment.dataset, settings, part))[:8]
    return Path(slug(experiment.dataset), part, f"{settings.model}-{identity}", str(seed))


def part_key(dataset: str, settings: Settings, part: str) -> PartKey | JudgeKey:
    """What a part depends on, besides the seed."""
    budget = (settings.epochs, settings.batch_size, settings.learning_rate, settings.cooldown)
    masked = (dataset, settings.model, settings.mask_channels)
    if part == "judge":
        return JudgeKey(*masked)
    if part == "apart":
        return ApartKey(*masked, settings.seeker_epochs, settings.batch_size, settings.learning_rate)
    if part == "hider":
        return HiderKey(dataset, settings.model, *budget, settings.mask_channels, settings.initial_keep)
    return PartKey(dataset, settings.model, *budget)


def masked_parts(todo: Sequence[Task]) -> list[Task]:
    """The seekers behind random masks that unfinished trainings need, each once: their judges, and those apart."""
    unfinished = [task for task in todo if not (task.folder / "result.json").exists()]
    parts = [part_task(task, "judge") for task in unfinished]
    parts += [part_task(task, "apart") for task in unfinished if task.experiment.settings.apart]
    return list({part.folder: part for part in parts}.values())


def rehearse(todo: Sequence[Task]) -> None:
    """Builds the network of each experiment and fills what has weights already: bad input fails before work starts.

    Raises:
        ValueError: data that cannot be read, images that the model does not fit, weights that do not fit the model, a
            folder that holds another training.
    """
    from roarbench.benchmark.study import board
    from roarbench.benchmark.study.claim import check_claim
    from roarbench.hns.commands.claim import contents, free
    from roarbench.hns.commands.session import load_parts
    from roarbench.hns.model import build as build_network

    if todo and todo[0].resources.tensorboard:
        board.check()
    for experiment in dict.fromkeys(task.experiment for task in todo):
        same = [task for task in todo if task.experiment == experiment]
        settings, data = experiment.settings, _site(same[0]).data
        load_parts(build_network(settings, data.feature_shape, data.num_classes), settings)
        for task in same:
            check_claim(task.folder, contents(settings, data) | task.identity, free(task.folder, settings))


def measure_baseline(task: Task) -> float:
    """Accuracy of the baseline on the test split."""
    from roarbench.hns.commands.alone import measure_baseline

    return measure_baseline(task.experiment.settings, _site(task)).score


def pretrain_hider(task: Task) -> float:
    """Binary cross-entropy of a hider that reproduces its images, on the test split; its weights stay in the folder."""
    from roarbench.hns.commands.alone import measure_hider

    return measure_hider(task.experiment.settings, _site(task)).score


def train_behind_masks(task: Task) -> None:
    """Trains a seeker behind random masks, a judge or one apart; its weights stay in the folder."""
    from roarbench.hns.commands.alone import seeker_behind_masks

    seeker_behind_masks(task.name, task.experiment.settings, _site(task))


def train(task: Task) -> Result:
    """The result of a training, with what it was."""
    from roarbench.benchmark.execution.session import device
    from roarbench.benchmark.results.provenance import begun
    from roarbench.hns.commands import session

    identity, origin = task.identity | {"baseline": task.baseline}, begun(device(task.resources.device))
    shared = {part: part_task(task, part).folder for part in ("apart", "judge")}
    return session.train(task.experiment.settings, _site(task), identity, origin, shared)


def _site(task: Task) -> Any:
    from roarbench.benchmark.study.site import site

    return site(task, task.experiment.dataset, "hns", task.experiment.dataset, task.seed)
