"""Sessions go on: the same result after any kill, and none of the work of a finished training again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.site import Site
from roarbench.hns.commands.session import train
from roarbench.hns.model import fresh_hider
from tests.hns.sessions import CONSTANT, DATA, EASY, KINDS, SETTINGS, alike, outcome, site, unseeded


class KilledError(Exception):
    """Stands for a kill at this moment."""


def killed_after(writes: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Dies in place of the write after so many; returns how many were asked for."""
    whole, count = checkpoint.write, 0

    def write(path: Path, tensors: dict[str, Tensor], notes: dict[str, Any] | None = None) -> None:
        nonlocal count
        count += 1
        if count > writes:
            raise KilledError
        whole(path, tensors, notes)

    monkeypatch.setattr(checkpoint, "write", write)
    return lambda: count


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_killed_at_any_write_comes_to_the_same_result(
    kind: str, uninterrupted: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every process dies in its third write, until one lives to the end."""
    _, settings, identity = KINDS[kind]
    processes = 0
    while not (tmp_path / "result.json").exists():
        processes += 1
        assert processes < 60
        with monkeypatch.context() as patch:
            asked = killed_after(2 if processes % 2 else 3, patch)
            try:
                train(settings, site(tmp_path), identity, dict)
            except KilledError:
                assert asked() > 2
    assert processes > 3
    assert alike(tmp_path, uninterrupted[kind])


def test_a_kill_while_the_result_is_made_costs_nothing_either(
    uninterrupted: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is trained; the tables or the result itself are missing."""
    for name in ("write_csv", "write_json"):
        whole = getattr(checkpoint, name)

        def write(path: Path, content: Any, whole: Callable[[Path, Any], None] = whole) -> None:
            if path.name in ("epochs.csv", "result.json"):
                raise KilledError
            whole(path, content)

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, name, write)
            with pytest.raises(KilledError):
                train(SETTINGS, site(tmp_path), EASY, dict)
    train(SETTINGS, site(tmp_path), EASY, dict)
    assert alike(tmp_path, uninterrupted["adaptive"])


def test_seconds_go_on_counting_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        killed_after(4, patch)
        with pytest.raises(KilledError):
            train(SETTINGS, site(tmp_path), EASY, dict)
    tensors, notes = checkpoint.read(tmp_path / "last.safetensors")
    assert notes["log"]["seconds"] > 0
    notes["log"]["seconds"] += 1000
    checkpoint.write(tmp_path / "last.safetensors", tensors, notes)
    assert 1000 < train(SETTINGS, site(tmp_path), EASY, dict)["seconds"] < 1100


def test_a_finished_training_returns_its_result_without_training(uninterrupted: dict[str, Path]) -> None:
    folder = uninterrupted["adaptive"]
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    again = train(SETTINGS, Site(DATA, unseeded, folder), EASY, lambda: {"commit": "another"})
    assert again == checkpoint.read_json(folder / "result.json")
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before


def test_a_training_goes_on_only_beside_the_weights_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may lie elsewhere by now, but not be others."""
    weights = tmp_path / "hider"
    with seeded("given"):
        checkpoint.write(weights, fresh_hider(SETTINGS, (1, 8, 8)).state_dict())
    settings = replace(CONSTANT, hider_weights=weights)
    assert train(settings, site(tmp_path / "whole"), EASY, dict)["restarts"] == 0
    with monkeypatch.context() as patch:
        killed_after(4, patch)
        with pytest.raises(KilledError):
            train(settings, site(tmp_path / "killed"), EASY, dict)
    moved = weights.rename(tmp_path / "moved")
    train(replace(settings, hider_weights=moved), site(tmp_path / "killed"), EASY, dict)
    first, second = (outcome(tmp_path / name) for name in ("killed", "whole"))
    assert first[0] | {"settings": None} == second[0] | {"settings": None}
    moved.write_text("something else")
    with pytest.raises(ValueError, match="holds a training with sha256 of hider_weights"):
        train(replace(settings, hider_weights=moved), site(tmp_path / "killed"), EASY, dict)


PROGRAM = """
import sys
from pathlib import Path

import torch

from roarbench.hns.commands.session import train
from tests.hns.sessions import CONSTANT, EASY, replace, site

torch.set_num_threads(1)
train(replace(CONSTANT, epochs=40), site(Path(sys.argv[1])), EASY, dict)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_a_folder_that_another_finishes(tmp_path: Path) -> None:
    settings, last = replace(CONSTANT, epochs=40), tmp_path / "killed" / "last.safetensors"
    train(settings, site(tmp_path / "whole"), EASY, dict)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path / "killed")], cwd=Path(__file__).parents[2])
    for _ in waiting(process, seconds=120):
        if last.exists() and checkpoint.read(last)[0]["journal"].shape[0] >= 9:
            break
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed" / "result.json").exists()
    train(settings, site(tmp_path / "killed"), EASY, dict)
    assert alike(tmp_path / "killed", tmp_path / "whole")


def waiting(process: subprocess.Popen, *, seconds: float) -> Iterator[None]:
    """Until the process ends or the time is over."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
        yield
