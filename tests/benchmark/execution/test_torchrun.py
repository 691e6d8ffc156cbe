"""Trainings over several processes: equal weights, disjoint shares, and an end that all come to."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from roarbench import run_benchmark
from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.torchrun import own_device
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.networks.team import Team
from roarbench.benchmark.results.store import Store
from roarbench.datasets.batches import batches

PROJECT = Path(__file__).parents[3]
EQUAL = """
import sys
import torch
from torch import distributed
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks.team import Team
from roarbench.benchmark.networks.training import train
from roarbench.datasets.noise import noise

team = Team.assembled("cpu")
data = noise(None, train=66, size=8, channels=1)
with seeded("weights"):
    network = classifier(plugin("resnet8[width=4]", "classifier"), data.train, 10)
train(network, data.train, Recipe(epochs=2, batch_size=16, augmentation="shift_flip"), pairing=("p",), team=team)
mine = torch.cat([p.detach().flatten() for p in network.parameters()])
both = [torch.empty_like(mine) for _ in range(team.size)]
distributed.all_gather(both, mine)
assert torch.equal(*both) and mine.isfinite().all()
try:
    with team.in_step():
        if team.rank == 1:
            raise ValueError("one of us failed")
except (ValueError, RuntimeError) as error:
    assert str(error) == ("process 1 of 2 failed: ValueError: one of us failed", "one of us failed")[team.rank]
else:
    raise SystemExit("nobody noticed")
distributed.destroy_process_group()
"""


def torchrun(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Two processes of a script, on a port of their own."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    place = ["--rdzv-endpoint", "localhost:0", str(script), *arguments]
    return subprocess.run([*command, *place], cwd=PROJECT, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("examples", [64, 65, 67])
def test_shares_are_disjoint_cover_the_batch_and_weigh_what_they_hold(size: int, examples: int) -> None:
    teams = [Team(rank, size, "cpu", None) for rank in range(size)]
    found = batches(torch.randperm(examples), 16, least=teams[0].least)
    assert torch.cat(list(found)).sort().values.tolist() == list(range(examples))
    for batch in found:
        shares = [team.share(batch) for team in teams]
        assert torch.equal(torch.cat(shares), batch)
        assert min(map(len, shares)) >= 2
        means = [t.weight(len(batch)) * part.double().mean().item() for t, part in zip(teams, shares, strict=True)]
        assert sum(means) / size == pytest.approx(batch.double().mean().item())


@pytest.mark.slow
def test_processes_end_with_equal_weights_and_fail_together(tmp_path: Path) -> None:
    (tmp_path / "equal.py").write_text(f"import sys; sys.path.insert(0, {str(PROJECT)!r})\n{EQUAL}")
    done = torchrun(tmp_path / "equal.py")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_run_over_two_processes_is_complete_and_close_to_a_serial_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "run", "--classifiers", "resnet8[width=8]", "--explainers", "gradient", "mine:Broken", "--seeds", "1",
        "--fractions", "0.5", "--mask-fractions", "0.5", "--retrain", "true", "false", "--epochs", "4",
        "--device", "cpu",
    ]  # fmt: skip
    broken = "class Broken:\n    def prepare(self, classifier, train):\n        raise ValueError('no such luck')\n"
    (tmp_path / "mine.py").write_text(f"from dataclasses import dataclass\n@dataclass(frozen=True)\n{broken}")
    script = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(PROJECT)!r}]\n"
    (tmp_path / "run.py").write_text(f"{script}import run_benchmark; sys.exit(run_benchmark.main())")
    done = torchrun(tmp_path / "run.py", *words, "--executor", "torchrun", "--out", str(tmp_path / "both"))
    assert "no such luck" in done.stderr  # torchrun fails with the driver, whose status is 1
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("mine", None)
    assert run_benchmark.main([*words, "--workers", "0", "--out", str(tmp_path / "one")]) == 1
    both, one = (Store(tmp_path / name).rows() for name in ("both", "one"))
    outcomes = [(a.outcome, b.outcome) for a, b in zip(both, one, strict=True)]
    assert all(a and b and a.status == b.status for a, b in outcomes)
    finished = [(a, b) for a, b in outcomes if a and b and "test_accuracy" in b.metrics]
    assert len(finished) >= 6
    for together, alone in finished:
        assert together.metrics["test_accuracy"] == pytest.approx(alone.metrics["test_accuracy"], abs=0.12)
        assert together.provenance["processes"] == "2"
    original = finished[0][0].metrics["test_accuracy"]
    assert original and original > 0.8


@pytest.mark.slow
def test_bad_input_ends_all_processes(tmp_path: Path) -> None:
    words = ["run", "--datasets", "arrays[path=nowhere.npz]", "--executor", "torchrun", "--device", "cpu"]
    done = torchrun(PROJECT / "run_benchmark.py", *words, "--out", str(tmp_path / "out"))
    assert done.returncode != 0
    assert done.stderr.count("path must be an .npz file") == 1


def test_without_torchrun_the_way_to_start_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert run_benchmark.main(["run", "--executor", "torchrun", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "executor torchrun needs torchrun" in error and "torchrun --nproc-per-node 2" in error
    assert len(error.splitlines()) == 1


def test_a_gpu_by_its_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    with pytest.raises(ValueError, match="device must be auto, cpu or cuda with executor torchrun, got cuda:1"):
        own_device("cuda:1")
    assert own_device("cpu") == "cpu"


def test_networks_of_a_team_are_not_stacked(small_matrix: Callable[..., Matrix], place: Workplace) -> None:
    training = plan.cells(small_matrix())[0].training
    team = Workplace(place.folder, place.data_root, "cpu", team=Team(0, 2, "cpu", None))
    assert runner.num_replicas(training, team) == 1 < runner.num_replicas(training, place)
