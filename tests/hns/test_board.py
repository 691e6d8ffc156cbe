"""The board: the published tags, one value for each step and epoch, also after a kill."""

import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.site import Site
from roarbench.hns.commands.board import Board
from roarbench.hns.commands.log import Log
from roarbench.hns.commands.session import train
from roarbench.hns.model import build
from roarbench.hns.schedule import Alpha
from roarbench.hns.settings import Settings
from roarbench.hns.training import Training
from tests.hns.problems import digits, scalars

DATA = digits(48, 32, 48)
SETTINGS = Settings(epochs=3, batch_size=16, patience=2, alpha=0.6, stochastic=True)
IDENTITY: dict[str, Any] = {"name": "test", "baseline": 0.05}
BATCH_TAGS = {"percentage hidden", "classification loss", "mask loss", "loss regulator", "total loss"}
EPOCH_TAGS = {"Average loss per epoch", "Validation accuracy", "Interpretability", "Fidelity", "FIR", "FII"}

needs_tensorboard = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def training() -> Training:
    run = Training(build(SETTINGS, (1, 8, 8), 10), DATA.train, SETTINGS, Alpha())
    run.journal = [[1.0, 2.0, 0.75, 2.5, 0.1, 0.4], [0.95, 1.5, 0.5, 1.25, 0.2, 0.5]]
    return run


def board(folder: Path | None, step: int = 0) -> Board:
    pytest.importorskip("tensorboard", reason="needs tensorboard, an extra of this project")
    return Board(folder, step)


def test_without_a_folder_nothing_is_written_and_tensorboard_is_not_needed() -> None:
    before = set(sys.modules)
    Board(None, 0).write(training(), Log(0.9))
    assert not {name for name in set(sys.modules) - before if name.startswith("tensorboard")}


@pytest.mark.skipif(find_spec("tensorboard") is not None, reason="tensorboard is installed")
@pytest.mark.filterwarnings("ignore")
def test_without_tensorboard_a_board_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tensorboard is not installed; python -m pip install"):
        Board(tmp_path, 0)


@needs_tensorboard
def test_the_published_tags_appear_in_their_folders(tmp_path: Path) -> None:
    log = Log(0.9)
    row = {
        "train_total_loss": 1.9,
        "test_accuracy": 0.6,
        "interpretability": 0.7,
        "fidelity": 0.8,
        "fir": 0.5,
        "fii": 0.56,
    }
    log.add({"epoch": 1.0, **row})
    board(tmp_path).write(training(), log)
    batch, epoch = scalars(tmp_path / "batch"), scalars(tmp_path / "epoch")
    assert (set(batch), set(epoch)) == (BATCH_TAGS, EPOCH_TAGS)
    assert batch["percentage hidden"] == [(1, 25.0), (2, 50.0)]
    assert batch["classification loss"] == [(1, 2.0), (2, 1.5)]
    assert batch["mask loss"] == [(1, 0.75), (2, 0.5)]
    assert batch["loss regulator"] == [(1, 1.0), (2, pytest.approx(0.95))]
    assert batch["total loss"] == [(1, 2.5), (2, 1.25)]
    assert {tag: values[0] for tag, values in epoch.items()} == {
        "Average loss per epoch": (1, pytest.approx(1.9)),
        "Validation accuracy": (1, pytest.approx(0.6)),
        "Interpretability": (1, pytest.approx(0.7)),
        "Fidelity": (1, pytest.approx(0.8)),
        "FIR": (1, pytest.approx(0.5)),
        "FII": (1, pytest.approx(0.56)),
    }


@needs_tensorboard
def test_a_second_call_writes_only_what_is_new(tmp_path: Path) -> None:
    run, log = training(), Log(0.9)
    written = board(tmp_path)
    written.write(run, log)
    written.write(run, log)
    run.journal.append([0.9, 1.0, 0.25, 0.5, 0.3, 0.6])
    written.write(run, log)
    assert scalars(tmp_path / "batch")["mask loss"] == [(1, 0.75), (2, 0.5), (3, 0.25)]


def killed_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training of nine steps that dies in its second epoch and goes on."""
    pytest.importorskip("tensorboard", reason="needs tensorboard, an extra of this project")
    site = Site(DATA, partial(seeded, "board"), tmp_path / "training", logs=tmp_path / "logs")
    whole, count = checkpoint.write, 0

    def write(path: Path, *content: Any) -> None:
        nonlocal count
        count += path.name == "last.safetensors"
        if count == 2:
            raise InterruptedError
        whole(path, *content)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write", write)
        with pytest.raises(InterruptedError):
            train(SETTINGS, site, IDENTITY, dict)
    train(SETTINGS, site, IDENTITY, dict)
    return tmp_path / "logs"


@needs_tensorboard
def test_a_resumed_training_shows_every_step_and_epoch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = killed_and_resumed(tmp_path, monkeypatch)
    steps = Counter(step for step, _ in scalars(logs / "batch")["total loss"])
    epochs = Counter(step for step, _ in scalars(logs / "epoch")["FII"])
    assert steps == Counter(range(1, 10))
    assert epochs == Counter(range(1, 4))


@needs_tensorboard
def test_a_repeated_attempt_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """A baseline out of reach: three attempts, of which the board shows the last."""
    pytest.importorskip("tensorboard", reason="needs tensorboard, an extra of this project")
    site = Site(DATA, partial(seeded, "board"), tmp_path / "training", logs=tmp_path / "logs")
    result = train(replace(SETTINGS, alpha=None), site, IDENTITY | {"baseline": 0.9}, dict)
    assert result["restarts"] == 2
    assert [step for step, _ in scalars(tmp_path / "logs" / "batch")["total loss"]] == list(range(1, 10))
    assert [step for step, _ in scalars(tmp_path / "logs" / "epoch")["FII"]] == [1, 2, 3]


@needs_tensorboard
def test_a_board_changes_no_number(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs tensorboard, an extra of this project")
    plain = Site(DATA, partial(seeded, "board"), tmp_path / "plain")
    with_board = replace(plain, folder=tmp_path / "watched", logs=tmp_path / "logs")
    first, second = (train(SETTINGS, site, IDENTITY, dict) for site in (plain, with_board))
    assert first | {"seconds": 0} == second | {"seconds": 0}
