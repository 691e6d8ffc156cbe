"""The guard: which masks count as degenerate, when, and who judges."""

import pytest
import torch

from datasets.base import Split
from hns.evaluation import Score
from hns.guard import JUDGED, collapse, collapsed, judged
from hns.model import build
from hns.schedule import Alpha
from hns.settings import Settings
from hns.training import Training
from tests.hns.problems import images


@pytest.mark.parametrize(
    ("accuracy", "hidden", "halfway", "at_the_end"),
    [
        (0.9, 0.5, None, None),
        (0.1, 1.0, "hides everything", "hides everything"),
        (0.1, 0.99, "hides everything", "hides everything"),
        (0.1, 0.985, None, "has lost the classes"),
        (0.35, 0.99, None, None),  # few pixels are enough
        (0.33, 0.99, "hides everything", "hides everything"),
        (0.33, 0.5, None, "has lost the classes"),
        (0.1, 0.0, None, "has lost the classes"),
        (0.9, 0.05, None, "hides nothing"),
        (0.9, 0.1, None, None),
    ],
)
def test_masks_collapse_where_less_than_a_third_of_the_gain_over_guessing_is_left(
    accuracy: float, hidden: float, halfway: str | None, at_the_end: str | None
) -> None:
    """Ten classes, a baseline of 0.9: 0.3 of what it gains over 0.1 is an accuracy of 0.34."""
    found = Score(accuracy, loss=1.0, hidden=hidden, nonzero_hidden=0.5, chance=0.1)
    assert collapse(found, 0.9, final=False) == halfway
    assert collapse(found, 0.9, final=True) == at_the_end


def test_guessing_between_two_classes_is_a_collapse_too() -> None:
    """Its accuracy of 0.5 is more than 0.3 of any baseline."""
    guessing = Score(accuracy=0.5, loss=0.7, hidden=1.0, nonzero_hidden=1.0, chance=0.5)
    assert collapse(guessing, 0.99, final=False) == "hides everything"


def test_training_examples_of_all_parts_of_a_split_judge() -> None:
    """A folder of images comes class by class."""
    split = Split(torch.arange(5000.0).view(-1, 1), torch.arange(5000) // 500)
    found = judged(split)
    assert len(found) == JUDGED
    assert (found.labels.bincount() > 90).all()
    assert len(judged(split.at(torch.arange(10)))) == 10


def ended(num_drops: int, alpha: float | None = None) -> Training:
    """A training whose epochs are over and whose hider keeps everything."""
    split = images((1, 8, 8), 32)
    settings = Settings(epochs=1, batch_size=16, initial_keep=1 - 1e-6, learning_rate=1e-12, alpha=alpha)
    training = Training(build(settings, (1, 8, 8), 3), split, settings, Alpha(constant=alpha, num_drops=num_drops))
    for _ in training.run():
        pass
    return training


def test_hiding_nothing_is_a_collapse_only_once_alpha_has_fallen() -> None:
    """Shorter trainings and those of a constant alpha were never asked to hide."""
    sees_all = Score(accuracy=0.9, loss=0.1, hidden=0.0, nonzero_hidden=0.0, chance=0.1)
    assert collapsed(ended(num_drops=3), 0.9, sees_all) == "hides nothing"
    assert collapsed(ended(num_drops=0), 0.9, sees_all) is None
    assert collapsed(ended(num_drops=0, alpha=1.0), 0.9, sees_all) is None


def test_without_a_validation_split_training_examples_judge() -> None:
    training = ended(num_drops=3)
    assert collapsed(training, baseline=0.01) == "hides nothing"
