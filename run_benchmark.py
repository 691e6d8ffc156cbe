"""roarbench: which explanation method really finds the features that matter?

$ roarbench run --explainers random gradient integrated_gradients --out runs/first
$ roarbench report --out runs/first --print roar

Every command takes -q (results alone), -v (every step, and the cause of an error) and --help.
- Completion with the Tab key: roarbench --tyro-print-completion bash (or zsh, tcsh).
"""

import argparse
import codecs
import contextlib
import importlib
import io
import os
import sqlite3
import sys
import traceback
import typing
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import subcommand

from roarbench.benchmark.commands.export import Export
from roarbench.benchmark.commands.helped import examples, helped
from roarbench.benchmark.commands.run import Run
from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.arguments import as_typed, complaint, prepared, switches
from roarbench.benchmark.verbosity import spoken, verbose
from roarbench.reports.commands.listing import List
from roarbench.reports.commands.report import Report
from roarbench.reports.commands.rows import Rows
from roarbench.reports.commands.status import Status

FAMILIES = {
    "hns": "roarbench.hns.commands",
    "senn": "roarbench.methods.senn.commands",
    "cladec": "roarbench.methods.cladec.commands",
}
"""Commands with commands of their own: their name, and the module whose `commands` lists them."""

CLOSED_PIPE = 141
"""Exit status when the reader of the output is gone, as of a shell's own commands."""

DESCRIPTION = __doc__ or ""


@dataclass(frozen=True)
class HideAndSeek:
    """Trains and studies Hide-and-Seek (HnS) by itself; see hns --help."""


@dataclass(frozen=True)
class SelfExplaining:
    """Trains and studies self-explaining networks by themselves; see senn --help."""


@dataclass(frozen=True)
class Decoding:
    """Trains and studies decoders of layers (ClaDec) by themselves; see cladec --help."""


OVERVIEWS = ((HideAndSeek, "hns"), (SelfExplaining, "senn"), (Decoding, "cladec"))
"""Commands with commands of their own, and their names."""

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
        | Annotated[Rows, subcommand("rows")]
        | Annotated[HideAndSeek, subcommand("hns")]
        | Annotated[SelfExplaining, subcommand("senn")]
        | Annotated[Decoding, subcommand("cladec")]
    )


SIGNS = {"⚑": "!", "±": "+-", "–": "-", "─": "-", "…": "..."}
"""Replacement of a sign that a terminal lacks; a question mark for all others."""


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
        status = parsed(spoken(words))()
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
        if verbose():
            traceback.print_exc()
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


def parsed(arguments: list[str]) -> Callable[[], int]:
    """The command, with the preset that `--config` names as its defaults."""
    config = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    config.add_argument("--config", nargs="?", const="")
    preset = config.parse_known_args(arguments)[0].config
    family = next((name for name in FAMILIES if arguments[:1] == [name]), "")
    command = importlib.import_module(FAMILIES[family]).commands(preset) if family else commands(preset)
    kinds = [typing.get_args(member)[0] for member in typing.get_args(command)]
    words = prepared(arguments[bool(family) :], switches(kinds))
    alone = not {"-h", "--help"} & {*words[:1]}
    prog = " ".join(filter(None, (_program(), family)))
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            shown = helped(command, family, alone=alone)
            return tyro.cli(shown, args=words, prog=prog, description=_described(family))
    except SystemExit as end:
        if end.code in (0, None):
            raise
        raise ValueError(complaint(box.getvalue(), kinds)) from None


def _described(family: str) -> str:
    """What the list of commands begins with: a sentence and two examples."""
    if not family:
        return DESCRIPTION
    sentence = next((kind.__doc__ or "").partition(";")[0] for kind, name in OVERVIEWS if name == family)
    return "\n".join([f"{sentence}.", "", *(f"$ {line}" for line in examples(family)["train"])])


def _program() -> str:
    """How this program was called: by the command of the package, or as a file of a checkout."""
    return "roarbench" if Path(sys.argv[0]).name == "roarbench" else "run_benchmark.py"


if __name__ == "__main__":
    sys.exit(main())
