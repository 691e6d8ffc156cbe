"""States: a training that was stopped anywhere goes on to the same bits."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from torch import nn

from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.study import checkpoint
from roarbench.hns.commands.state import restore, snapshot
from roarbench.hns.model import build
from roarbench.hns.schedule import Alpha
from roarbench.hns.settings import Estimator, Settings
from roarbench.hns.training import Training
from tests.hns.problems import digits, same

SETTINGS = Settings(epochs=3, batch_size=16, patience=2, initial_keep=0.6, cooldown=1 / 3)
"""Three steps an epoch; alpha drops and fills its window on the way, and the learning rate falls in the third."""

DATA = digits(48, 16, 16)

ESTIMATORS: tuple[Estimator, ...] = ("deterministic", "st1", "sa", "reinforce")


def fresh(settings: Settings, *, weights: int = 0) -> Training:
    with seeded("weights", weights):
        network = build(settings, (1, 8, 8), 10)
    return Training(network, DATA.train, settings, Alpha(settings.patience, settings.stagnation, settings.alpha))


def advance(training: Training, step: int) -> None:
    while training.step < step and not training.finished:
        training._advance()


@lru_cache
def uninterrupted(estimator: Estimator) -> tuple[Training, torch.Tensor]:
    training = fresh(replace(SETTINGS, estimator=estimator))
    with seeded("training"):
        advance(training, 100)
        return training, torch.get_rng_state()


def stored(training: Training, path: Path) -> None:
    checkpoint.write(path, *snapshot(training))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("stop", [0, 1, 3, 5, 8])
def test_a_training_stopped_at_any_step_goes_on_to_the_same_bits(
    estimator: Estimator, stop: int, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, estimator=estimator)
    with seeded("training"):
        first = fresh(settings)
        advance(first, stop)
        stored(first, tmp_path / "state")
    again = fresh(settings, weights=1)
    with seeded("something else"):
        restore(again, *checkpoint.read(tmp_path / "state"))
        advance(again, 100)
        generator = torch.get_rng_state()
    whole, end = uninterrupted(estimator)
    assert whole.step == 9
    assert again.journal == whole.journal
    assert same(again.network.state_dict(), whole.network.state_dict())
    assert (again.alpha, again.cooling_from) == (whole.alpha, whole.cooling_from)
    assert torch.equal(generator, end)


def test_alpha_has_dropped_and_its_window_is_filled_at_some_of_those_steps() -> None:
    """Otherwise the test above would not say much."""
    training, _ = uninterrupted("deterministic")
    assert len({row[0] for row in training.journal}) > 1


@pytest.mark.parametrize("stop", [2, 4])
def test_weights_and_moments_lie_in_memory_as_they_did(stop: int, tmp_path: Path) -> None:
    """The fused optimiser walks both side by side; convolutions are channels last."""
    with seeded("training"):
        first = fresh(SETTINGS)
        advance(first, stop)
        stored(first, tmp_path / "state")
        again = fresh(SETTINGS, weights=1)
        restore(again, *checkpoint.read(tmp_path / "state"))
    for layer in again.network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    moments = again.optimiser.state
    assert len(moments) == len(list(again.network.parameters()))
    for value, old in zip(again.network.parameters(), first.network.parameters(), strict=True):
        for name in ("exp_avg", "exp_avg_sq"):
            assert moments[value][name].stride() == value.stride() == old.stride()
            assert torch.equal(moments[value][name], first.optimiser.state[old][name])
        assert moments[value]["step"].item() == stop


def test_a_state_holds_all_that_a_training_knows(tmp_path: Path) -> None:
    settings = replace(SETTINGS, estimator="sa", patience=4)
    with seeded("training"):
        first = fresh(settings)
        advance(first, 7)
        tensors, notes = snapshot(first)
    assert tensors["journal"].shape == (7, 6)
    assert tensors["journal"].dtype == torch.float64
    assert sorted(tensors["order"].tolist()) == list(range(48))
    assert tensors["network.slope"].item() == pytest.approx(1.5 ** (7 / 3), rel=1e-5)
    assert notes == {"num_drops": first.alpha.num_drops, "window": list(first.alpha.window), "cooling_from": 6}
    assert first.alpha.window


def test_a_state_does_not_share_its_window_with_the_training() -> None:
    training = fresh(replace(SETTINGS, patience=50))
    with seeded("training"):
        advance(training, 2)
        _, notes = snapshot(training)
        advance(training, 4)
    assert len(notes["window"]) == 2


def test_the_state_of_another_model_is_refused(tmp_path: Path) -> None:
    stored(fresh(SETTINGS), tmp_path / "state")
    other = replace(SETTINGS, model="hns_large")
    with seeded("weights"):
        training = Training(build(other, (1, 32, 32), 10), DATA.train, other, Alpha())
    with pytest.raises(ValueError, match="state: layer hider"):
        restore(training, *checkpoint.read(tmp_path / "state"))
