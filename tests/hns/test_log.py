"""The log: means over an epoch by hand, and which epoch is the best."""

import math
from dataclasses import asdict

import pytest
import torch

from roarbench.benchmark.study import checkpoint
from roarbench.hns.commands.log import Log, epoch_row
from roarbench.hns.evaluation import Score
from roarbench.hns.model import build
from roarbench.hns.schedule import Alpha
from roarbench.hns.settings import Settings
from roarbench.hns.training import Training
from tests.hns.problems import digits

JOURNAL = [
    [1.0, 2.4, 0.9, 2.4, 0.05, 0.1],
    [1.0, 2.0, 0.7, 2.0, 0.15, 0.3],
    [0.95, 1.0, 0.5, 0.975, 0.3, 0.4],
    [0.9, 3.0, 0.3, 2.73, 0.5, 0.6],
    [0.85, 0.6, 0.2, 0.54, 0.7, 0.8],
]
VALIDATION = Score(accuracy=0.6, loss=1.2, hidden=0.5, nonzero_hidden=0.4, chance=0.2, variation=0.9)
TEST = Score(accuracy=0.45, loss=1.5, hidden=0.6, nonzero_hidden=0.2, chance=0.1, variation=0.9)


def row(num_steps: int, scores: dict[str, Score]) -> dict[str, float]:
    """Of a training with two steps an epoch."""
    settings = Settings(batch_size=128)
    training = Training(build(settings, (1, 8, 8), 10), digits().train, settings, Alpha())
    training.journal = JOURNAL[:num_steps]
    return epoch_row(training, scores, 0.9)


def fii(*values: float) -> Log:
    log = Log(0.9)
    for value in values:
        log.add({"validation_fii": value})
    return log


def test_a_row_holds_the_means_of_its_epoch_by_hand() -> None:
    found = row(4, {"validation": VALIDATION, "test": TEST})
    assert found == pytest.approx(
        {
            "epoch": 2,
            "step": 4,
            "alpha": 0.9,
            "train_accuracy": 0.5,
            "train_loss": (1.0 + 3.0) / 2,
            "train_total_loss": (0.975 + 2.73) / 2,
            "train_hidden": 1 - (0.5 + 0.3) / 2,
            "train_nonzero_hidden": 0.4,
            "validation_accuracy": 0.6,
            "validation_loss": 1.2,
            "validation_hidden": 0.5,
            "validation_nonzero_hidden": 0.4,
            "validation_variation": 0.9,
            "validation_chance": 0.2,
            "test_accuracy": 0.45,
            "test_loss": 1.5,
            "test_hidden": 0.6,
            "test_nonzero_hidden": 0.2,
            "test_variation": 0.9,
            "test_chance": 0.1,
            "validation_fii": 0.6 / 0.9 * 0.5,
            "fidelity": 0.5,
            "interpretability": 0.6,
            "fir": 0.5 / 1.1,
            "fii": 0.3,
        }
    )


def test_an_epoch_cut_short_is_the_mean_of_its_own_steps() -> None:
    found = row(5, {"test": TEST})
    assert (found["epoch"], found["step"]) == (3, 5)
    assert found["train_loss"] == 0.6
    assert found["train_hidden"] == pytest.approx(0.8)
    assert "validation_fii" not in found


def test_the_best_row_has_the_highest_fii_on_validation() -> None:
    assert fii(0.2, 0.6, 0.4).best == 1
    assert fii(0.2, 0.6, 0.7).best == 2
    assert fii(0.0).best == 0


def test_of_equal_rows_the_later_is_the_best() -> None:
    assert fii(0.2, 0.6, 0.6, 0.1).best == 2


def test_a_row_says_whether_it_is_the_best_so_far() -> None:
    log = Log(0.9)
    assert [log.add({"validation_fii": value}) for value in (0.1, 0.05, 0.3, 0.3, 0.2)] == [
        *(True, False, True),
        *(True, False),
    ]


def test_without_validation_the_last_row_is_the_best() -> None:
    log = Log(0.9)
    assert [log.add({"fii": value}) for value in (0.5, 0.9, 0.1)] == [True, True, True]
    assert log.best == 2


def test_a_log_survives_its_file(tmp_path: object) -> None:
    log = Log(0.9, collapses=["hides everything"], seconds=1.5)
    log.add(row(4, {"validation": VALIDATION, "test": TEST}))
    checkpoint.write(tmp_path / "state", {"a": torch.ones(1)}, {"log": asdict(log)})  # type: ignore[operator]
    found = Log(**checkpoint.read(tmp_path / "state")[1]["log"])  # type: ignore[operator]
    assert math.isnan(found.initial_hidden)
    found.initial_hidden = log.initial_hidden = 0.25
    assert found == log
