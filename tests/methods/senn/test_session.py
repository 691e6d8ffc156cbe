"""Trainings that go on after an interruption, and folders that know what they hold."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.study.site import Site
from roarbench.methods.senn.commands import session
from roarbench.methods.senn.settings import Settings
from roarbench.methods.senn.training import Training
from tests.hns.problems import digits, scalars

SETTINGS = Settings(concepts="vae", relevances="convolutional", epochs=3, pretraining_epochs=1, batch_size=100)
needs_tensorboard = pytest.mark.filterwarnings("ignore::DeprecationWarning")
IDENTITY = {"name": "test", "dataset": "digits", "seed": 0}


def site(folder: Path) -> Site:
    return Site(digits(), partial(seeded, "test", 0), folder)


def test_an_interrupted_training_ends_with_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = session.train(SETTINGS, site(tmp_path / "whole"), IDENTITY, dict)
    epoch, calls = Training.epoch, []

    def interrupted(training: Training) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return epoch(training)

    monkeypatch.setattr(Training, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.train(SETTINGS, site(tmp_path / "cut"), IDENTITY, dict)
    resumed = session.train(SETTINGS, site(tmp_path / "cut"), IDENTITY, dict)
    assert len(calls) == 4
    assert resumed["epochs"] == whole["epochs"]
    assert resumed["test"] == whole["test"]


def test_a_finished_training_only_returns_its_result(tmp_path: Path) -> None:
    first = session.train(SETTINGS, site(tmp_path), IDENTITY, lambda: {"commit": "abc"})
    assert session.train(SETTINGS, site(tmp_path), IDENTITY, lambda: {"commit": "def"}) == first
    network = session.trained(SETTINGS, site(tmp_path))
    assert session.measured(network, site(tmp_path)) == first["test"]
    assert first["best"]["validation_accuracy"] == max(row["validation_accuracy"] for row in first["epochs"])


@pytest.mark.parametrize("change", [{"robust_weight": 1.0}, {"beta": 1.0}])
def test_a_folder_holds_one_training(tmp_path: Path, change: dict[str, float]) -> None:
    session.train(replace(SETTINGS, epochs=1), site(tmp_path), IDENTITY, dict)
    with pytest.raises(ValueError, match=f"holds a training with {next(iter(change))}"):
        session.train(replace(SETTINGS, epochs=1, **change), site(tmp_path), IDENTITY, dict)  # type: ignore[arg-type]


def test_other_splits_are_told(tmp_path: Path) -> None:
    session.train(replace(SETTINGS, epochs=1), site(tmp_path), IDENTITY, dict)
    others = replace(site(tmp_path), data=digits(train=250))
    with pytest.raises(ValueError, match="examples of each split"):
        session.train(replace(SETTINGS, epochs=1), others, IDENTITY, dict)


@needs_tensorboard
def test_the_board_has_each_epoch_once_after_an_interruption_too(tmp_path: Path) -> None:
    place = replace(site(tmp_path / "run"), logs=tmp_path / "logs")
    row = session.train(SETTINGS, place, IDENTITY, dict)["epochs"]
    found = scalars(tmp_path / "logs")
    assert [step for step, _ in found["validation/accuracy"]] == [1, 2, 3]
    assert found["train/total"][0][1] == pytest.approx(row[0]["train_total"])
