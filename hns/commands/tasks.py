"""Trainings and baselines as tasks that worker processes take: data, seeds and folders meet sessions here."""

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.spec import key
from roarbench.hns.settings import Experiment, Model

EXPECTED = (ValueError, OSError)
"""What is the input's fault; anything else is ours, and its traceback is shown."""

Result = dict[str, Any]
Done = TypeVar("Done")


@runtime_checkable
class Job(Protocol):
    """Work of one folder."""

    @property
    def means(self) -> "Means": ...

    @property
    def seed(self) -> int: ...

    @property
    def folder(self) -> Path: ...


AnyJob = TypeVar("AnyJob", bound=Job)


@dataclass(frozen=True)
class Means:
    """What a command works with; no part of the identity of its results.

    Attributes:
        out: folder of all results.
        data_root: folder of the data sets; what is missing there is downloaded into it.
        device: cpu, cuda, cuda:1, ...; auto takes CUDA where there is one.
        workers: trainings side by side; by default one for each core, and a single one beside a GPU.
        tensorboard: also writes TensorBoard scalars, below logs/ in `out`.
    """

    out: Path = Path("runs/hns")
    data_root: Path = Path("data")
    device: str = "auto"
    workers: int | None = None
    tensorboard: bool = False


@dataclass(frozen=True)
class Task:
    """One training or one baseline.

    Attributes:
        place: its folder below `out`.
        name: condition of a study, or identifier.
        baseline: accuracy on intact images, once it is known.
    """

    experiment: Experiment
    means: Means
    place: Path
    name: str
    seed: int
    baseline: float = 0.0

    @property
    def folder(self) -> Path:
        """Its own folder."""
        return self.means.out / self.place

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
    """The same for a hider trained alone."""

    mask_channels: int
    initial_keep: float


def tasks(experiment: Experiment, means: Means, identifier: str, seeds: Sequence[int]) -> list[Task]:
    """Trainings of one experiment, in folders laid out like the published logs.

    Raises:
        ValueError: settings out of their ranges, no data set of this name.
    """
    experiment.settings.check()
    check_names(experiment.dataset, identifier)
    place = Path(slug(experiment.dataset), "hns", *kind(experiment), identifier)
    return [Task(experiment, means, place / str(seed), identifier, seed) for seed in seeds]


def check_names(dataset: str, identifier: str) -> None:
    """Raises ValueError unless there is such a data set and a folder can have the name."""
    plugin(dataset, "dataset")
    if identifier in ("", ".", "..") or Path(identifier).name != identifier:
        raise ValueError(f"identifier must be the name of a folder, got {identifier!r}")


def kind(experiment: Experiment) -> tuple[str, ...]:
    """Folders of a threshold: deterministic, stochastic/st1, stochastic/sa/rate_0.5."""
    settings = experiment.settings
    if settings.threshold == "deterministic":
        return ("deterministic",)
    rate = (f"rate_{settings.rate}",) if settings.threshold == "sa" else ()
    return ("stochastic", settings.threshold, *rate)


def slug(text: str) -> str:
    """Text as a folder name.

    >>> slug("mnist[train=1000]")
    'mnist-train-1000'
    """
    return "-".join("".join(c if c.isalnum() or c in "._" else " " for c in text).split())


def part_task(task: Task, part: str) -> Task:
    """The seeker of intact images (the baseline) or the hider alone; tasks of one budget and seed share it."""
    settings = task.experiment.settings
    budget = (settings.epochs, settings.batch_size, settings.learning_rate, settings.cooldown)
    named = PartKey(task.experiment.dataset, settings.model, *budget)
    if part == "hider":
        masks = (settings.mask_channels, settings.initial_keep)
        named = HiderKey(task.experiment.dataset, settings.model, *budget, *masks)
    place = Path(slug(task.experiment.dataset), part, f"{settings.model}-{key(named)[:8]}", str(task.seed))
    return Task(task.experiment, task.means, place, part, task.seed)


