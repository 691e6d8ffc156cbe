"""Runs the missing cells of a plan, here or in worker processes; the driver alone writes the store."""

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.attempts import attempt
from roarbench.benchmark.execution.interim import Interim
from roarbench.benchmark.execution.processes import Processes
from roarbench.benchmark.execution.progress import Progress, kind_of, progress
from roarbench.benchmark.execution.queue import Queue, Work
from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix.spec import Cell, Fold, Original, PlugIn, Ranking
from roarbench.benchmark.matrix.work import (
    Bundle,
    Chain,
    Group,
    Shared,
    Trial,
    bundles,
    chains,
    evaluators,
    folds,
    groups,
    trainings,
    trials,
)
from roarbench.benchmark.results.artefacts import rank_bytes
from roarbench.benchmark.results.provenance import provenance
from roarbench.benchmark.results.store import Outcome, Store

ROOM = 0.25
"""Share of the free disk that rank maps may take, unless they cannot take less."""

LOOK = 1.0
"""Seconds after which the bar moves even if nothing was finished."""


class Pool(NamedTuple):
    """Who does the work: an executor, and how many pieces it is given at a time."""

    executor: Executor
    capacity: int


@dataclass
class Driver:
    """Hands out work, records outcomes, and passes failures on to the cells that depended on the work.

    Attributes:
        missing: cells without an outcome; shrinks as the run goes on.
        interim: says now and then what is known so far.
    """

    store: Store
    place: Workplace
    pool: Pool
    missing: dict[Cell, None]
    progress: Progress
    keep_ranks: bool = False
    interim: Interim | None = None

    def __post_init__(self) -> None:
        self.waiting = Counter(cell.ranking for cell in self.missing if cell.steps is None)
        self.sizes: dict[Original, tuple[int, int]] = {}
        self.failing: dict[PlugIn, str] = {}
        self.stored = lru_cache(maxsize=None)(self.place.artefacts.has_ranks)

    def run(self) -> None:
        """Tries explainers of the user's own, trains the networks that several cells share, then goes group by group.

        Raises:
            ValueError: no explainer works, and nothing was measured before.
        """
        self._try()
        networks: list[Work] = [t for t in trainings(self.missing) if self._wanted(t)]
        networks += [f for f in folds(self.missing) if not self.place.artefacts.has_network(f)]
        networks += [e for e in evaluators(self.missing) if self._untrained(e)]
        self.progress.expect([*networks, *groups(self.missing)])
        self._drive(networks)
        ranked = dict.fromkeys(cell for cell in self.missing if self._ranked(cell))
        rest = [cell for cell in self.missing if cell not in ranked]
        self._drive([*self._bundles(ranked), *groups(rest), *chains(rest)], roomy=self._roomy())

    def _try(self) -> None:
        """Tells at once which explainers fail; their cells are measured all the same, on networks that were trained."""
        explainers = {cell.ranking.explainer for cell in self.missing if cell.ranking}
        self._drive(trials(self.missing))
        if self.failing and self.failing.keys() >= explainers and not self.store.counts()["done"]:
            raise ValueError("; ".join(self.failing.values()))
        for complaint in self.failing.values():
            self.progress.say(f"{complaint}; the others go on")

    def _wanted(self, training: Original) -> bool:
        return Cell(training, None, None) in self.missing or not self.place.artefacts.has_network(training)

    def _untrained(self, evaluator: Shared) -> bool:
        return evaluator.cell in self.missing or not self.place.artefacts.has_network(evaluator.cell)

    def _drive(self, work: Iterable[Work], *, roomy: bool = True) -> None:
        """Keeps as many pieces of work in flight as the pool takes, in the order of `Queue`.

        When a worker dies, any of the work in flight may be the cause: each piece is then done once more, alone.
        """
        ready = Queue(work, self.pool.capacity, roomy=roomy, seconds=self._seconds)
        running: dict[Future[list[Outcome]], Work] = {}
        while ready or running:
            suspects: list[Work] = []
            while ready and len(running) < self.pool.capacity:
                part = ready.take(running.values())
                running[self._submitted(part)] = part
            for future in wait(running, LOOK, return_when=FIRST_COMPLETED).done:
                part = running.pop(future)
                if isinstance(future.exception(), BrokenExecutor):
                    suspects.append(part)
                else:
                    ready.add(self._finished(part, future.result()))
            self._look()
            if suspects:
                suspects += running.values()  # their futures are broken, too
                running.clear()
                self._renewed()
                for suspect in suspects:
                    ready.add(self._alone(suspect))

    def _look(self) -> None:
        """Shows what is being done, and at times what is known so far."""
        self.progress.show()
        if self.interim and self.missing:
            self.interim.look(self.progress.seconds_left(), self.progress.say)

    def _seconds(self, part: Work) -> float:
        return self.progress.mean(kind_of(part)) or 0.0

    def _ranked(self, cell: Cell) -> bool:
        """Whether the rank maps that a cell compares lie on the disk, of an earlier pass."""
        if cell.ranking is None or cell.steps is not None or cell.probe == "attribution":
            return False
        return self.stored(cell.ranking, "train" if cell.retrain else "test")

    def _bundles(self, cells: Iterable[Cell]) -> list[Bundle]:
        """Cells whose rank maps are stored, in bundles; those of one training whoever ranked them."""
        alike: dict[Original, list[Cell]] = {}
        for cell in cells:
            alike.setdefault(cell.training, []).append(cell)
        made: list[Bundle] = []
        for training, part in alike.items():
            replicas, scored = self._sizes(training)
            made += bundles(part, replicas, scored=scored)
        return made

    def _roomy(self) -> bool:
        """Whether rank maps of all missing cells may lie on the disk together: in a quarter of what is free."""
        place, total = replace(self.place, device="cpu"), 0
        alike: dict[Original, set[Ranking]] = {}
        for ranking in (cell.ranking for cell in self.missing if cell.ranking and cell.steps is None):
            if self.place.artefacts.has_network(ranking.training):  # its data can be loaded
                alike.setdefault(replace(ranking.training, seed=0), set()).add(ranking)
        for training, rankings in alike.items():
            data = data_for(training, place)
            examples = sum(map(len, data.splits.values()))
            total += examples * sum(rank_bytes(ranking, data.feature_shape) for ranking in rankings)
        return total < shutil.disk_usage(self.place.folder).free * ROOM

    def _alone(self, work: Work) -> list[Work]:
        """Does work while nothing else is done, and returns what became possible: if its worker dies, it is the cause.

        Its parts are tried one by one, so that one bad explainer takes none of its neighbours with it.
        """
        future = self._submitted(work)
        wait([future])
        if not isinstance(future.exception(), BrokenExecutor):
            return self._finished(work, future.result())
        how = self._renewed()
        parts = [] if isinstance(work, Original | Fold) else work.split()
        if len(parts) > 1:
            return [more for part in parts for more in self._alone(part)]
        cause = "" if how.startswith("ended") else ": a crash of native code, or no memory left"
        reason = f"the worker process died{f', {how}' if how else ''}{cause}"
        outcome = Outcome("failed", reason=reason, provenance=provenance(self.place.device))
        if isinstance(work, Trial):  # once is enough: every death takes all workers with it
            explainer = work.ranking.explainer
            self._record([c for c in self.missing if c.ranking and c.ranking.explainer == explainer], outcome)
        return self._finished(work, [outcome])

    def _submitted(self, work: Work) -> Future[list[Outcome]]:
        self.progress.begins(work)
        try:
            return self.pool.executor.submit(attempt, work, self.place)
        except BrokenExecutor as error:  # a worker died between two pieces of work
            future: Future[list[Outcome]] = Future()
            future.set_exception(error)
            return future

    def _renewed(self) -> str:
        """Fresh workers in place of those that died, and how they did."""
        self.progress.begun.clear()
        return self.pool.executor.renew() if isinstance(self.pool.executor, Processes) else ""

    def _finished(self, work: Work, outcomes: list[Outcome]) -> list[Work]:
        """Records what is known now and returns the work that became possible."""
        self.progress.ended(work)
        outcome = outcomes[0]
        if isinstance(work, Trial):
            self._judge(work, outcome)
        elif isinstance(work, Original):
            self._record([Cell(work, None, None)], outcome)
            if outcome.status != "done":
                self._record([cell for cell in self.missing if _depends(cell, work)], outcome)
        elif isinstance(work, Fold):
            if outcome.status != "done":
                self._record([cell for cell in self.missing if work in folds([cell])], outcome)
        elif isinstance(work, Shared):
            failed = outcome.status != "done"
            self._record([work.cell, *(c for c in self.missing if failed and c.judge == work.cell)], outcome)
        elif isinstance(work, Group) and outcome.status == "done":
            self._record_each(work.assessed, outcomes[1:])
            return [*self._bundles(work.reduced)]
        elif outcome.status != "done" and len(parts := work.split()) > 1:
            return list(parts)  # one bad explainer, or training, must not take its neighbours with it
        elif isinstance(work, Bundle | Chain) and outcome.status == "done":
            self._record_each(work.cells, outcomes)
        else:
            self._record(work.cells, outcome)
        return []

    def _judge(self, trial: Trial, outcome: Outcome) -> None:
        """Notes an explainer that fails; where it does not apply, the run itself will tell."""
        if outcome.status == "failed":
            explainer, (reason, _, _) = trial.ranking.explainer, outcome.reason.partition("\n")
            self.failing[explainer] = f"{explainer.text} fails on a few examples: {reason}"

    def _sizes(self, training: Original) -> tuple[int, int]:
        """Cells of a bundle that are retrained, and that are not; the same for all seeds."""
        key = replace(training, seed=0)
        if key not in self.sizes:
            self.sizes[key] = runner.num_replicas(training, self.place), runner.num_scored(training, self.place)
        return self.sizes[key]

    def _record(self, cells: Iterable[Cell], outcome: Outcome) -> None:
        cells = list(cells)
        self._record_each(cells, [outcome] * len(cells))

    def _record_each(self, cells: Sequence[Cell], outcomes: Sequence[Outcome]) -> None:
        """Stores outcomes that came at the same moment in one transaction, which takes as long as many a cell."""
        known = {cell: one for cell, one in zip(cells, outcomes, strict=True) if cell in self.missing}
        if known:
            self.store.record_all(known)
        for cell in known:
            del self.missing[cell]
            self.progress.recorded(cell)
            if cell.steps is None:  # chains rank for themselves
                self._drop_ranks(cell.ranking)

    def _drop_ranks(self, ranking: Ranking | None) -> None:
        """Rank maps are large; they go once their last cell is measured."""
        self.waiting[ranking] -= 1
        if ranking and not self.waiting[ranking] and not self.keep_ranks:
            self.place.artefacts.drop_ranks(ranking)


def execute(
    store: Store,
    missing: list[Cell],
    place: Workplace,
    pool: Pool,
    *,
    keep_ranks: bool = False,
    interim: Interim | None = None,
) -> None:
    """Measures cells that have no outcome yet.

    Args:
        keep_ranks: leave rank maps for cells that may be asked for later; otherwise they go with their last cell.
        interim: says now and then what is known so far.

    Raises:
        OSError: no space left on the device; finished cells are kept.
    """
    with progress(place.folder.name, missing, pool.capacity) as shown:
        Driver(store, place, pool, dict.fromkeys(missing), shown, keep_ranks, interim).run()


def _depends(cell: Cell, training: Original) -> bool:
    return (cell.ranking is not None and cell.ranking.training == training) or (
        cell.training == training and not (cell.retrain or cell.evaluator)
    )
