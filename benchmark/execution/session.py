"""A run from its matrix to its finished store: checks, plans, executes. Everything here may be repeated at any time."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from roarbench.benchmark.execution.executor import Pool, execute
from roarbench.benchmark.execution.interim import Answer, Interim
from roarbench.benchmark.execution.processes import executor
from roarbench.benchmark.execution.ray_pool import Cluster, cluster_pool
from roarbench.benchmark.execution.rehearsal import rehearse
from roarbench.benchmark.execution.workplace import Workplace, data_of
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.contents import files
from roarbench.benchmark.matrix.copies import copies
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell, PlugIn, key
from roarbench.benchmark.networks.precision import settled
from roarbench.benchmark.networks.team import Team, TeamExecutor
from roarbench.benchmark.results import seeds
from roarbench.benchmark.results.cards import cards
from roarbench.benchmark.results.store import FILE, Outcome, Row, Store

MOST_LOADERS = 12
"""Processes that read a stream by default: each holds two batches ready in shared memory."""


@dataclass(frozen=True)
class Resources:
    """What a run works with; no part of the identity of its results.

    Attributes:
        device: "cpu", "cuda", "cuda:1"; "auto" takes CUDA where there is one.
        workers: worker processes; None for one a core, and a single one beside a GPU.
        cluster: Ray takes the place of worker processes.
        loaders: processes that read a stream for each worker; None for none on the CPU, and the cores beside a GPU.
        team: processes that train each network together take the place of worker processes.
    """

    data_root: Path
    device: str = "auto"
    workers: int | None = None
    retry_failed: bool = False
    cluster: Cluster | None = None
    loaders: int | None = None
    team: Team | None = None


def run(matrix: Matrix, folder: Path, resources: Resources, so_far: Answer = lambda _: iter(())) -> Counter[str]:
    """Measures what is missing of a matrix in its folder.

    Args:
        so_far: tells what is known while more is to come.

    Returns:
        Number of cells by status.

    Raises:
        ValueError: a matrix that makes no sense, data that cannot be read, a classifier that does not fit it, a device
            that is not there, a folder that holds another matrix or is being written to.
        OSError: no space left.
    """
    place = workplace(folder, resources)
    _check(matrix, place, resources)  # bad input is refused before anything is loaded
    matrix = replace(matrix, recipe=settled(matrix.recipe, place.device))
    rows = _rows(folder)
    all_cells = seeds.wide(matrix, rows)
    data = rehearse(_unfinished(seeds.cells(matrix, rows, all_cells), rows), place)  # before anything is written
    store = Store(folder, create=True)
    with store.locked():
        for dataset, facts in data.items():
            store.check_data(dataset.text, facts.checksums)
        shapes = {dataset: facts.feature_shape for dataset, facts in data.items()}
        cells = _planned(store, matrix, all_cells)
        for kind, described in cards(cells).items():
            store.describe(kind, described)
        store.describe("dataset", {dataset.text: facts.card for dataset, facts in data.items()})
        if resources.retry_failed:
            store.forget_failures()
        missing = _to_measure(store, cells, shapes)
        if missing:
            store.back_up()
            later = [] if matrix.target_interval is None else all_cells
            with _pool(resources, place, [*missing, *later]) as (pool, worker_place):
                interim = Interim(so_far)
                while missing:
                    keep = _ranks_again(matrix, missing)
                    execute(store, missing, worker_place, pool, keep_ranks=keep, interim=interim)
                    missing = _to_measure(store, _planned(store, matrix, all_cells), shapes)
                interim.close()
            place.artefacts.clean()
        else:
            print(f"{folder}: all {len(cells)} cells are finished, nothing to do", file=sys.stderr)
        return store.counts()


def _check(matrix: Matrix, place: Workplace, resources: Resources) -> None:
    """Raises ValueError for what is wrong without looking at any data."""
    plan.check(matrix)
    num_workers(resources.workers, place.device)
    if resources.cluster:
        resources.cluster.check()
        _check_precision(matrix, resources.cluster)


def _unfinished(cells: list[Cell], rows: list[Row]) -> list[Cell]:
    """The cells without an outcome."""
    finished = {row.key for row in rows if row.outcome}
    return [cell for cell in cells if key(cell) not in finished]


def _check_precision(matrix: Matrix, cluster: Cluster) -> None:
    """Raises ValueError where only the GPUs of a cluster could decide the precision."""
    if matrix.recipe.precision == "auto" and cluster.gpus_per_task and not torch.cuda.is_available():
        raise ValueError("precision must be fp32 or bf16 where the driver has no GPU, got auto; add --precision bf16")


def _rows(folder: Path) -> list[Row]:
    """What a folder holds, which may not be there yet."""
    if not (folder / FILE).exists():
        return []
    store = Store(folder)
    rows = store.rows()
    store.close()
    return rows


def _planned(store: Store, matrix: Matrix, all_cells: list[Cell]) -> list[Cell]:
    """The cells of a matrix, with the seeds that what is measured by now asks for."""
    cells = seeds.cells(matrix, store.rows(), all_cells)
    store.plan(asdict(matrix), cells, _own_files(cells))
    return cells


def _own_files(cells: list[Cell]) -> dict[str, dict[str, str]]:
    """The user's own files, with their checksums, that each plug-in of some cells is made of."""
    trainings, rankings = {cell.training for cell in cells}, {cell.ranking for cell in cells if cell.ranking}
    identities = {part for training in trainings for part in (training.dataset, training.classifier)}
    identities |= {ranking.explainer for ranking in rankings} | {cell.fill for cell in cells if cell.fill}
    identities |= {cell.measure for cell in cells if cell.measure}
    return {identity.text: own for identity in identities if (own := files(identity))}


