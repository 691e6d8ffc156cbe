"""roarbench: which explanation method really finds the features that matter?

python run_benchmark.py list                 what there is: data sets, classifiers, explainers, fills, presets
python run_benchmark.py run                  the quick matrix on digits, and its report
python run_benchmark.py run --config mnist   a preset; every field can be overridden on the command line
python run_benchmark.py status --out DIR     how far a run is
python run_benchmark.py report --out DIR     tables and curves of a run
python run_benchmark.py export gradient m.npz --out DIR   the maps of an explainer of a run
"""

import argparse
import codecs
import contextlib
import importlib
import io
import os
import sqlite3
import sys
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import OmitArgPrefixes, Positional, subcommand

from roarbench.benchmark.matrix import plan, plugins, presets
from roarbench.benchmark.matrix.arguments import as_typed, complaint, prepared, switches
from roarbench.benchmark.matrix.described import summary
from roarbench.benchmark.results.store import require, usable
from roarbench.reports.rows.focus import Focus

if TYPE_CHECKING:
    from roarbench.reports.answers import Answer

FAMILIES = {
    "hns": "roarbench.hns.commands",
    "senn": "roarbench.methods.senn.commands",
    "cladec": "roarbench.methods.cladec.commands",
}
"""Commands with commands of their own: their name, and the module whose `commands` lists them."""

DATA = Path("data")
"""Folder of the data sets by default, which is made when something is downloaded into it."""

CLOSED_PIPE = 141
"""Exit status when the reader of the output is gone, as of a shell's own commands."""

SENTENCE = (__doc__ or "").partition("\n")[0]


@dataclass(frozen=True)
class List:
    """Prints the names that can be written on the command line, with a line about each."""

    def __call__(self) -> int:
        for kind, table in ((kind, table) for kind, table in plugins.TABLES.items() if table):
            print(f"\n{kind}s\n" + "\n".join(f"  {name:24}{summary(kind, name)}" for name in table))
        for kind, groups in plugins.GROUPS.items():
            lines = (f"  {name:24}{', '.join(members)}" for name, members in groups.items())
            print(f"\ngroups of {kind}s\n" + "\n".join(lines))
        print(f"\npresets\n{presets.listing()}")
        return 0


@dataclass(frozen=True)
class Run:
    """Runs a matrix, or what is left of it, and ends with its report.

    Attributes:
        config: a preset (see list) or a TOML file; all other options override its fields.
        out: folder of the run; by default runs/<config>.
        data_root: folder of the data sets; what is missing there is downloaded into it.
        device: cpu, cuda, cuda:1, ...; auto takes CUDA where there is one.
        workers: worker processes; by default one for each core, and a single one beside a GPU; 0 works in this process,
            which an explainer that crashes then ends.
        executor: local worker processes, ray (extra of that name) on one or many machines, or torchrun: all processes
            that it started train each network together.
        loaders: processes that read images from disk for each worker; by default none on the CPU, and the cores
            beside a GPU.
        ray_address: cluster for ray, such as auto; by default one is started for the run.
        gpus_per_task: share of a GPU for each piece of work under ray: 0.25 puts four on each.
        dry_run: only prints what would be done, and what it would take, measured on a sample.
        retry_failed: runs failed cells again.
    """

    matrix: OmitArgPrefixes[plan.Matrix]
    focus: OmitArgPrefixes[Focus] = Focus()
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

    def __call__(self) -> int:
        folder = self.out or Path("runs") / Path(self.config).stem
        self._check(folder)
        from roarbench.reports import answers
        from roarbench.reports.rows.names import resolved

        question = answers.Question(folder, self.matrix, self.focus, self.device)
        anew = self.dry_run or self.retry_failed or self.executor == "torchrun"
        if not anew and (known := answers.recall(question)):
            print(f"{folder}: all cells are finished, nothing to do", file=sys.stderr)
            return _given(known)
        axes = plan.axes(self.matrix)
        _, _, explainers, *_ = axes
        resolved(self.focus, [explainer.text for explainer in explainers])
        counts = self._run(folder)
        if counts is None:
            return 0
        answer = answers.answer(question, counts)
        answers.keep(question, answer, [plugin for axis in axes for plugin in axis])
        return _given(answer)

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


