"""A small matrix as a process of its own, and what its folder holds afterwards."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from roarbench.benchmark.results.store import Store

PROJECT = Path(__file__).parents[2]
WORDS = [
    "run", "--classifiers", "mlp[width=16,hidden_layers=1]", "--explainers", "random", "gradient", "vargrad", "sobel",
    "--seeds", "3", "--fractions", "0.3", "0.6", "0.9", "--epochs", "8", "--device", "cpu", "--workers", "2",
    "--evaluator", "false", "--mask-fractions", "--unretrained-fills", "--measures",
]  # fmt: skip

Finished = dict[str, dict[str, float | None]]
"""Key of a finished cell -> its metrics."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status, the last line that it wrote to stderr, and how many told of damage."""

    status: int
    said: str
    damaged: int = 0


def started(out: Path, *words: str, **environment: str) -> subprocess.Popen:
    """The matrix in a folder, in a process group of its own.

    Args:
        words: further options.
    """
    command = [sys.executable, "run_benchmark.py", *WORDS, *words, "--out", str(out)]
    return subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | environment,
    )  # fmt: skip


def ended(process: subprocess.Popen) -> Ended:
    """Waits for a process; of the progress bar nothing is left."""
    _, text = process.communicate()
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines()]
    said = [line for line in lines if line and "cell/s" not in line and "s/cell" not in line and "?cell" not in line]
    return Ended(process.returncode, said[-1] if said else "", sum("is damaged" in line for line in said))


def run(out: Path, *words: str, **environment: str) -> Ended:
    """The matrix in a folder, to its end."""
    return ended(started(out, *words, **environment))


def interrupted(out: Path, cells: int = 12) -> Finished:
    """A folder whose run was killed once so many cells were finished, and what it holds."""
    process = started(out)
    while len(finished(out)) < cells and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    ended(process)
    return finished(out)


def finished(out: Path) -> Finished:
    """What a folder holds; nothing where there is no store yet."""
    try:
        store = Store(out)
    except ValueError:
        return {}
    rows = store.rows()
    store.close()
    return {row.key: row.outcome.metrics for row in rows if row.outcome and row.outcome.status == "done"}


def lost(before: Finished, after: Finished) -> int:
    """Cells that were finished and are not, or are otherwise."""
    return sum(after.get(key) != metrics for key, metrics in before.items())


def differing(one: Finished, other: Mapping[str, dict[str, float | None]]) -> int:
    """Cells that only one of two folders has, or both with other numbers."""
    return sum(one.get(key) != other.get(key) for key in one.keys() | other.keys())


def kill_once(process: subprocess.Popen, whom: Callable[[list[int]], int], seconds: float) -> bool:
    """Kills the driver or a worker after some time; whether there was anything left to kill."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        time.sleep(0.02)
    if process.poll() is not None:
        return False
    try:
        os.kill(whom([process.pid, *children(process.pid)]), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def children(pid: int) -> list[int]:
    """Processes that a process started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def anyone(draw: random.Random) -> Callable[[list[int]], int]:
    """The driver as often as all of its workers together."""
    return lambda pids: pids[0] if len(pids) == 1 or draw.random() < 0.5 else draw.choice(pids[1:])
