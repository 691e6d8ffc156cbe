"""Where one training of a study happens: its data, seeds and folder."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from roarbench.benchmark.execution.session import device
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.study.jobs import Job
from roarbench.datasets.base import Dataset

Seeded = Callable[..., AbstractContextManager[None]]
"""Takes the named parts of a seed and seeds the global generators inside its block."""

Origin = Callable[[], dict[str, str]]
"""Gives the provenance of work that is finished."""


@dataclass(frozen=True)
class Site:
    """Where one training happens.

    Attributes:
        data: on the device.
        seeded: seeds of this training.
        folder: of this training alone.
        logs: where TensorBoard scalars go, if anywhere.
    """

    data: Dataset
    seeded: Seeded
    folder: Path
    device: str = "cpu"
    logs: Path | None = None


def site(job: Job, dataset: str, *seeds: object) -> Site:
    """The site of a job; data sets drawn or divided at random follow its seed where told.

    Args:
        seeds: what all randomness of the training depends on.
    """
    where, out = device(job.resources.device), job.resources.out
    data = build(plugin(dataset, "dataset"), "dataset", seed=job.seed)(job.resources.data_root).to(where)
    logs = out / "logs" / job.folder.relative_to(out) if job.resources.tensorboard else None
    return Site(data, partial(seeded, *seeds), job.folder, where, logs)