def _so_far(folder: Path, seconds_left: float | None) -> Iterator[str]:
    from roarbench.reports.so_far import so_far  # once there is something to tell

    yield from so_far(folder, seconds_left)


@dataclass(frozen=True)
class Export:
    """Writes the maps of an explainer of a run to a file, for other programs or for the explainer stored.

    Attributes:
        explainer: as written in the run.
        file: .npz or .safetensors, with an array for each split and the labels beside it.
        out: folder of the run, whose networks are trained.
        seed: of the explained network.
        data_root: folder of the data sets.
        device: cpu, cuda, cuda:1, ...; auto takes CUDA where there is one.
    """

    explainer: Positional[str]
    file: Positional[Path]
    out: Path = Path("runs/quick")
    seed: int = 0
    data_root: Path = DATA
    device: str = "auto"

    def __call__(self) -> int:
        require(self.out)
        from roarbench.benchmark.execution.export import export
        from roarbench.benchmark.execution.session import Resources

        resources = Resources(self.data_root, self.device, workers=0)
        print("\n".join(export(self.out, self.explainer, self.file, resources, seed=self.seed)))
        return 0


@dataclass(frozen=True)
class Status:
    """Prints how many cells of a run are done, failed, skipped and to do, and why cells failed.

    Attributes:
        out: folder of the run.
        failures: prints the traceback of every failure.
    """

    out: Path = Path("runs/quick")
    failures: bool = False

    def __call__(self) -> int:
        from roarbench.reports.status import status

        print(status(self.out, failures=self.failures))
        return 0


@dataclass(frozen=True)
class Report:
    """Writes and prints the tables and curves of a run, finished or not.

    Attributes:
        out: folder of the run; the report lies in its folder report.
        reference: sets Table 2 of Hooker et al. 2019 beside the run, and judges the claims of the paper.
        decimals: decimals of percentages, by default 1; F, FIR, FII and correlations get one more. With decimals,
            columns or explainers only tables are written, to the folder report-view.
        columns: show only these columns: removal fractions, names of columns, or words of these; tables that have none
            of them are shown whole.
        explainers: show only these explainers, as written or by their labels; tests still use all.
        watch: renders again whenever cells were measured, until none is left to do.
        every: seconds between two refreshes, with watch.
        compare: two folders: prints what moved from the first to the second, instead of a report.
        merge: folders of runs of one protocol, which become one run in out before it is reported.
    """

    focus: OmitArgPrefixes[Focus] = Focus()
    out: Path = Path("runs/quick")
    reference: bool = False
    decimals: int | None = None
    columns: tuple[str, ...] = ()
    explainers: tuple[str, ...] = ()
    watch: bool = False
    every: float = 30.0
    compare: tuple[Path, Path] | None = None
    merge: tuple[Path, ...] = ()

    def __call__(self) -> int:
        for folder in self.compare or self.merge or [self.out]:
            require(folder)
        from roarbench.reports.again import Asked, unchanged

        full = not (self.compare or self.merge or self.watch or self.columns or self.explainers)
        if full and self.decimals is None and (printed := unchanged(Asked(self.out, self.reference, self.focus))):
            print(printed)
            return 0
        from roarbench.benchmark.results.merging import merge
        from roarbench.reports.report import report
        from roarbench.reports.tables.comparison import compare_runs
        from roarbench.reports.tables.view import View
        from roarbench.reports.watch import watch

        if self.compare:
            print(compare_runs(*self.compare))
            return 0
        if self.merge:
            merge(self.merge, self.out)
        view = View(self.decimals, self.columns, self.explainers)
        render = partial(report, self.out, reference=self.reference, view=view, focus=self.focus)
        if self.watch:
            watch(self.out, render, self.every)
        else:
            print(render())
        return 0


