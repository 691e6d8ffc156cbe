"""Work on a Ray cluster; the only place that imports Ray. The driver alone writes the store, as everywhere."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from roarbench.benchmark.execution.executor import Pool
from roarbench.benchmark.execution.workplace import Workplace, load
from roarbench.benchmark.matrix.spec import PlugIn
from roarbench.benchmark.networks.precision import exact
from roarbench.datasets.base import Dataset

RETRIES = 3
"""How often work goes to another worker when its own is lost."""


@dataclass(frozen=True)
class Cluster:
    """Where Ray runs.

    Attributes:
        address: of a running cluster, "auto" for the one on this machine; None starts one for the run.
        gpus_per_task: share of a GPU that a piece of work takes: 0.25 puts four on each.
    """

    address: str | None = None
    gpus_per_task: float = 0.0

    def check(self) -> None:
        """Raises ValueError where Ray is not installed or a value is out of its range."""
        if self.gpus_per_task < 0:
            raise ValueError(f"gpus_per_task must not be negative, got {self.gpus_per_task:g}")
        _ray()


@contextmanager
def cluster_pool(
    cluster: Cluster, place: Workplace, datasets: list[tuple[PlugIn, int]], *, workers: int | None
) -> Iterator[tuple[Pool, Workplace]]:
    """Workers of a cluster, and the workplace as they see it; the folder must lie on a file system that all share.

    Args:
        datasets: with their seeds; loaded here, and copied once to every node that asks for them.
        workers: processes of a cluster that is started here; None for one a core.

    Raises:
        ValueError: no such cluster, none with a GPU where one is asked for, or workers for a cluster that is there.
    """
    ray = _ray()
    if cluster.address and workers is not None:
        raise ValueError(
            f"workers is for a cluster that the run starts, got {workers} beside ray_address; leave it out"
        )
    try:
        _knock(cluster.address)
        ray.init(cluster.address, num_cpus=workers, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
    except (OSError, ValueError) as error:
        hint = "run ray start --head there, or leave ray_address out"
        raise ValueError(
            f"no Ray cluster answers at ray_address {cluster.address} ({_first_line(error)}); {hint}"
        ) from None
    try:
        references = tuple((*arguments, ray.put(load(*arguments, place.data_root))) for arguments in datasets)
        cluster_place = replace(
            place,
            folder=place.folder.resolve(),
            data_root=place.data_root.resolve(),
            device="cuda" if cluster.gpus_per_task else place.device,  # the driver may have no GPU of its own
            load=Stored(references),
        )
        places = _places(ray.cluster_resources(), cluster.gpus_per_task)
        work = ray.remote(num_cpus=1, num_gpus=cluster.gpus_per_task, max_retries=RETRIES)(_do)
        yield Pool(RayPool(work), capacity=2 * places), cluster_place
    finally:
        ray.shutdown()


@dataclass(frozen=True)
class Stored:
    """Takes data sets from the object store of the cluster instead of files.

    Attributes:
        datasets: data set, seed, reference.
    """

    datasets: tuple[tuple[PlugIn, int, Any], ...]

    def __call__(self, dataset: PlugIn, seed: int, data_root: Path) -> Dataset:
        """A copy that belongs to the calling process."""
        reference = next(ref for name, s, ref in self.datasets if (name, s) == (dataset, seed))
        return _ray().get(reference)


class RayPool(Executor):
    """Turns submitted work into tasks of a cluster."""

    def __init__(self, remote: Any) -> None:
        self.remote = remote

    def submit(self, work: Callable, /, *arguments: object, **keywords: object) -> Future:
        future: Future = Future()
        self.remote.remote(work, *arguments, **keywords).future().add_done_callback(lambda ref: _settle(future, ref))
        return future


def _settle(done: Future, finished: Future) -> None:
    """Passes on a result, or an exception as a worker process of this machine would have raised it."""
    error = finished.exception()
    if error is None:
        done.set_result(finished.result())
    elif (cause := getattr(error, "cause", None)) is not None:
        done.set_exception(cause)
    else:
        done.set_exception(BrokenExecutor(_first_line(error)))


def _do(work: Callable, *arguments: object) -> object:
    """One piece of work in a worker of the cluster. One thread each, so that their number never changes a number."""
    exact()
    return work(*arguments)


def _places(resources: dict[str, float], gpus_per_task: float) -> int:
    """How many pieces of work run side by side.

    Raises:
        ValueError: GPUs are asked for, and there is none.
    """
    if not gpus_per_task:
        return max(1, int(resources.get("CPU", 1)))
    if not resources.get("GPU"):
        raise ValueError(f"gpus_per_task is {gpus_per_task:g}, but the cluster has no GPU; leave it out")
    return max(1, int(min(resources["GPU"] / gpus_per_task, resources.get("CPU", 1))))


def _knock(address: str | None) -> None:
    """Whether anything listens at host:port; Ray itself would ask for minutes.

    Raises:
        OSError: nothing does.
        ValueError: the port is no number.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ValueError('ray is not installed; python -m pip install "roarbench[ray]"') from None
    return ray
