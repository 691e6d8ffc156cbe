"""Whole runs: failures stay where they happen, interruptions cost nothing, finished work is not repeated."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import run_benchmark
from benchmark.artefacts import Artefacts
from benchmark.store import FILE, Store

PROJECT = Path(__file__).parents[2]
SMALL = [
    "run", "--classifiers", "mlp[width=16,hidden_layers=1]", "--explainers", "random", "gradient", "--seeds", "2",
    "--fractions", "0.3", "0.9", "--epochs", "3", "--device", "cpu",
]  # fmt: skip
MINE = '''
from dataclasses import dataclass
import torch
from methods.base import Skip, View
from methods.ensembles import NoisyMoments

@dataclass(frozen=True)
class Broken:
    def prepare(self, classifier, train):
        raise RuntimeError("no such luck")

@dataclass(frozen=True)
class NotANumber:
    def prepare(self, classifier, train):
        return lambda inputs, targets: inputs * float("nan")

@dataclass(frozen=True)
class SometimesBroken:
    def prepare(self, classifier, train):
        if train.labels[0] != SEED_ONE_LABEL:
            raise RuntimeError("only one seed works")
        return lambda inputs, targets: inputs

@dataclass(frozen=True)
class Inapplicable:
    def prepare(self, classifier, train):
        raise Skip("needs sound")

@dataclass(frozen=True)
class BadNeighbour(View):
    """Shares the pass of vargrad and spoils its own share of it."""
    @property
    def source(self):
        return NoisyMoments()
    def reduce(self, passed):
        return passed[:, 0] * float("nan")

class Mutable:
    def prepare(self, classifier, train):
        return lambda inputs, targets: inputs
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside the project with a user's own explainers, as the current folder."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("mine", None)
    return tmp_path


def run(*arguments: str, out: Path, workers: int = 0) -> int:
    return run_benchmark.main([*SMALL, "--workers", str(workers), "--out", str(out), *arguments])


def rows(out: Path) -> str:
    return (out / "report" / "rows.csv").read_text()


def statuses(out: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in Store(out).rows():
        if row.specification["ranking"] and row.outcome:
            found.setdefault(row.specification["ranking"]["explainer"]["text"], set()).add(row.outcome.status)
    return found


@pytest.mark.parametrize("workers", [0, 1])
def test_the_explainer_of_the_readme_runs_by_dotted_path(
    workers: int, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = (PROJECT / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    assert len(code.splitlines()) < 15
    (mine / "my_file.py").write_text(code)
    names = ("my_file:MyExplainer", "my_file:MyExplainer[power=0.5]")
    assert run("--explainers", *names, "--seeds", "1", out=mine / "out", workers=workers) == 0
    assert "| MyExplainer[power=0.5]" in capsys.readouterr().out
    assert statuses(mine / "out") == {name: {"done"} for name in names}


def test_failures_stay_where_they_happen(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("mine:Broken", "mine:NotANumber", "mine:BadNeighbour", "mine:Inapplicable", "vargrad", "random")
    assert run("--explainers", *names, out=mine / "out") == 1
    assert statuses(mine / "out") == {
        "mine:Broken": {"failed"}, "mine:NotANumber": {"failed"}, "mine:BadNeighbour": {"failed"},
        "mine:Inapplicable": {"skipped"}, "vargrad": {"done"}, "random": {"done"},
    }  # fmt: skip
    shown = capsys.readouterr().out
    assert "– (0/2)" in shown
    assert "no such luck" in shown
    assert "needs sound" in shown
    reasons = [r.outcome.reason for r in Store(mine / "out").rows() if r.outcome and r.outcome.status == "failed"]
    assert any("Traceback" in reason and "no such luck" in reason for reason in reasons)
    assert any("attributions must be finite" in reason for reason in reasons)


def test_mended_failures_run_again_when_asked(mine: Path) -> None:
    assert run("--explainers", "mine:Broken", out=mine / "out") == 1
    assert run("--explainers", "mine:Broken", out=mine / "out") == 1
    assert statuses(mine / "out") == {"mine:Broken": {"failed"}}
    (mine / "mine.py").write_text(
        MINE.replace('raise RuntimeError("no such luck")', "return lambda inputs, targets: inputs")
    )
    sys.modules.pop("mine")
    assert run("--explainers", "mine:Broken", "--retry-failed", out=mine / "out") == 0
    assert statuses(mine / "out") == {"mine:Broken": {"done"}}


def test_a_failure_of_one_seed_lowers_n(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = MINE.replace("train.labels[0] != SEED_ONE_LABEL", "first_weight(classifier) < 0")
    probe = "\ndef first_weight(network):\n    return next(iter(network.parameters())).flatten()[:1].item() + OFFSET\n"
    (mine / "mine.py").write_text(text + probe + f"OFFSET = {_offset(mine)}\n")
    assert run("--explainers", "mine:SometimesBroken", out=mine / "out") == 1
    assert statuses(mine / "out") == {"mine:SometimesBroken": {"done", "failed"}}
    assert "(1/2)" in capsys.readouterr().out


def _offset(folder: Path) -> float:
    """Minus the mean of the first weights of the networks of seeds 0 and 1, so that one is above and one below."""
    from safetensors.torch import load_file

    assert run("--explainers", "random", out=folder / "probe") == 0
    files = list((folder / "probe" / "artefacts" / "networks").glob("*.safetensors"))
    firsts = [load_file(file)["1.1.weight"].flatten()[0].item() for file in files]
    return -sum(firsts) / len(firsts)


def test_an_explainer_must_be_a_frozen_dataclass(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--explainers", "mine:Mutable", out=mine / "out") == 2
    assert "frozen=True" in capsys.readouterr().err
    assert not (mine / "out").exists()


def test_a_finished_run_does_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(out=tmp_path) == 0
    before = (tmp_path / FILE).read_bytes(), rows(tmp_path)
    capsys.readouterr()
    assert run(out=tmp_path) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert rows(tmp_path) == before[1]


def test_workers_never_change_a_number(tmp_path: Path) -> None:
    assert run(out=tmp_path / "here") == run(out=tmp_path / "processes", workers=2) == 0
    assert rows(tmp_path / "here") == rows(tmp_path / "processes")


def test_a_growing_matrix_keeps_its_finished_cells(tmp_path: Path) -> None:
    assert run("--seeds", "1", out=tmp_path) == 0
    first = {key: o for key, o in _outcomes(tmp_path).items() if o}
    assert run("--seeds", "2", out=tmp_path) == 0
    assert first.items() <= _outcomes(tmp_path).items()


def _outcomes(out: Path) -> dict[str, str]:
    return {str(row.specification): str(row.outcome) for row in Store(out).rows()}


def test_rank_maps_are_gone_after_a_run(tmp_path: Path) -> None:
    assert run(out=tmp_path) == 0
    assert not (tmp_path / "artefacts" / "ranks").exists()


def test_a_full_disk_stops_the_run_and_keeps_what_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Artefacts, "save_ranks", full)
        assert run(out=tmp_path) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert Store(tmp_path).counts()["done"] == 2
    assert run(out=tmp_path) == 0
    assert run(out=tmp_path / "unbroken") == 0
    assert rows(tmp_path) == rows(tmp_path / "unbroken")


def test_a_killed_run_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    command = [sys.executable, "run_benchmark.py", *SMALL, "--workers", "1", "--out", str(tmp_path / "killed")]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(lambda: (tmp_path / "killed" / FILE).exists() and Store(tmp_path / "killed").counts()["done"] >= 4)
        workers = _children(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert workers
    _wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    assert 4 <= Store(tmp_path / "killed").counts()["done"] < 10
    assert run(out=tmp_path / "killed") == run(out=tmp_path / "unbroken") == 0
    assert rows(tmp_path / "killed") == rows(tmp_path / "unbroken")


def _wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return (
        [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]
        if os.name == "posix"
        else []
    )