@dataclass(frozen=True)
class HideAndSeek:
    """Trains and studies Hide-and-Seek by itself; see hns --help."""


@dataclass(frozen=True)
class SelfExplaining:
    """Trains and studies self-explaining networks by themselves; see senn --help."""


@dataclass(frozen=True)
class Decoding:
    """Trains and studies decoders of layers (ClaDec) by themselves; see cladec --help."""


KINDS = (Run, Export, Status, Report)
"""Commands whose options have checks of their own."""


def commands(config: str | None) -> Any:
    """The commands of the matrix as tyro reads them, with the preset as the default of their options."""
    return (
        Annotated[List, subcommand("list")]
        | Annotated[Run, subcommand("run", default=Run(presets.load("quick" if config is None else config)))]
        | Annotated[Export, subcommand("export")]
        | Annotated[Status, subcommand("status")]
        | Annotated[Report, subcommand("report")]
        | Annotated[HideAndSeek, subcommand("hns")]
        | Annotated[SelfExplaining, subcommand("senn")]
        | Annotated[Decoding, subcommand("cladec")]
    )


SIGNS = {"⚑": "!", "±": "+-", "–": "-"}
"""What stands for a sign that a terminal lacks; a question mark for all others."""


def _plain(error: UnicodeError) -> tuple[str, int]:
    lacking = error.object[error.start : error.end]  # type: ignore[attr-defined]
    return "".join(SIGNS.get(sign, "?") for sign in lacking), error.end  # type: ignore[attr-defined]


codecs.register_error("plain", _plain)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses and runs a command.

    Returns:
        0 done, 1 some cells failed, 2 bad input; an interrupted process ends with 130.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")  # a terminal that lacks a sign shows one of its own
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words == ["--version"]:
        print(f"roarbench {version('roarbench')}")
        return 0
    try:
        status = _parsed(words)()
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # `list | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except sqlite3.Error as error:
        full = isinstance(error, sqlite3.OperationalError)
        hint = "is the disk full? Finished cells are kept" if full else "the copy beside it has cells of earlier runs"
        print(f"error: the store of results: {error}; {hint}", file=sys.stderr)
        return 2
    except (ValueError, OSError) as error:
        said = as_typed(str(error).strip(), KINDS) or type(error).__name__
        print(f"error: {said}", file=sys.stderr)
        return 2
    except BrokenExecutor:
        remedy = "perhaps for lack of memory; results are kept, and report draws them again"
        print(f"error: a process that draws figures died, {remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted: finished work is kept, the same command goes on from here", file=sys.stderr)
        return 130


def _parsed(arguments: list[str]) -> Callable[[], int]:
    """The command, with the preset that `--config` names as its defaults."""
    config = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    config.add_argument("--config", nargs="?", const="")
    preset = config.parse_known_args(arguments)[0].config
    family = FAMILIES.get(arguments[0]) if arguments else None
    command = importlib.import_module(family).commands(preset) if family else commands(preset)
    kinds = [typing.get_args(member)[0] for member in typing.get_args(command)]
    words = prepared(arguments, switches(kinds))
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            prog = _program() + (f" {words.pop(0)}" if family else "")
            return tyro.cli(command, args=words, prog=prog, description=SENTENCE)
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise ValueError(complaint(box.getvalue(), kinds)) from None


def _program() -> str:
    """How this program was called: by the command of the package, or as a file of a checkout."""
    return "roarbench" if Path(sys.argv[0]).name == "roarbench" else "run_benchmark.py"


def _given(answer: "Answer") -> int:
    """Prints how a run ended."""
    print(answer.report)
    print("\n".join(answer.summary), file=sys.stderr)
    return answer.status


if __name__ == "__main__":
    sys.exit(main())
