"""Whole matrices: the quick one, and one with one worker, with two and through Ray."""

import contextlib
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roarbench.benchmark.execution.executor import Pool, execute
from roarbench.benchmark.execution.processes import executor
from roarbench.benchmark.execution.ray_pool import Cluster, cluster_pool
from roarbench.benchmark.execution.workplace import Workplace, data_of
from roarbench.benchmark.matrix import plan, presets
from roarbench.benchmark.networks.precision import settled
from roarbench.benchmark.results.store import Store
from tests.speed.timing import Ratio, compare

EXPLAINERS = ("random", "gradient", "integrated_gradients")


def quick() -> float:
    """Seconds of `run_benchmark.py run` on an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        command = [sys.executable, "run_benchmark.py", "run", "--device", "cpu", "--out", folder]
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - started


def workers() -> dict[str, Ratio]:
    """A part of the quick matrix by one worker process against two, and by two through Ray against two of our own."""
    quick = presets.load("quick")
    matrix = replace(quick, explainers=EXPLAINERS, seeds=2, recipe=settled(quick.recipe, "cpu"))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as open_pools:
        place = Workplace(Path(folder), Path("data"), "cpu")
        one, two = (Pool(open_pools.enter_context(executor(number)), number) for number in (1, 2))
        datasets = list(dict.fromkeys(data_of(cell.training) for cell in plan.cells(matrix)))
        ray, seen = open_pools.enter_context(cluster_pool(Cluster(), place, datasets, workers=2))
        by = {
            name: runner(matrix, pool, place_)
            for name, pool, place_ in (("one", one, place), ("two", two, place), ("ray", ray, seen))
        }
        return {
            "one worker against two": compare(by["one"], by["two"], turns=3),
            "Ray against two workers": compare(by["ray"], by["two"], turns=3),
        }


def runner(matrix: plan.Matrix, pool: Pool, place: Workplace) -> Callable[[], None]:
    """Runs a matrix in a new folder with workers that are started already."""
    cells, numbers = plan.cells(matrix), iter(range(1000))

    def run() -> None:
        here = replace(place, folder=place.folder / f"{id(pool)}-{next(numbers)}")
        store = Store(here.folder, create=True)
        store.plan({}, cells)
        with contextlib.redirect_stderr(io.StringIO()):
            execute(store, cells, here, pool)
        store.close()

    return run
