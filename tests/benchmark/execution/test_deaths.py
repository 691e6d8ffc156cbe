"""Explainers that end their worker process fail alone; workers that are killed from outside cost nothing but time."""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.execution.processes import Processes
from roarbench.benchmark.results.store import Store

DEADLY = """
import ctypes, os, sys
from dataclasses import dataclass

@dataclass(frozen=True)
class Deadly:
    how: str = "segfault"
    def prepare(self, classifier, train):
        def attribute(inputs, targets):
            if self.how == "segfault":
                ctypes.string_at(0)
            if self.how == "gone":
                os._exit(3)
            if self.how == "exit":
                sys.exit("my tool exits")
            raise KeyboardInterrupt
        return attribute
"""


DIED = {
    "segfault": "the worker process died, killed by SIGSEGV",
    "gone": "the worker process died, ended with exit status 3",
    "interrupt": "KeyboardInterrupt",
}
"""What is told of each way to die."""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("deadly", None)
    return tmp_path


def run(*arguments: str, out: Path) -> int:
    words = [
        "run", "--classifiers", "mlp[width=8,hidden_layers=1]", "--seeds", "1", "--fractions", "0.5", "--epochs", "1",
        "--evaluator", "false", "--mask-fractions", "--unretrained-fills", "--measures", "--orders", "morf",
        "--out", str(out),
    ]  # fmt: skip
    return run_benchmark.main([*words, *arguments])


def outcomes(out: Path) -> dict[str, tuple[str, str]]:
    """Explainer -> status and first line of the reason."""
    rows = [row for row in Store(out).rows() if row.specification["ranking"] and row.outcome]
    return {
        row.specification["ranking"]["explainer"]["text"]: (row.outcome.status, row.outcome.reason.partition("\n")[0])
        for row in rows
        if row.outcome
    }


@pytest.mark.usefixtures("unillustrated")
def test_an_explainer_that_exits_fails_alone_in_this_process(mine: Path) -> None:
    assert run("--explainers", "random", "deadly:Deadly[how=exit]", "gradient", "--workers", "0", out=mine / "out") == 1
    assert outcomes(mine / "out") == {
        "random": ("done", ""), "gradient": ("done", ""),
        "deadly:Deadly[how=exit]": ("failed", "SystemExit: my tool exits"),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("unillustrated")
@pytest.mark.parametrize(("workers", "ways"), [("1", ("segfault",)), ("2", ("segfault", "gone", "interrupt"))])
def test_explainers_that_kill_their_process_fail_alone(mine: Path, workers: str, ways: tuple[str, ...]) -> None:
    names = [f"deadly:Deadly[how={how}]" if how != "segfault" else "deadly:Deadly" for how in ways]
    assert run("--explainers", "random", *names, "gradient", "--workers", workers, out=mine / "out") == 1
    became = outcomes(mine / "out")
    assert became["random"] == became["gradient"] == ("done", "")
    assert all(became[name][0] == "failed" for name in names)
    assert all(DIED[how] in became[name][1] for how, name in zip(ways, names, strict=True))


@pytest.fixture
def processes() -> Iterator[Processes]:
    workers = Processes(1)
    yield workers
    workers.shutdown()


@pytest.mark.slow
def test_dead_workers_make_way_for_new_ones_and_say_how_they_died(processes: Processes) -> None:
    assert processes.submit(abs, -1).result() == 1
    with pytest.raises(BrokenExecutor):
        processes.submit(os.kill, processes.submit(os.getpid).result(), signal.SIGKILL).result()
    assert processes.renew() == "killed by SIGKILL"
    assert processes.submit(abs, -2).result() == 2
