"""The guard: which masks count as degenerate, when, and who judges."""

import pytest
import torch

from roarbench.datasets.base import Split
from roarbench.hns.evaluation import Score, score
from roarbench.hns.guard import JUDGED, collapsed, judged, lost
from roarbench.hns.model import build
from roarbench.hns.schedule import Alpha
from roarbench.hns.settings import Settings
from roarbench.hns.training import Training
from tests.hns.problems import images


def seen(accuracy: float, hidden: float, chance: float = 0.1) -> Score:
    return Score(accuracy, loss=1.0, hidden=hidden, nonzero_hidden=0.5, chance=chance, variation=0.9)


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
    assert collapsed(under_way(num_drops=10), 0.9, seen(accuracy, hidden)) == halfway
    assert collapsed(ended(num_drops=10), 0.9, seen(accuracy, hidden)) == at_the_end


def test_guessing_between_two_classes_is_a_loss_too() -> None:
    """Its accuracy of 0.5 is more than 0.3 of any baseline."""
    assert lost(seen(accuracy=0.5, hidden=1.0, chance=0.5), 0.99)


def test_training_examples_of_all_parts_of_a_split_judge() -> None:
    """A folder of images comes class by class."""
    split = Split(torch.arange(5000.0).view(-1, 1), torch.arange(5000) // 500)
    found = judged(split)
    assert len(found) == JUDGED
    assert (found.labels.bincount() > 90).all()
    assert len(judged(split.at(torch.arange(10)))) == 10


def under_way(num_drops: int, alpha: float | None = None) -> Training:
    """A training that has yet to begin and whose hider keeps everything."""
    settings = Settings(epochs=1, batch_size=16, initial_keep=1 - 1e-6, learning_rate=1e-12, alpha=alpha)
    network, split = build(settings, (1, 8, 8), 3), images((1, 8, 8), 32)
    return Training(network, split, settings, Alpha(constant=alpha, num_drops=num_drops))


def ended(num_drops: int, alpha: float | None = None) -> Training:
    """The same after its last epoch."""
    training = under_way(num_drops, alpha)
    for _ in training.run():
        pass
    return training


def test_hiding_nothing_is_a_collapse_only_where_hiding_was_asked_for() -> None:
    """Shorter trainings and those of a constant alpha were not."""
    sees_all = seen(accuracy=0.9, hidden=0.0)
    assert collapsed(ended(num_drops=10), 0.9, sees_all) == "hides nothing"
    assert collapsed(ended(num_drops=9), 0.9, sees_all) is None
    assert collapsed(ended(num_drops=0), 0.9, sees_all) is None
    assert collapsed(ended(num_drops=0, alpha=0.1), 0.9, sees_all) is None


def test_losing_the_classes_is_no_collapse_before_alpha_has_fallen() -> None:
    """A training of a few steps has learnt nothing yet."""
    assert collapsed(ended(num_drops=0), 0.9, seen(accuracy=0.1, hidden=0.1)) is None


def test_without_a_validation_split_training_examples_judge() -> None:
    training = ended(num_drops=10)
    found = score(training.network, judged(training.split))
    assert all(collapsed(training, b) == collapsed(training, b, found) is not None for b in (0.01, 0.99))
