"""A seeker apart: it learns behind masks that know nothing of its images, and stays as it is while a hider learns."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.randomness import seeded
from roarbench.datasets.base import Split
from roarbench.hns.apart import Behind, behind_masks, budget
from roarbench.hns.evaluation import accuracy, score
from roarbench.hns.model import HideAndSeek, build
from roarbench.hns.pretraining import Budget, classifying, fit
from roarbench.hns.random_masks import hiding
from roarbench.hns.schedule import Alpha
from roarbench.hns.seeker import seeker_small
from roarbench.hns.settings import Estimator, Settings
from roarbench.hns.training import STEP, Training
from tests.hns.problems import digits, images, linear_seeker, same

SETTINGS = Settings(seeker="apart", epochs=3, batch_size=64, patience=5, learning_rate=3e-3, initial_keep=0.6)
ESTIMATORS: tuple[Estimator, ...] = ("deterministic", "st1", "st2", "sa", "reinforce")


class Recorder(nn.Module):
    """Keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.weight = nn.Parameter(torch.zeros(3))

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen.append(inputs)
        return self.weight.expand(len(inputs), 3)


def hider_trained(settings: Settings, network: HideAndSeek) -> Training:
    training = Training(network, digits().train, settings, Alpha(settings.patience, constant=settings.alpha))
    with seeded("training"):
        for _ in training.run():
            pass
    return training


def frozen(settings: Settings) -> HideAndSeek:
    with seeded("weights"):
        network = build(settings, (1, 8, 8), 10)
    network.freeze_seeker()
    return network


@pytest.mark.parametrize("mask_channels", [1, 3])
def test_a_seeker_sees_images_behind_a_random_share_of_hidden_pixels(mask_channels: int) -> None:
    recorder, split = Recorder(), Split(torch.ones(2000, 3, 8, 8), torch.zeros(2000, dtype=torch.long))
    with seeded("behind"):
        behind_masks(recorder, split, Budget(1, 100), mask_channels).epoch()
    shown = torch.cat(recorder.seen)
    assert shown.unique().tolist() == [0.0, 1.0]
    assert abs(shown.flatten(1).mean(1).std() - 12**-0.5) < 0.02
    assert (shown[:, 0] == shown[:, 2]).all().item() == (mask_channels == 1)


def test_every_epoch_hides_other_pixels() -> None:
    recorder, split = Recorder(), Split(torch.ones(50, 1, 8, 8), torch.zeros(50, dtype=torch.long))
    with seeded("behind"):
        fitting = behind_masks(recorder, split, Budget(2, 50), 1)
        fitting.epoch(), fitting.epoch()
    assert not torch.equal(*(shown.flatten(1).mean(1).sort().values for shown in recorder.seen))


def test_nothing_is_hidden_when_it_is_scored() -> None:
    recorder = Recorder()
    inputs = images((1, 8, 8), 5).inputs
    Behind(recorder, (1, 8, 8)).eval()(inputs)
    assert torch.equal(recorder.seen[0], inputs)


def test_it_reads_what_random_masks_leave_better_than_a_seeker_of_intact_images() -> None:
    data = digits(1000, 64, 256)
    kept = hiding(torch.rand(256, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.full((256,), 0.6))
    test = replace(data.test, inputs=data.test.inputs * kept)
    with seeded("readers"):
        apart, intact = seeker_small((1, 8, 8), 10), seeker_small((1, 8, 8), 10)
        masked = behind_masks(apart, data.train, Budget(20, 50, 2e-3), 1)
        while not masked.finished:
            masked.epoch()
        for _ in fit(intact, data.train, Budget(20, 50, 2e-3), classifying):
            pass
    assert accuracy(apart, test) > accuracy(intact, test) + 0.05


def test_its_budget_is_that_of_the_settings() -> None:
    found = budget(Settings(seeker="apart", seeker_epochs=7, batch_size=16, learning_rate=0.01))
    assert (found.epochs, found.batch_size, found.learning_rate) == (7, 16, 0.01)


@pytest.mark.parametrize("alpha", [None, 0.5])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_frozen_seeker_keeps_its_weights_while_the_hider_learns(estimator: Estimator, alpha: float | None) -> None:
    settings = replace(SETTINGS, estimator=estimator, alpha=alpha, epochs=2)
    network = frozen(settings)
    seeker, hider = deepcopy(network.seeker.state_dict()), deepcopy(network.hider.state_dict())
    hider_trained(settings, network)
    assert same(network.seeker.state_dict(), seeker)
    assert not any(torch.equal(value, hider[name]) for name, value in network.hider.state_dict().items())


def test_a_frozen_seeker_keeps_the_statistics_of_its_batch_norm() -> None:
    network = HideAndSeek(
        nn.Sequential(nn.Conv2d(1, 1, 1)),
        nn.Sequential(nn.BatchNorm2d(1), linear_seeker((1, 8, 8), 10)),
        estimator="deterministic",
    )
    network.freeze_seeker()
    before = deepcopy(network.seeker.state_dict())
    network.train()
    network(digits().train.inputs)
    assert network.hider.training and not network.seeker.training
    assert same(network.seeker.state_dict(), before)


def test_a_hider_learns_through_a_frozen_seeker() -> None:
    """The seeker reads random masks; in a few epochs the hider hides most pixels, and most digits are still read."""
    settings = replace(SETTINGS, epochs=30, patience=10, learning_rate=3e-3, initial_keep=0.9)
    network = frozen(settings)
    network.seeker.requires_grad_(True)
    with seeded("apart"):
        fitting = behind_masks(network.seeker, digits().train, Budget(60, 32, 2e-3, 0.5), 1)
        while not fitting.finished:
            fitting.epoch()
    network.freeze_seeker()
    training = hider_trained(settings, network)
    assert training.journal[0][STEP.index("mask_loss")] > 0.9
    found = score(network, digits().test)
    assert found.hidden > 0.5
    assert found.accuracy > 0.6
