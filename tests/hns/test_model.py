"""Hide-and-Seek as a whole: what the seeker gets to see, and when masks are drawn."""

import pytest
import torch
from torch import nn

from roarbench.hns.model import STEEPEST, HideAndSeek, build
from roarbench.hns.settings import Estimator, Settings, TestMasks
from tests.hns.problems import constant_hider, same

ESTIMATORS: tuple[Estimator, ...] = ("deterministic", "st1", "st2", "sa", "reinforce")
LOGITS = torch.tensor([[[3.0, -1.0], [-0.2, 0.4]]])
INPUTS = torch.rand(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))


def seen_by_the_seeker(logits: torch.Tensor, *, estimator: Estimator = "deterministic") -> HideAndSeek:
    """A network whose seeker returns what it is given."""
    return HideAndSeek(constant_hider(logits, (3, 2, 2)), nn.Flatten(), estimator=estimator)


@pytest.mark.parametrize(
    ("settings", "shape", "num_classes", "count"),
    [
        (Settings(), (1, 28, 28), 10, 770_743),
        (Settings(), (3, 32, 32), 10, 1_043_451),
        (Settings(), (3, 32, 32), 100, 1_227_861),
        (Settings(model="hns_large", mask_channels=3), (3, 192, 192), 398, 12_910_635 + 5_407_342),
    ],
)
def test_the_published_number_of_parameters(
    settings: Settings, shape: tuple[int, int, int], num_classes: int, count: int
) -> None:
    assert sum(p.numel() for p in build(settings, shape, num_classes).parameters()) == count


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        (Settings(), (1, 8, 8)),
        (Settings(mask_channels=3), (3, 32, 32)),
        (Settings(model="hns_large"), (3, 32, 64)),
        (Settings(model="hns_resnet", mask_channels=3), (3, 32, 32)),
    ],
)
def test_every_model_gives_logits_mask_and_classes(settings: Settings, shape: tuple[int, int, int]) -> None:
    seen = build(settings, shape, 7).eval()(torch.rand(2, *shape))
    assert seen.hider_logits.shape == seen.mask.shape == (2, settings.mask_channels, *shape[1:])
    assert seen.class_logits.shape == (2, 7)
    assert seen.class_logits.isfinite().all()


def test_one_mask_channel_hides_all_colours_of_a_pixel() -> None:
    seen = seen_by_the_seeker(LOGITS)(INPUTS).class_logits.view(5, 3, 2, 2)
    expected = INPUTS.clone()
    expected[:, :, 0, 1] = 0
    expected[:, :, 1, 0] = 0
    assert torch.equal(seen, expected)


def test_as_many_mask_channels_as_colours_hide_each_value_by_itself() -> None:
    logits = torch.cat([LOGITS, -LOGITS, LOGITS.abs()])
    seen = seen_by_the_seeker(logits)(INPUTS).class_logits.view(5, 3, 2, 2)
    assert torch.equal(seen, INPUTS * (logits > 0))
    assert (seen[:, 2] > 0).all()


def test_hidden_pixels_reach_the_seeker_in_no_way() -> None:
    network = HideAndSeek(
        constant_hider(LOGITS, (3, 2, 2)), nn.Sequential(nn.Flatten(), nn.Linear(12, 4)), estimator="deterministic"
    )
    other = INPUTS.clone()
    other[:, :, 0, 1] = torch.rand(5, 3)
    other[:, :, 1, 0] = torch.rand(5, 3)
    assert torch.equal(network(INPUTS).class_logits, network(other).class_logits)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_test_masks_are_thresholds_and_draw_nothing(estimator: Estimator) -> None:
    network = seen_by_the_seeker(LOGITS, estimator=estimator).eval()
    before = torch.get_rng_state()
    assert torch.equal(network(INPUTS).mask, (LOGITS > 0).float().expand(5, 1, 2, 2))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("estimator", ESTIMATORS[1:])
@pytest.mark.parametrize(("training", "test_masks"), [(True, "threshold"), (True, "sample"), (False, "sample")])
def test_masks_are_drawn_in_training_and_on_demand_in_a_test(
    estimator: Estimator, training: bool, test_masks: TestMasks
) -> None:
    hider = constant_hider(torch.full((1, 2, 2), 1.0), (3, 2, 2))
    network = HideAndSeek(hider, nn.Flatten(), estimator=estimator, test_masks=test_masks).train(training)
    torch.manual_seed(0)
    share = network(torch.rand(1000, 3, 2, 2)).mask.mean().item()
    assert share == pytest.approx(0.731, abs=0.03)  # sigmoid(1)


def test_the_published_sampling_draws_in_a_test_too() -> None:
    network = HideAndSeek(constant_hider(LOGITS, (3, 2, 2)), nn.Flatten(), estimator="st1", reference=True).eval()
    torch.manual_seed(0)
    shares = network(torch.rand(1000, 3, 2, 2)).mask.mean(0).flatten()
    assert (shares[0], shares[1]) == (1, 0)  # the extremes of the batch
    assert 0.05 < shares[2] < shares[3] < 0.95


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_only_slope_annealing_steepens(estimator: Estimator) -> None:
    network = seen_by_the_seeker(LOGITS, estimator=estimator)
    network.steepen(1.5)
    network.steepen(2.0)
    assert network.slope.item() == (3.0 if estimator == "sa" else 1.0)
    assert network.state_dict()["slope"].item() == network.slope.item()


def test_the_steepest_slope_leaves_every_gradient_finite() -> None:
    network = seen_by_the_seeker(LOGITS, estimator="sa")
    for _ in range(300):
        network.steepen(1.5)
    assert network.slope.item() == STEEPEST
    network(INPUTS).mask.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.hider.parameters())


def test_the_hider_learns_from_what_the_seeker_makes_of_its_mask() -> None:
    torch.manual_seed(0)
    network = build(Settings(), (1, 8, 8), 10)
    network(torch.rand(4, 1, 8, 8)).class_logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_weights_come_from_the_global_generator_alone() -> None:
    def built(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return build(Settings(), (1, 8, 8), 10).state_dict()

    assert same(built(1), built(1))
    assert not same(built(1), built(2))


def test_settings_reach_the_network() -> None:
    network = build(Settings(stochastic=True, test_masks="sample", reference=True, initial_keep=0.75), (1, 8, 8), 10)
    assert (network.estimator, network.test_masks, network.reference) == ("st1", "sample", True)
    bias = network.hider[-1].bias
    assert isinstance(bias, nn.Parameter)
    assert torch.sigmoid(bias).item() == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("shape", "channels", "message"),
    [
        ((3, 32, 32), 2, r"mask_channels must be 1 or 3 for images \(3, 32, 32\), got 2"),
        ((1, 8, 8), 3, r"mask_channels must be 1 for images \(1, 8, 8\), got 3"),
    ],
)
def test_a_mask_has_one_channel_or_all(shape: tuple[int, int, int], channels: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(Settings(mask_channels=channels), shape, 10)


@pytest.mark.parametrize(
    ("settings", "shape", "message"),
    [
        (Settings(), (1, 30, 30), "must be divisible by 4, got 30 x 30"),
        (Settings(model="hns_large"), (3, 48, 48), "must be divisible by 32, got 48 x 48"),
        (Settings(model="hns_resnet"), (3, 48, 48), "must be divisible by 32, got 48 x 48"),
        (Settings(), (12,), r"needs images \(c, h, w\), got features \(12,\)"),
    ],
)
def test_images_that_do_not_fit_are_refused(settings: Settings, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(settings, shape, 10)