def _to_measure(store: Store, cells: list[Cell], shapes: Mapping[PlugIn, tuple[int, ...]]) -> list[Cell]:
    """The cells without an outcome, once copies of others are recorded as skipped."""
    skipped = copies(cells, shapes)
    missing = store.missing(cells)
    store.record_all({cell: Outcome("skipped", reason=skipped[cell]) for cell in missing if cell in skipped})
    return [cell for cell in missing if cell not in skipped]


def _ranks_again(matrix: Matrix, missing: list[Cell]) -> bool:
    """Whether later cells may need the rank maps of these: more seeds of one network, shares that own masks hide."""
    later_seeds = matrix.target_interval is not None and matrix.convention.one_checkpoint
    return later_seeds or any(cell.probe == "own_mask" for cell in missing)


@contextmanager
def _pool(resources: Resources, place: Workplace, cells: list[Cell]) -> Iterator[tuple[Pool, Workplace]]:
    """Worker processes, a team or a cluster, and the workplace as they see it."""
    if resources.team:
        yield Pool(TeamExecutor(resources.team), 1), place
    elif resources.cluster is None:
        workers = min(num_workers(resources.workers, place.device), len(cells))
        with executor(workers) as processes:
            yield Pool(processes, max(1, workers)), place
    else:
        datasets = list(dict.fromkeys(data_of(cell.training) for cell in cells))
        with cluster_pool(resources.cluster, place, datasets, workers=resources.workers) as (pool, worker_place):
            yield pool, worker_place


def device(name: str) -> str:
    """The device that a name stands for.

    Raises:
        ValueError: not a device, or not here.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"device {name!r} cannot be used here ({reason}); use cpu or auto") from None
    return name


def workplace(folder: Path, resources: Resources) -> Workplace:
    """Where this process works.

    Raises:
        ValueError: a device that is not there, a number of loaders that makes no sense.
    """
    elsewhere = resources.cluster is not None and not resources.cluster.gpus_per_task
    here = device("cpu" if elsewhere and resources.device == "auto" else resources.device)
    loaders = num_loaders(resources.loaders, here, resources.team)
    return Workplace(folder, resources.data_root, here, loaders=loaders, team=resources.team)


def num_loaders(asked: int | None, device: str, team: Team | None = None) -> int:
    """Processes that read a stream: as asked, otherwise none on the CPU, whose cores all work, else a share of them."""
    if asked is None:
        beside = int(os.environ.get("LOCAL_WORLD_SIZE", team.size)) if team else 1
        return 0 if device == "cpu" else max(1, min(MOST_LOADERS, len(os.sched_getaffinity(0)) // beside))
    if asked < 0:
        raise ValueError(f"loaders must be at least 0, got {asked}; 0 reads in the working process")
    return asked


def num_workers(asked: int | None, device: str) -> int:
    """Worker processes: as asked, otherwise one for each usable core, and a single one beside a GPU.

    A worker that dies takes nothing with it, where a crash in this process would end the run.
    """
    if asked is None:
        return 1 if device != "cpu" else len(os.sched_getaffinity(0))
    if asked < 0:
        raise ValueError(f"workers must be at least 0, got {asked}; 0 works in this process")
    return asked
