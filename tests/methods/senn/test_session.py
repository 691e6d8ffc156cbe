"""Trainings that go on after an interruption, and folders that know what they hold."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchmark.randomness import seeded
from datasets.digits import digits
from hns.session import Bench
from methods.senn import session
from methods.senn.settings import Settings
from methods.senn.training import Training

SETTINGS = Settings(concepts="vae", relevances="convolutional", epochs=3, pretraining_epochs=1, batch_size=100)
IDENTITY = {"name": "test", "dataset": "digits", "seed": 0}


def bench(folder: Path) -> Bench:
    return Bench(digits(Path()), partial(seeded, "test", 0), folder)


def test_an_interrupted_training_ends_with_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = session.train(SETTINGS, bench(tmp_path / "whole"), IDENTITY, {})
    epoch, calls = Training.epoch, []

    def interrupted(training: Training) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return epoch(training)

    monkeypatch.setattr(Training, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.train(SETTINGS, bench(tmp_path / "cut"), IDENTITY, {})
    resumed = session.train(SETTINGS, bench(tmp_path / "cut"), IDENTITY, {})
    assert len(calls) == 4
    assert resumed["epochs"] == whole["epochs"]
    assert resumed["test"] == whole["test"]


def test_a_finished_training_only_returns_its_result(tmp_path: Path) -> None:
    first = session.train(SETTINGS, bench(tmp_path), IDENTITY, {"commit": "abc"})
    assert session.train(SETTINGS, bench(tmp_path), IDENTITY, {"commit": "def"}) == first
    network = session.trained(SETTINGS, bench(tmp_path))
    assert session.measured(network, bench(tmp_path)) == first["test"]
    assert first["best"]["validation_accuracy"] == max(row["validation_accuracy"] for row in first["epochs"])


@pytest.mark.parametrize("change", [{"robust_weight": 1.0}, {"beta": 1.0}])
def test_a_folder_holds_one_training(tmp_path: Path, change: dict[str, float]) -> None:
    session.train(replace(SETTINGS, epochs=1), bench(tmp_path), IDENTITY, {})
    with pytest.raises(ValueError, match=f"holds a training with {next(iter(change))}"):
        session.train(replace(SETTINGS, epochs=1, **change), bench(tmp_path), IDENTITY, {})  # type: ignore[arg-type]


def test_other_splits_are_told(tmp_path: Path) -> None:
    session.train(replace(SETTINGS, epochs=1), bench(tmp_path), IDENTITY, {})
    others = replace(bench(tmp_path), data=digits(Path(), seed=1))
    with pytest.raises(ValueError, match="examples of each split"):
        session.train(replace(SETTINGS, epochs=1), others, IDENTITY, {})
