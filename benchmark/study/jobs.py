"""Work that many folders wait for, done side by side: trainings and baselines of a system that is studied by itself."""

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from roarbench.benchmark.matrix.plugins import plugin

EXPECTED = (ValueError, OSError)
"""What is the input's fault; anything else is ours, and its traceback is shown."""

Result = dict[str, Any]
Done = TypeVar("Done")


@runtime_checkable
class Job(Protocol):
    """Work of one folder."""

    @property
    def resources(self) -> "Resources": ...

    @property
    def seed(self) -> int: ...

    @property
    def folder(self) -> Path: ...


AnyJob = TypeVar("AnyJob", bound=Job)


@dataclass(frozen=True)
class Resources:
    """Where and how a command works; none of it changes the identity of results.

    Attributes:
        out: folder of all results.
        data_root: folder of the data sets; what is missing there is downloaded into it.
        device: cpu, cuda, cuda:1, ...; auto takes CUDA where there is one.
        workers: number of trainings side by side; by default one for each core, and a single one beside a GPU.
        tensorboard: true also writes TensorBoard scalars, below logs/ in the folder of results.
    """

    out: Path = Path("runs")
    data_root: Path = Path("data")
    device: str = "auto"
    workers: int | None = None
    tensorboard: bool = False


@dataclass(frozen=True)
class Repeats:
    """How often a training is repeated.

    Attributes:
        num_trainings: number of trainings, with the seeds seed, seed + 1, ...
        seed: first seed.
    """

    num_trainings: int = 1
    seed: int = 0

    @property
    def seeds(self) -> range:
        """The seeds.

        Raises:
            ValueError: no repeat, a negative seed.
        """
        if self.num_trainings < 1:
            raise ValueError(f"num_trainings must be at least 1, got {self.num_trainings}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")
        return range(self.seed, self.seed + self.num_trainings)


def check_names(dataset: str, identifier: str) -> None:
    """Raises ValueError unless there is such a data set and a folder can have the name."""
    plugin(dataset, "dataset")
    if identifier in ("", ".", "..") or Path(identifier).name != identifier:
        raise ValueError(f"identifier must be the name of a folder, got {identifier!r}")


def slug(text: str) -> str:
    """Text as a folder name.

    >>> slug("mnist[train=1000]")
    'mnist-train-1000'
    """
    return "-".join("".join(c if c.isalnum() or c in "._" else " " for c in text).split())


def each(work: Callable[[AnyJob], Done], todo: Sequence[AnyJob], what: str) -> dict[AnyJob, Done]:
    """Does all tasks, side by side where there are workers; one that fails does not take its neighbours with it.

    Returns:
        What they return, in order, without those that failed, which are told.

    Raises:
        ValueError, OSError: what went wrong with the first, where it went wrong with all.
    """
    from tqdm import tqdm

    from roarbench.benchmark.execution.processes import executor
    from roarbench.benchmark.execution.session import device, num_workers

    if not todo:
        return {}
    workers = min(num_workers(todo[0].resources.workers, device(todo[0].resources.device)), len(todo))
    workers = workers if workers > 1 else 0
    with tqdm(total=len(todo), unit=what, disable=len(todo) == 1) as bar, executor(workers) as processes:
        futures = [processes.submit(_attempt, work, task) for task in todo]
        for future in futures:
            future.add_done_callback(lambda _: bar.update())
        outcomes = dict(zip(todo, (future.result() for future in futures), strict=True))
    failures = {task: outcome for task, outcome in outcomes.items() if isinstance(outcome, Exception)}
    if len(failures) == len(todo) and isinstance(failures[todo[0]], EXPECTED):
        raise failures[todo[0]]
    for task, error in failures.items():
        print(f"failed: {task.folder}: {error}", file=sys.stderr)
    return {task: outcome for task, outcome in outcomes.items() if not isinstance(outcome, Exception)}


def _attempt(work: Callable[[AnyJob], Done], task: AnyJob) -> Done | Exception:
    from roarbench.benchmark.execution.attempts import NO_SPACE

    try:
        return work(task)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise
        if not isinstance(error, EXPECTED):
            traceback.print_exc()
        return error
