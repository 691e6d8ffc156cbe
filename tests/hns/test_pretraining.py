"""Pretraining: which epoch is kept, what a hider paints, and the learning rate read off a single weight."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.randomness import generator, seeded
from roarbench.datasets.base import Dataset, Split
from roarbench.hns.evaluation import accuracy
from roarbench.hns.hider import hider_small
from roarbench.hns.pretraining import Budget, Pretrained, fit, painting_error, pretrain_hider, pretrain_seeker
from tests.hns.problems import digits, images, linear_seeker


class Recorder(nn.Module):
    """One weight whose gradient is always 1, and the images it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen: list[list[float]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen.append(inputs[:, 0, 0, 0].tolist())
        return self.weight.expand(len(inputs), 1)


def restless(n: int = 64) -> Dataset:
    """Validation labels are noise: which epoch is best on them is decided by chance, not by training on."""
    data = digits()
    labels = torch.randint(10, (n,), generator=generator("noise"))
    return replace(data, validation=Split(data.validation.inputs[:n], labels))


def painted(shape: tuple[int, int, int], mask_channels: int, budget: Budget) -> tuple[nn.Sequential, Dataset]:
    split = colourful(200)
    data = Dataset(split, split.at(torch.arange(50)), split.at(torch.arange(50, 100)), 2, digits().card)
    with seeded("paint"):
        hider = hider_small(shape, mask_channels=mask_channels)
        pretrain_hider(hider, data, budget)
    return hider, data


def colourful(n: int) -> Split:
    """Images of one of two patterns: four quarters, each of a colour of its own."""
    patterns = torch.rand(2, 3, 2, 2, generator=generator("colours")).repeat_interleave(4, 2).repeat_interleave(4, 3)
    labels = torch.arange(n) % 2
    return Split(patterns[labels], labels)


def rates(budget: Budget, n: int) -> list[float]:
    """Adam moves a weight whose gradient is 1 by the learning rate of each step: here the sums by epoch."""
    recorder = Recorder()
    moved = [-recorder.weight.item() for _ in fit(recorder, images((1, 4, 4), n), budget, lambda out, _: out.mean())]
    return [b - a for a, b in zip([0.0, *moved], moved, strict=False)]


def test_the_seeker_stays_at_its_best_epoch_on_validation() -> None:
    data = restless()
    with seeded("seeker"):
        seeker = linear_seeker((1, 8, 8), 10)
        found = pretrain_seeker(seeker, data, Budget(epochs=8, batch_size=64, learning_rate=0.02))
    validation = [value for value, _ in found.epochs]
    assert len(validation) == 8
    assert found.best_epoch == 1 + max(range(8), key=validation.__getitem__)
    assert found.best_epoch < 8
    assert found.score == found.epochs[found.best_epoch - 1][1]
    assert accuracy(seeker, data.validation) == max(validation)
    assert accuracy(seeker, data.test) == found.score
    assert not seeker.training


def test_the_hider_stays_at_its_best_epoch_on_validation() -> None:
    """Validation images are not those of training: the error on them rises once the hider paints too exactly."""
    data = replace(digits(), validation=images((1, 8, 8), 32))
    with seeded("hider"):
        hider = hider_small((1, 8, 8))
        found = pretrain_hider(hider, data, Budget(epochs=8, batch_size=64, learning_rate=5e-3))
    validation = [value for value, _ in found.epochs]
    assert found.best_epoch == 1 + min(range(8), key=validation.__getitem__)
    assert found.best_epoch < 8
    assert painting_error(hider, data.validation) == pytest.approx(min(validation), rel=1e-6)
    assert found.score == found.epochs[found.best_epoch - 1][1]


def nothing_to_validate_on() -> Pretrained:
    data = digits()
    data = replace(data, validation=data.train.at(torch.arange(0)))
    with seeded("seeker"):
        return pretrain_seeker(linear_seeker((1, 8, 8), 10), data, Budget(epochs=4, batch_size=64))


def test_without_validation_the_last_epoch_is_kept() -> None:
    found = nothing_to_validate_on()
    assert (found.best_epoch, found.score) == (4, found.epochs[3][1])


def test_without_validation_no_accuracies_on_it_are_made_up() -> None:
    assert not any(validation > 1 for validation, _ in nothing_to_validate_on().epochs)


def test_the_baseline_learns_digits() -> None:
    with seeded("seeker"):
        found = pretrain_seeker(
            linear_seeker((1, 8, 8), 10), digits(), Budget(epochs=20, batch_size=32, learning_rate=0.02)
        )
    assert found.score > 0.85


@pytest.mark.parametrize("mask_channels", [1, 3])
def test_a_hider_learns_its_image_grey_where_it_has_one_channel(mask_channels: int) -> None:
    hider, data = painted((3, 8, 8), mask_channels, Budget(epochs=20, batch_size=40, learning_rate=1e-2))
    inputs = data.test.inputs
    target = (inputs[:, :1] + inputs[:, 1:2] + inputs[:, 2:]) / 3 if mask_channels == 1 else inputs
    with torch.no_grad():
        found = torch.sigmoid(hider(inputs))
    assert found.shape == (50, mask_channels, 8, 8)
    constant = (target - target.mean(0)).square().mean()
    assert (found - target).square().mean() < 0.4 * constant


@pytest.mark.parametrize("mask_channels", [1, 3])
def test_the_painting_error_is_the_binary_cross_entropy_of_every_pixel(
    mask_channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In chunks of unequal size, here of 4, 4 and 2 images."""
    monkeypatch.setattr("roarbench.datasets.base.CHUNK_FEATURES", 4 * 3 * 64)
    split = images((3, 8, 8), 10)
    with seeded("hider"):
        hider = hider_small((3, 8, 8), mask_channels=mask_channels)
    with torch.no_grad():
        chances = torch.sigmoid(hider(split.inputs)).double()
    terms = []
    for n in range(10):
        for channel in range(mask_channels):
            for y in range(8):
                for x in range(8):
                    p = chances[n, channel, y, x].item()
                    colours = split.inputs[n, :, y, x].tolist()
                    t = sum(colours) / 3 if mask_channels == 1 else colours[channel]
                    terms.append(-t * math.log(p) - (1 - t) * math.log(1 - p))
    assert painting_error(hider, split) == pytest.approx(sum(terms) / len(terms), rel=1e-5)


@pytest.mark.parametrize(
    ("cooldown", "expected"),
    [
        (0.0, [1, 1, 1, 1]),
        (0.25, [1, 1, 1, 1]),
        (0.5, [1, 1, 1, 0.5]),
        (1.0, [1, 0.75, 0.5, 0.25]),
    ],
)
def test_the_learning_rate_falls_along_a_line_in_the_last_epochs(cooldown: float, expected: list[float]) -> None:
    found = rates(Budget(epochs=4, batch_size=10, learning_rate=0.01, cooldown=cooldown), 10)
    assert found == pytest.approx([0.01 * rate for rate in expected], rel=1e-3)


def test_the_learning_rate_falls_within_an_epoch() -> None:
    """Two steps an epoch, a cooldown of one: 1 + 1, then 1 + 1/2."""
    found = rates(Budget(epochs=2, batch_size=5, learning_rate=0.01, cooldown=0.5), 10)
    assert found == pytest.approx([0.02, 0.015], rel=1e-3)


def test_an_epoch_shows_every_example_once_in_an_order_of_its_own() -> None:
    recorder, split = Recorder(), Split(torch.arange(10.0).view(10, 1, 1, 1) / 10, torch.zeros(10, dtype=torch.long))
    with seeded("order"):
        for _ in fit(recorder, split, Budget(epochs=2, batch_size=4), lambda out, _: out.mean()):
            pass
    assert [len(batch) for batch in recorder.seen] == [4, 4, 2, 4, 4, 2]
    first, second = ([x for batch in recorder.seen[i : i + 3] for x in batch] for i in (0, 3))
    assert sorted(first) == sorted(second) == split.inputs.flatten().tolist()
    assert first != second


def test_a_last_example_alone_does_not_stop_a_network_with_batch_statistics() -> None:
    """One example has no variance: nine in batches of four must not end in a batch of one; hns_resnet needs it."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.BatchNorm1d(3))
    budget = Budget(epochs=1, batch_size=4)
    for _ in fit(
        network, images((1, 4, 4), 9), budget, lambda out, batch: nn.functional.cross_entropy(out, batch.labels)
    ):
        pass
    assert network[2].num_batches_tracked in (2, 3)


def test_the_network_is_in_training_mode_while_it_is_fitted() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    epochs = fit(network.eval(), images((1, 4, 4), 4), Budget(epochs=2, batch_size=4), lambda out, _: out.mean())
    next(epochs)
    assert network.training
    network.eval()
    next(epochs)
    assert network.training
