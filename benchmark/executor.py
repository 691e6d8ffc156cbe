"""Runs the missing cells of a plan, here or in worker processes; the driver alone writes the store."""

import errno
import multiprocessing
import os
import signal
import threading
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import wait as wait_for_end
from typing import NamedTuple

from tqdm import tqdm

from benchmark import runner
from benchmark.precision import exact
from benchmark.provenance import provenance
from benchmark.recursion import measure_chain
from benchmark.runner import Workplace
from benchmark.spec import Cell, Ranking, Training
from benchmark.store import Outcome, Store
from benchmark.work import Bundle, Chain, Group, bundles, chains, groups, trainings
from methods.base import Skip

Work = Training | Group | Bundle | Chain
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Crew(NamedTuple):
    """Who does the work: a pool that takes it, and how many pieces are handed out at a time."""

    pool: Executor
    capacity: int


@dataclass
class Driver:
    """Hands out work, records outcomes, and passes failures on to the cells that depended on the work.

    Attributes:
        missing: cells without an outcome; shrinks as the run goes on.
    """

    store: Store
    place: Workplace
    crew: Crew
    missing: dict[Cell, None]
    bar: tqdm
    keep_ranks: bool = False

    def __post_init__(self) -> None:
        self.waiting = Counter(cell.ranking for cell in self.missing if cell.steps is None)
        self.replicas: dict[Training, int] = {}

    def run(self) -> None:
        """Trains the original networks first, then ranks and measures group by group."""
        self._drive(t for t in trainings(self.missing) if self._wanted(t))
        self._drive([*groups(self.missing), *chains(self.missing)])

    def _wanted(self, training: Training) -> bool:
        return Cell(training, None, None) in self.missing or not self.place.artefacts.has_network(training)

    def _drive(self, work: Iterable[Work]) -> None:
        """Keeps as many pieces of work in flight as the crew takes; what follows from finished work goes first."""
        ready: deque[Work] = deque(work)
        running: dict[Future[list[Outcome]], Work] = {}
        while ready or running:
            while ready and len(running) < self.crew.capacity:
                part = ready.popleft()
                running[self.crew.pool.submit(attempt, part, self.place)] = part
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                ready.extendleft(reversed(self._finished(running.pop(future), future.result())))

    def _finished(self, work: Work, outcomes: list[Outcome]) -> list[Work]:
        """Records what is known now and returns the work that became possible."""
        outcome = outcomes[0]
        if isinstance(work, Training):
            self._record([Cell(work, None, None)], outcome)
            if outcome.status != "done":
                self._record([cell for cell in self.missing if _depends(cell, work)], outcome)
        elif isinstance(work, Group) and outcome.status == "done":
            self._record_each(work.assessed, outcomes[1:])
            return list(bundles(work.reduced, self._num_replicas(work.cells[0].training)))
        elif outcome.status != "done" and len(parts := work.split()) > 1:
            return list(parts)  # one bad explainer, or training, must not take its neighbours with it
        elif isinstance(work, Bundle | Chain) and outcome.status == "done":
            self._record_each(work.cells, outcomes)
        else:
            self._record(work.cells, outcome)
        return []

    def _num_replicas(self, training: Training) -> int:
        """Cells of a bundle; the same for all seeds."""
        key = replace(training, seed=0)
        if key not in self.replicas:
            self.replicas[key] = runner.num_replicas(training, self.place)
        return self.replicas[key]

    def _record_each(self, cells: Sequence[Cell], outcomes: Sequence[Outcome]) -> None:
        for cell, measured in zip(cells, outcomes, strict=True):
            self._record([cell], measured)

    def _record(self, cells: Iterable[Cell], outcome: Outcome) -> None:
        for cell in cells:
            if cell in self.missing:
                self.store.record(cell, outcome)
                del self.missing[cell]
                self.bar.update()
                if cell.steps is None:  # chains rank for themselves
                    self._drop_ranks(cell.ranking)

    def _drop_ranks(self, ranking: Ranking | None) -> None:
        """Rank maps are large; they go once their last cell is measured."""
        self.waiting[ranking] -= 1
        if ranking and not self.waiting[ranking] and not self.keep_ranks:
            self.place.artefacts.drop_ranks(ranking)


def execute(store: Store, missing: list[Cell], place: Workplace, crew: Crew, *, keep_ranks: bool = False) -> None:
    """Measures cells that have no outcome yet.

    Args:
        keep_ranks: leave rank maps for cells that may be asked for later; otherwise they go with their last cell.

    Raises:
        OSError: no space left on the device; finished cells are kept.
        RuntimeError: a worker process died; finished cells are kept.
    """
    with tqdm(total=len(missing), unit="cell", desc=place.folder.name, smoothing=0.02, mininterval=0.5) as bar:
        Driver(store, place, crew, dict.fromkeys(missing), bar, keep_ranks).run()


def attempt(work: Work, place: Workplace) -> list[Outcome]:
    """Does one piece of work; the single place where any exception becomes an outcome, of all of it.

    Returns:
        One outcome of a training or of all of the work; those of the cells of a bundle or chain; one of a group, and
        those of the cells that were measured with its pass.
    """
    try:
        if isinstance(work, Training):
            return [runner.train_original(work, place)]
        if isinstance(work, Bundle):
            return (
                runner.measure_together(work.cells, place)
                if len(work.cells) > 1
                else [runner.measure(work.cells[0], place)]
            )
        if isinstance(work, Chain):
            return measure_chain(work.cells, place)
        return [Outcome("done"), *runner.rank(work.rankings, place, work.assessed)]
    except Skip as skip:
        return [Outcome("skipped", reason=str(skip))]
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise
        runner.forget_data()
        first_line = f"{type(error).__name__}: {error}".partition("\n")[0]
        reason = f"{first_line}\n\n{traceback.format_exc()}"
        return [Outcome("failed", reason=reason, provenance=provenance(place.device))]


def _depends(cell: Cell, training: Training) -> bool:
    return (cell.ranking is not None and cell.ranking.training == training) or (
        cell.training == training and not cell.retrain
    )


class Here(Executor):
    """Does submitted work at once, in this process: for one GPU, and for debugging."""

    def submit(self, work: Callable, /, *arguments: object, **keywords: object) -> Future:
        future: Future = Future()
        future.set_result(work(*arguments, **keywords))
        return future


@contextmanager
def pool(workers: int) -> Iterator[Executor]:
    """Worker processes, or this process for 0. One thread each, so that their number never changes a number."""
    if workers == 0:
        exact()
        yield Here()
        return
    context = multiprocessing.get_context("spawn")
    processes = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        with _one_bar():
            yield processes
    except BaseException:  # Ctrl-C too: do not wait for the cells in flight
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        processes.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _one_bar() -> Iterator[None]:
    """No progress bars in the worker processes that start meanwhile: the one of all tasks is enough."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"  # tqdm reads it when it is imported
    try:
        yield
    finally:
        os.environ.pop("TQDM_DISABLE")
        if before is not None:
            os.environ["TQDM_DISABLE"] = before


def _start_worker() -> None:
    """Ctrl-C is for the driver; a worker ends when the driver does, even by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exact()
    parent = multiprocessing.parent_process()
    if parent:
        threading.Thread(target=lambda: (wait_for_end([parent.sentinel]), os._exit(1)), daemon=True).start()