def each(work: Callable[[AnyJob], Done], todo: Sequence[AnyJob], what: str) -> dict[AnyJob, Done]:
    """Does all tasks, side by side where there are workers; one that fails does not take its neighbours with it.

    Returns:
        What they return, in order, without those that failed, which are told.

    Raises:
        ValueError, OSError: what went wrong with the first, where it went wrong with all.
    """
    from tqdm import tqdm

    from roarbench.benchmark.execution.processes import pool
    from roarbench.benchmark.execution.session import device, num_workers

    if not todo:
        return {}
    workers = min(num_workers(todo[0].means.workers, device(todo[0].means.device)), len(todo))
    workers = workers if workers > 1 else 0
    with tqdm(total=len(todo), unit=what, disable=len(todo) == 1) as bar, pool(workers) as hands:
        futures = [hands.submit(_attempt, work, task) for task in todo]
        for future in futures:
            future.add_done_callback(lambda _: bar.update())
        outcomes = dict(zip(todo, (future.result() for future in futures), strict=True))
    failures = {task: found for task, found in outcomes.items() if isinstance(found, Exception)}
    if len(failures) == len(todo) and isinstance(failures[todo[0]], EXPECTED):
        raise failures[todo[0]]
    for task, error in failures.items():
        print(f"failed: {task.folder}: {error}", file=sys.stderr)
    return {task: found for task, found in outcomes.items() if not isinstance(found, Exception)}


def _attempt(work: Callable[[AnyJob], Done], task: AnyJob) -> Done | Exception:
    from roarbench.benchmark.execution.executor import NO_SPACE

    try:
        return work(task)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise
        if not isinstance(error, EXPECTED):
            traceback.print_exc()
        return error


def rehearse(todo: Sequence[Task]) -> None:
    """Builds the network of each experiment and fills what has weights already: bad input fails before work starts.

    Raises:
        ValueError: data that cannot be read, images that the model does not fit, weights that do not fit the model, a
            folder that holds another training.
    """
    from roarbench.hns import board
    from roarbench.hns.claim import check_claim
    from roarbench.hns.model import build as build_network
    from roarbench.hns.session import load_parts

    if todo and todo[0].means.tensorboard:
        board.check()
    for experiment in dict.fromkeys(task.experiment for task in todo):
        same = [task for task in todo if task.experiment == experiment]
        settings, data = experiment.settings, _bench(same[0]).data
        load_parts(build_network(settings, data.feature_shape, data.num_classes), settings)
        for task in same:
            check_claim(settings, data, task.folder, task.identity)


def measure_baseline(task: Task) -> float:
    """Accuracy of the baseline on the test split."""
    from roarbench.hns.session import measure_baseline

    return measure_baseline(task.experiment.settings, _bench(task)).score


def pretrain_hider(task: Task) -> float:
    """Binary cross-entropy of a hider that reproduces its images, on the test split; its weights stay in the folder."""
    from roarbench.hns.session import measure_hider

    return measure_hider(task.experiment.settings, _bench(task)).score


def train(task: Task) -> Result:
    """The result of a training, with what it was."""
    from roarbench.benchmark.execution.session import device
    from roarbench.benchmark.results.provenance import begun
    from roarbench.hns import session

    identity, origin = task.identity | {"baseline": task.baseline}, begun(device(task.means.device))
    return session.train(task.experiment.settings, _bench(task), identity, origin)


def bench(task: Job, dataset: str, *seeds: object) -> Any:
    """Data, seeds and folder of a training; data sets drawn or divided at random follow its seed where told.

    Args:
        seeds: what all randomness of the training depends on.
    """
    from roarbench.benchmark.execution.session import device
    from roarbench.benchmark.randomness import seeded
    from roarbench.hns.session import Bench

    where, out = device(task.means.device), task.means.out
    data = build(plugin(dataset, "dataset"), "dataset", seed=task.seed)(task.means.data_root).to(where)
    logs = out / "logs" / task.folder.relative_to(out) if task.means.tensorboard else None
    return Bench(data, partial(seeded, *seeds), task.folder, where, logs)


def _bench(task: Task) -> Any:
    return bench(task, task.experiment.dataset, "hns", task.experiment.dataset, task.seed)
