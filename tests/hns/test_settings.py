"""Settings: what is refused, and what follows from what."""

from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.hns.settings import Settings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 1.2}, r"alpha must lie in \[0, 1\], got 1.2"),
        ({"alpha": -0.1}, r"alpha must lie in \[0, 1\], got -0.1"),
        ({"alpha": float("nan")}, r"alpha must lie in \[0, 1\], got nan"),
        ({"initial_keep": 0.0}, r"initial_keep must lie in \(0, 1\), got 0"),
        ({"initial_keep": 1.0}, r"initial_keep must lie in \(0, 1\), got 1"),
        ({"rate": -0.5}, "rate must be at least 0, got -0.5"),
        ({"rate": float("inf")}, "rate must be at least 0, got inf"),
        ({"patience": 1}, "patience must be at least 2 batches, got 1"),
        ({"epochs": 0}, "epochs must be positive, got 0"),
        ({"batch_size": -1}, "batch_size must be positive, got -1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0"),
        ({"mask_channels": 0}, "mask_channels must be positive, got 0"),
        ({"pretraining_epochs": 0}, "pretraining_epochs must be positive, got 0"),
        ({"cooldown": -1.0}, r"cooldown must lie in \[0, 1\], got -1; 0.2 is a fifth of the epochs"),
        ({"cooldown": 11.0}, r"cooldown must lie in \[0, 1\], got 11"),
        ({"stochastic": True, "estimator": "deterministic"}, "estimator deterministic contradicts stochastic"),
        ({"seeker_epochs": 0}, "seeker_epochs must be positive, got 0"),
        ({"seeker": "apart", "start": "seeker"}, "start must be full or hider where the seeker is apart, got seeker"),
        ({"seeker": "apart", "start": "both"}, "start must be full or hider where the seeker is apart, got both"),
        (
            {"seeker": "apart", "estimator": "reinforce", "reference": True},
            "estimator reinforce with reference must have a joint seeker, got apart",
        ),
        ({"hider_weights": Path("/nowhere")}, "hider_weights: there is no file /nowhere; see hns pretrain-hider"),
        ({"seeker_weights": Path("/nowhere")}, "seeker_weights: there is no file /nowhere; see hns pretrain-seeker"),
    ],
)
def test_a_value_out_of_its_range_is_refused_by_name(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(Settings(), **change).check()


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"alpha": 0.0},
        {"alpha": 1.0},
        {"rate": 0.0},
        {"patience": 2},
        {"cooldown": 0.0},
        {"cooldown": 1.0},
        {"estimator": "deterministic"},
        {"stochastic": True, "estimator": "sa"},
        {"seeker": "apart", "start": "hider"},
        {"seeker": "apart", "estimator": "reinforce"},
    ],
)
def test_the_ends_of_every_range_are_allowed(change: dict) -> None:
    replace(Settings(), **change).check()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_learning_rate_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="learning_rate"):
        Settings(learning_rate=value).check()


def test_a_deterministic_hider_that_would_start_by_hiding_everything_is_refused() -> None:
    """All logits of a new hider lie close to logit(initial_keep): below 0.5 nothing is kept, and no gradient flows."""
    with pytest.raises(ValueError, match="initial_keep"):
        Settings(initial_keep=0.3).check()
    Settings(initial_keep=0.3, stochastic=True).check()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "deterministic"),
        ({"stochastic": True}, "st1"),
        ({"estimator": "sa"}, "sa"),
        ({"stochastic": True, "estimator": "st2"}, "st2"),
        ({"estimator": "deterministic"}, "deterministic"),
    ],
)
def test_the_threshold_follows_from_stochastic_and_estimator(change: dict, expected: str) -> None:
    assert replace(Settings(), **change).threshold == expected
