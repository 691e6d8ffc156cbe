"""`run`: measures a matrix, or what is left of it, and ends with its report."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import OmitArgPrefixes, arg

from roarbench.benchmark.matrix import plan
from roarbench.benchmark.results.store import usable
from roarbench.benchmark.verbosity import quiet
from roarbench.reports.rows.focus import Focus

if TYPE_CHECKING:
    from roarbench.reports.answers import Answer

DATA = Path("data")
"""Folder of the data sets by default, which is made when something is downloaded into it."""


@dataclass(frozen=True)
class Run:
    """Measures a matrix of explainers, or the rest of it, and ends with the answer and a report.

    Attributes:
        matrix: what is measured: the product of these lists. Every name may carry parameters in brackets.
        config: a preset (see list) or a TOML file; all other options override its fields.
        out: folder of the run; by default runs/<config>.
        data_root: folder of the data sets; what is missing there is downloaded into it.
        device: cpu, cuda, cuda:1, ...; auto takes CUDA where there is one.
        workers: number of worker processes; by default one for each core, or a single one with a GPU. With 0 all work
            is done in this process, and an explainer that crashes ends it.
        executor: local worker processes, ray (extra of that name) on one or many machines, or torchrun: all processes
            that it started train each network together.
        loaders: processes that read images from disk for each worker; by default none on the CPU, and the cores
            beside a GPU.
        ray_address: cluster for ray, such as auto; by default one is started for the run.
        gpus_per_task: share of a GPU for each piece of work under ray: 0.25 puts four on each.
        dry_run: only prints what would be done, and what it would take, measured on a sample.
        retry_failed: measures failed cells again.
        open: opens the page of the report in the browser.
    """

    matrix: Annotated[OmitArgPrefixes[plan.Matrix], arg(name="measurement")]
    focus: Annotated[OmitArgPrefixes[Focus], arg(name="comparison")] = Focus()
    config: str = "quick"
    out: Path | None = None
    data_root: Path = DATA
    device: str = "auto"
    workers: int | None = None
    executor: Literal["local", "ray", "torchrun"] = "local"
    loaders: int | None = None
    ray_address: str | None = None
    gpus_per_task: float = 0.0
    dry_run: bool = False
    retry_failed: bool = False
    open: bool = False

    def __call__(self) -> int:
        folder = self.out or _folder(self.config)
        self._check(folder)
        from roarbench.reports import answers
        from roarbench.reports.rows.names import resolved

        question = answers.Question(folder, self.matrix, self.focus, self.device)
        anew = self.dry_run or self.retry_failed or self.executor == "torchrun"
        if not anew and (known := answers.recall(question)):
            return self._given(known, f"{folder}: all cells are finished, nothing to do")
        axes = plan.axes(self.matrix)
        _, _, explainers, *_ = axes
        resolved(self.focus, [explainer.text for explainer in explainers])
        counts = self._run(folder)
        if counts is None:
            return 0
        answer = answers.answer(question, counts)
        answers.keep(question, answer, [plugin for axis in axes for plugin in axis])
        return self._given(answer)

    def _given(self, answer: "Answer", *lines: str) -> int:
        """Prints how a run ended."""
        from roarbench.reports.terminal.browser import opened
        from roarbench.reports.terminal.text import show

        show(answer.report)
        if answer.status or not quiet():
            print("\n".join([*lines, *answer.summary]), file=sys.stderr)
        if self.open:
            opened(self.out or _folder(self.config))
        return answer.status

    def _check(self, folder: Path) -> None:
        """Raises ValueError for what is wrong at first sight: nothing is loaded before."""
        plan.check(self.matrix)
        if self.executor != "ray" and (self.ray_address or self.gpus_per_task):
            raise ValueError("ray_address and gpus_per_task need executor ray; add --executor ray or leave them out")
        if self.executor == "torchrun" and (self.workers is not None or self.dry_run):
            raise ValueError("workers and dry_run are not for executor torchrun, whose processes all train together")
        if not self.data_root.is_dir() and (self.data_root != DATA or self.data_root.exists()):
            raise ValueError(
                f"data_root must be a folder, got {self.data_root}; make it, and files are downloaded to it"
            )
        if not (self.dry_run or self.executor == "torchrun"):  # whose processes would try at the same time
            usable(folder)

    def _run(self, folder: Path) -> Counter[str] | None:
        """Number of cells by status; None where nothing is measured, or the report is another process's."""
        from roarbench.benchmark.execution.ray_pool import Cluster  # torch loads only when there is work
        from roarbench.benchmark.execution.session import Resources, run

        cluster = Cluster(self.ray_address, self.gpus_per_task) if self.executor == "ray" else None
        resources = Resources(self.data_root, self.device, self.workers, self.retry_failed, cluster, self.loaders)
        if self.dry_run:
            from roarbench.benchmark.cost.forecast import forecast

            print(forecast(self.matrix, resources))
            return None
        if self.executor == "torchrun":
            from roarbench.benchmark.execution.torchrun import led

            return led(partial(run, self.matrix, folder), folder, resources)
        return run(self.matrix, folder, resources, partial(_so_far, folder))


def _folder(config: str) -> Path:
    """Folder of a run that names none."""
    return Path("runs") / Path(config).stem


def _so_far(folder: Path, seconds_left: float | None) -> Iterator[str]:
    from roarbench.reports.so_far import so_far  # once there is something to tell

    yield from so_far(folder, seconds_left)
