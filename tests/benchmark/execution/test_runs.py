"""Whole runs: failures stay where they happen, interruptions cost nothing, finished work is not repeated."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from roarbench import run_benchmark
from roarbench.benchmark.results.store import FILE, Store
from tests.conftest import outcomes

pytestmark = pytest.mark.usefixtures("unillustrated")
unreported = pytest.mark.usefixtures("unreported")

NETWORK = """
import torch
from torch import nn
class Functional(nn.Linear):
    def forward(self, inputs):
        return super().forward(torch.relu(inputs.flatten(1)))
def functional(feature_shape, num_classes):
    return Functional(64, num_classes)
def softmax(feature_shape, num_classes):
    return nn.Sequential(functional(feature_shape, num_classes), nn.Softmax(1))
class Silent(Functional):
    def forward(self, inputs):
        raise KeyError
def silent(feature_shape, num_classes):
    return Silent(64, num_classes)
"""
PROJECT = Path(__file__).parents[3]
SMALL = [
    "run", "--classifiers", "mlp[width=16,hidden_layers=1]", "--explainers", "random", "gradient", "--seeds", "2",
    "--fractions", "0.3", "0.9", "--epochs", "3", "--device", "cpu",
]  # fmt: skip
LEAN = ["--evaluator", "false", "--mask-fractions", "--unretrained-fills", "--measures"]
"""Nothing beside the curves."""

MINE = '''
from dataclasses import dataclass
import torch
from roarbench.methods.base import Skip, View
from roarbench.methods.ensembles import NoisyMoments

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

@dataclass(frozen=True)
class Vandal:
    """Changes what it is given."""
    where: str = "inputs"
    def prepare(self, classifier, train):
        if self.where == "train":
            train.inputs.mul_(0)
        if self.where == "later":
            return lambda inputs, targets: inputs + train.inputs.data.zero_().sum()
        return lambda inputs, targets: inputs.mul_(0)

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


def run(*arguments: str, out: Path, workers: int = 0, lean: bool = True) -> int:
    words = [*SMALL, *(LEAN if lean else []), "--workers", str(workers), "--out", str(out)]
    return run_benchmark.main([*words, *arguments])


def statuses(out: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in Store(out).rows():
        if row.specification["ranking"] and row.outcome:
            found.setdefault(row.specification["ranking"]["explainer"]["text"], set()).add(row.outcome.status)
    return found


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.whole
def test_the_explainer_of_the_readme_runs_by_dotted_path(
    workers: int, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = (PROJECT / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    assert len(code.splitlines()) < 15
    (mine / "my_file.py").write_text(code)
    names = ("my_file:MyExplainer", "my_file:MyExplainer[reference=0.5]")
    assert run("--explainers", *names, "--seeds", "1", out=mine / "out", workers=workers) == 0
    assert "\nMyExplainer[reference=0.5] " in capsys.readouterr().out
    assert statuses(mine / "out") == {name: {"done"} for name in names}


def test_failures_stay_where_they_happen(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("mine:Broken", "mine:NotANumber", "mine:BadNeighbour", "mine:Inapplicable", "vargrad", "random")
    assert run("--explainers", *names, out=mine / "out") == 1
    assert statuses(mine / "out") == {
        "mine:Broken": {"failed"}, "mine:NotANumber": {"failed"}, "mine:BadNeighbour": {"failed"},
        "mine:Inapplicable": {"skipped"}, "vargrad": {"done"}, "random": {"done"},
    }  # fmt: skip
    shown, said = capsys.readouterr()
    assert "mine:Broken on digits: 8 cells failed: RuntimeError: no such luck" in said
    assert "cells failed" in shown and "cells skipped" in shown
    roar = (mine / "out" / "report" / "roar.md").read_text()
    assert all(words in roar for words in ("– (0/2)", "no such luck", "needs sound"))
    reasons = [r.outcome.reason for r in Store(mine / "out").rows() if r.outcome and r.outcome.status == "failed"]
    assert any("Traceback" in reason and "no such luck" in reason for reason in reasons)
    assert any("attributions must be finite" in reason for reason in reasons)


@unreported
def test_mended_failures_run_again(mine: Path) -> None:
    names = ("random", "mine:Broken")
    assert run("--explainers", *names, out=mine / "out") == 1
    assert run("--explainers", *names, out=mine / "out") == 1
    assert statuses(mine / "out") == {"random": {"done"}, "mine:Broken": {"failed"}}
    (mine / "mine.py").write_text(
        MINE.replace('raise RuntimeError("no such luck")', "return lambda inputs, targets: inputs")
    )
    sys.modules.pop("mine")
    assert run("--explainers", *names, out=mine / "out") == 0
    assert statuses(mine / "out") == {"random": {"done"}, "mine:Broken": {"done"}}


@unreported
def test_where_no_explainer_works_nothing_is_trained(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--explainers", "mine:Broken", "mine:NotANumber", out=mine / "out") == 2
    shown = capsys.readouterr().err
    assert "mine:Broken fails on a few examples: RuntimeError: no such luck" in shown
    assert "attributions must be finite" in shown
    assert Store(mine / "out").counts().keys() == {"to do"}


@unreported
def test_a_failing_explainer_that_joins_finished_work_fails_alone(mine: Path) -> None:
    assert run("--explainers", "random", "--seeds", "1", out=mine / "out") == 0
    for more in ([], ["--retry-failed"]):
        assert run("--explainers", "random", "mine:Broken", "--seeds", "1", *more, out=mine / "out") == 1
        assert statuses(mine / "out") == {"random": {"done"}, "mine:Broken": {"failed"}}


@unreported
@pytest.mark.whole
def test_an_explainer_that_changes_its_inputs_harms_nobody_else(mine: Path) -> None:
    assert run("--explainers", "random", out=mine / "alone") == 0
    assert run("--explainers", "mine:Vandal", "random", out=mine / "beside") == 1
    both = "mine:Vandal[where=train]", "mine:Vandal[where=later]"
    assert run("--explainers", *both, "random", out=mine / "failed") == 1
    assert statuses(mine / "beside")["mine:Vandal"] == {"failed"}
    assert [statuses(mine / "failed")[explainer] for explainer in both] == [{"failed"}, {"failed"}]
    alone = outcomes(mine / "alone").items()
    assert alone <= outcomes(mine / "beside").items()
    assert alone <= outcomes(mine / "failed").items()


@unreported
def test_an_edited_explainer_never_passes_off_old_numbers(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--explainers", "mine:SometimesBroken", "--seeds", "1", out=mine / "out") == 2
    (mine / "mine.py").write_text(MINE.replace("if train.labels[0] != SEED_ONE_LABEL:", "if False:"))
    sys.modules.pop("mine")
    assert run("--explainers", "mine:SometimesBroken", "--seeds", "1", out=mine / "out") == 0  # it had no result yet
    (mine / "mine.py").write_text(MINE.replace("if train.labels[0] != SEED_ONE_LABEL:", "if 0:"))
    sys.modules.pop("mine")
    assert run("--explainers", "mine:SometimesBroken", "--seeds", "1", out=mine / "out") == 2
    assert "mine.py changed since they were measured" in capsys.readouterr().err


@unreported
def test_a_classifier_of_functions_runs_and_what_has_no_rule_for_it_is_skipped(mine: Path) -> None:
    (mine / "network.py").write_text(NETWORK)
    names = "guided_backprop", "deep_lift", "grad_cam"
    assert run("--classifiers", "network:functional", "--explainers", *names, out=mine / "out") == 0
    assert statuses(mine / "out") == {"guided_backprop": {"done"}, "deep_lift": {"done"}, "grad_cam": {"skipped"}}


def test_a_classifier_that_breaks_the_contract_is_refused_before_anything_is_written(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (mine / "network.py").write_text(NETWORK)
    for name, reason in (
        ("softmax", "must return logits, got probabilities"),
        ("silent", "trained on digits: KeyError"),
    ):
        assert run("--classifiers", f"network:{name}", out=mine / "out") == 2
        assert reason in capsys.readouterr().err
        assert not (mine / "out").exists()


@pytest.mark.whole
def test_a_failure_of_one_seed_lowers_n(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = MINE.replace("train.labels[0] != SEED_ONE_LABEL", "first_weight(classifier) < 0")
    probe = "\ndef first_weight(network):\n    return next(iter(network.parameters())).flatten()[:1].item() + OFFSET\n"
    (mine / "mine.py").write_text(text + probe + f"OFFSET = {_offset(mine)}\n")
    assert run("--explainers", "random", "mine:SometimesBroken", out=mine / "out") == 1
    assert statuses(mine / "out") == {"random": {"done"}, "mine:SometimesBroken": {"done", "failed"}}
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


@unreported
def test_a_finished_run_does_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(out=tmp_path) == 0
    before = outcomes(tmp_path)
    capsys.readouterr()
    assert run(out=tmp_path) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert outcomes(tmp_path) == before


@unreported
@pytest.mark.whole
def test_workers_never_change_a_number(tmp_path: Path) -> None:
    words = ("--explainers", "gradient", "random_per_epoch", "--seeds", "1", "--recursive", "true", "false")
    assert run(*words, out=tmp_path / "here", lean=False) == 0
    assert run(*words, out=tmp_path / "processes", workers=2, lean=False) == 0
    assert outcomes(tmp_path / "here") == outcomes(tmp_path / "processes")


@unreported
def test_a_growing_matrix_keeps_its_finished_cells(tmp_path: Path) -> None:
    assert run("--seeds", "1", out=tmp_path) == 0
    first = _kept(tmp_path)
    assert run("--seeds", "2", out=tmp_path) == 0
    assert first and first.items() <= _kept(tmp_path).items()


def _kept(out: Path) -> dict[str, str]:
    """Finished cells with all that is kept of them, the clock included."""
    return {str(row.specification): str(row.outcome) for row in Store(out).rows() if row.outcome}


def test_rows_tell_the_share_removed_of_all_pixels_and_of_those_that_are_not_black(tmp_path: Path) -> None:
    assert run("--explainers", "random", "deviation", out=tmp_path) == 0
    found = pd.read_csv(tmp_path / "report" / "rows.csv").set_index(["explainer", "order", "removal_fraction", "seed"])
    random, deviation = (found.loc[(name, "lerf", 0.3, 0)] for name in ("random", "deviation"))
    assert random.share_removed == pytest.approx(19 / 64)
    assert random.nonzero_share_removed == pytest.approx(19 / 64, abs=0.02)
    assert deviation.nonzero_share_removed < 0.25  # what differs least from the mean is mostly black border


@unreported
def test_rank_maps_are_gone_after_a_run(tmp_path: Path) -> None:
    assert run(out=tmp_path) == 0
    assert not (tmp_path / "artefacts" / "ranks").exists()


@unreported
@pytest.mark.whole
def test_a_full_disk_stops_the_run_and_keeps_what_is_done(tmp_path: Path) -> None:
    """The limit on file sizes stands in for the end of the disk: the store fits below it, rank maps do not."""
    limited = f"""import resource, signal, sys, run_benchmark
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (75000, 75000))
sys.exit(run_benchmark.main({[*SMALL, *LEAN, "--workers", "0", "--out", str(tmp_path)]}))"""
    done = subprocess.run([sys.executable, "-c", limited], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr
    assert "failed" not in Store(tmp_path).counts()
    assert run(out=tmp_path) == 0
    assert run(out=tmp_path / "unbroken") == 0
    assert outcomes(tmp_path) == outcomes(tmp_path / "unbroken")


@unreported
@pytest.mark.whole
def test_a_killed_run_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    command = [sys.executable, "run_benchmark.py", *SMALL, *LEAN, "--workers", "1", "--out", str(tmp_path / "killed")]
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
    assert outcomes(tmp_path / "killed") == outcomes(tmp_path / "unbroken")


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
