"""Probes: masks that were made to leak are found out, random ones of the same size are not."""

import pytest
import torch
from torch import Tensor

from roarbench.benchmark.randomness import generator, seeded
from roarbench.datasets.base import Dataset, Split
from roarbench.hns.model import HideAndSeek
from roarbench.hns.probe import EPOCHS, STEPS, Leak, budget, leak, shuffled
from tests.hns.problems import bright_hider, digits, linear_seeker

KEEPS_WHAT_IS_BRIGHT = HideAndSeek(bright_hider(), linear_seeker((1, 8, 8), 4), estimator="deterministic")


@pytest.fixture(autouse=True, scope="module")
def brief_probes() -> None:
    """Here probes are as long as users get them."""


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roarbench.hns.probe.STEPS", 20)


def dataset(split: Split, num_classes: int) -> Dataset:
    """A quarter to train, since steps cost what their examples cost, the rest to test."""
    few = torch.arange(len(split)) < len(split) // 4
    parts = [split.at(index.nonzero().flatten()) for index in (few, ~few)]
    return Dataset(parts[0], parts[1], parts[1], num_classes, digits().card)


def leaking(network: HideAndSeek, data: Dataset) -> Leak:
    with seeded("probe"):
        return leak(network, data)


def positions(n: int = 256) -> Dataset:
    """One bright pixel stands where the class says, the rest is dim noise."""
    inputs = 0.4 * torch.rand(n, 1, 8, 8, generator=generator("positions"))
    labels = torch.arange(n) % 4
    inputs[torch.arange(n), 0, 2 + 3 * (labels // 2), 2 + 3 * (labels % 2)] = 1.0
    return dataset(Split(inputs, labels), 4)


def sizes(n: int = 256) -> Dataset:
    """4 or 30 bright pixels, by class, wherever."""
    labels = torch.arange(n) % 2
    places = torch.rand(n, 64, generator=generator("sizes")).argsort(1)
    bright = places < torch.where(labels == 0, 4, 30)[:, None]
    return dataset(Split(bright.float().view(n, 1, 8, 8), labels), 2)


def test_a_class_written_into_the_place_of_a_kept_pixel_is_found() -> None:
    found = leaking(KEEPS_WHAT_IS_BRIGHT, positions())
    assert found.mask_only > 0.95
    assert found.masked > 0.95
    assert found.random_mask_only == pytest.approx(0.25, abs=0.1)
    assert found.random_masked == pytest.approx(0.25, abs=0.12)


def test_a_class_written_into_the_size_of_a_mask_stays_in_random_masks() -> None:
    found = leaking(KEEPS_WHAT_IS_BRIGHT, sizes())
    assert found.mask_only > 0.95
    assert found.random_mask_only > 0.95


def test_masks_of_one_size_and_place_give_nothing_away_but_images_behind_them_do() -> None:
    """A hider that keeps everything: its masks are alike, its images intact, with random masks as with its own."""
    everything = HideAndSeek(bright_hider(0.0, 1.0), linear_seeker((1, 8, 8), 4), estimator="deterministic")
    found = leaking(everything, positions())
    assert found.mask_only == found.random_mask_only
    assert found.mask_only == pytest.approx(0.25, abs=0.02)
    assert found.masked == found.random_masked
    assert found.masked > 0.9


@pytest.mark.usefixtures("few_steps")
def test_all_probes_start_from_the_same_weights_and_see_the_same_batches() -> None:
    """Where an image is its own mask both probes see the same; labels of pure chance leave all to their seeds."""
    draw = generator("chance")
    inputs = (torch.rand(256, 1, 8, 8, generator=draw) < 0.5).float()
    labels = torch.randint(4, (256,), generator=draw)
    found = leaking(KEEPS_WHAT_IS_BRIGHT, dataset(Split(inputs, labels), 4))
    assert found.masked == found.mask_only != found.random_mask_only


@pytest.mark.usefixtures("few_steps")
def test_a_probe_repeats_under_a_seed() -> None:
    data = positions(128)
    assert leaking(KEEPS_WHAT_IS_BRIGHT, data) == leaking(KEEPS_WHAT_IS_BRIGHT, data)


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("channels", [1, 3])
def test_a_mask_of_any_number_of_channels_can_be_probed(channels: int) -> None:
    n = 48
    split = Split(torch.rand(n, 3, 8, 8), torch.arange(n) % 2)
    conv = torch.nn.Conv2d(3, channels, 1)
    network = HideAndSeek(torch.nn.Sequential(conv), linear_seeker((3, 8, 8), 2), estimator="deterministic")
    found = leaking(network, dataset(split, 2))
    assert all(0 <= value <= 1 for value in (found.mask_only, found.random_mask_only, found.masked))


def some_masks(channels: int) -> Tensor:
    shares = torch.linspace(0, 1, 50)[:, None, None, None]
    return (torch.rand(50, channels, 6, 7, generator=generator("masks")) < shares).float()


@pytest.mark.parametrize("channels", [1, 3])
def test_shuffled_masks_keep_as_much_of_each_image(channels: int) -> None:
    given = Split(some_masks(channels), torch.arange(50))
    with seeded("shuffled"):
        found = shuffled(given)
    assert found.inputs.shape == given.inputs.shape
    assert found.inputs.flatten(1).sum(1).tolist() == given.inputs.flatten(1).sum(1).tolist()
    assert set(found.inputs.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(found.labels, given.labels)
    assert not torch.equal(found.inputs, given.inputs)


def test_shuffled_masks_favour_no_place_and_no_image() -> None:
    given = torch.zeros(4000, 1, 4, 4)
    given[:, :, 0, :2] = 1
    with seeded("shuffled"):
        found = shuffled(Split(given, torch.zeros(4000, dtype=torch.long))).inputs.flatten(1)
    spread = (2 / 16 * 14 / 16 / 4000) ** 0.5
    assert ((found.mean(0) - 2 / 16).abs() < 4 * spread).all()
    pairs = (found[:, 0] * found[:, 1]).mean().item()
    assert pairs == pytest.approx(1 / 120, abs=4 * (1 / 120 / 4000) ** 0.5)  # one of the 16 * 15 / 2 pairs


def test_few_examples_are_seen_as_often_as_it_takes() -> None:
    assert budget(10_000).epochs == EPOCHS
    assert budget(1_000_000).epochs == EPOCHS
    assert budget(1000).epochs * 8 >= STEPS > (budget(1000).epochs - 1) * 8
