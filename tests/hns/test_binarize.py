"""Thresholds: masks of zeros and ones, gradients by their formulas, the published sampling re-derived slowly."""

import math

import pytest
import torch
from torch import Tensor

from roarbench.hns.binarize import binarize, score_loss
from roarbench.hns.settings import Estimator

ESTIMATORS: tuple[Estimator, ...] = ("deterministic", "st1", "st2", "sa", "reinforce")
DRAWN = ESTIMATORS[1:]
LOGITS = torch.tensor([-4.0, -1.2, -0.1, 0.05, 0.4, 1.0, 2.5, 6.0]).view(2, 1, 2, 2)
UPSTREAM = torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0, 0.25, 2.0, -0.75]).view(2, 1, 2, 2)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def mask(
    estimator: Estimator, logits: Tensor = LOGITS, *, slope: float = 1.0, sample: bool = True, reference: bool = False
) -> Tensor:
    return binarize(logits, estimator, slope=torch.tensor(slope), sample=sample, reference=reference)


def gradient(estimator: Estimator, slope: float, *, reference: bool = False, sample: bool = True) -> list[float]:
    logits = LOGITS.clone().requires_grad_()
    kept = mask(estimator, logits, slope=slope, sample=sample, reference=reference)
    return torch.autograd.grad((UPSTREAM * kept).sum(), logits)[0].flatten().tolist()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("sample", [True, False])
@pytest.mark.parametrize("reference", [True, False])
def test_a_mask_holds_zeros_and_ones_alone(estimator: Estimator, sample: bool, reference: bool) -> None:
    torch.manual_seed(0)
    found = mask(estimator, torch.randn(50, 3, 8, 8) * 5, sample=sample, reference=reference)
    assert found.shape == (50, 3, 8, 8)
    assert found.dtype == torch.float32
    assert found.unique().tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("estimator", "slope", "formula"),
    [
        ("deterministic", 1.0, lambda s, slope: s * (1 - s)),
        ("st1", 1.0, lambda s, slope: 1),
        ("st2", 1.0, lambda s, slope: s * (1 - s)),
        ("sa", 1.0, lambda s, slope: s * (1 - s)),
        ("sa", 3.0, lambda s, slope: slope * s * (1 - s)),
    ],
)
@pytest.mark.parametrize("sample", [True, False])
def test_gradients_follow_their_formulas(estimator: Estimator, slope: float, formula: object, sample: bool) -> None:
    pairs = zip(LOGITS.flatten().tolist(), UPSTREAM.flatten().tolist(), strict=True)
    expected = [g * formula(sigmoid(slope * h), slope) for h, g in pairs]  # type: ignore[operator]
    assert gradient(estimator, slope, sample=sample) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("reference", [True, False])
def test_no_gradient_passes_the_mask_of_reinforce(reference: bool) -> None:
    assert not mask("reinforce", LOGITS.clone().requires_grad_(), reference=reference).requires_grad


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_without_sampling_the_likely_is_kept_and_nothing_is_drawn(estimator: Estimator) -> None:
    before = torch.get_rng_state()
    assert torch.equal(mask(estimator, sample=False), (LOGITS > 0).float())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("reference", [True, False])
def test_the_deterministic_threshold_never_draws(reference: bool) -> None:
    before = torch.get_rng_state()
    assert torch.equal(mask("deterministic", sample=True, reference=reference), (LOGITS > 0).float())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_chance_of_exactly_one_half_is_hidden() -> None:
    """As round(0.5) = 0, half to even, in the published code."""
    assert mask("deterministic", torch.zeros(1, 1, 2, 2)).sum() == 0


@pytest.mark.parametrize("estimator", DRAWN)
@pytest.mark.parametrize("chance", [0.02, 0.3, 0.5, 0.9])
def test_a_pixel_is_kept_as_often_as_its_probability_says(estimator: Estimator, chance: float) -> None:
    torch.manual_seed(1)
    n = 20_000
    slope = 4.0 if estimator == "sa" else 1.0
    logits = torch.full((n, 1, 1, 1), math.log(chance / (1 - chance)) / slope)
    share = mask(estimator, logits, slope=slope).mean().item()
    assert abs(share - chance) < 4 * math.sqrt(chance * (1 - chance) / n)


@pytest.mark.parametrize("estimator", DRAWN)
def test_pixels_are_drawn_independently(estimator: Estimator) -> None:
    torch.manual_seed(2)
    n = 20_000
    drawn = mask(estimator, torch.zeros(n, 1, 1, 2)).flatten(1)
    both = (drawn[:, 0] * drawn[:, 1]).mean().item()
    assert abs(both - 0.25) < 4 * math.sqrt(0.25 * 0.75 / n)


@pytest.mark.parametrize("estimator", DRAWN)
@pytest.mark.parametrize("reference", [True, False])
def test_masks_repeat_under_a_seed_and_differ_without(estimator: Estimator, reference: bool) -> None:
    logits = torch.linspace(-2, 2, 400).view(4, 1, 10, 10)

    def drawn(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return mask(estimator, logits, reference=reference)

    assert torch.equal(drawn(3), drawn(3))
    assert not torch.equal(drawn(3), drawn(4))


def published_slowly(logits: list[float], uniform: list[float], slope: float) -> list[float]:
    """s. 2 of the specification: a second sigmoid, a threshold between the extremes of the batch, a ceiling."""
    second = [sigmoid(slope * sigmoid(h)) for h in logits]
    low, high = min(second), max(second)
    return [float(math.ceil(s - (low + (high - low) * u))) for s, u in zip(second, uniform, strict=True)]


@pytest.mark.parametrize(("estimator", "slope"), [("st1", 1.0), ("st2", 1.0), ("sa", 2.5), ("reinforce", 1.0)])
@pytest.mark.parametrize("sample", [True, False])
def test_the_published_sampling_equals_a_slow_loop(estimator: Estimator, slope: float, sample: bool) -> None:
    logits = torch.linspace(-3, 4, 600).view(6, 1, 10, 10)
    torch.manual_seed(5)
    uniform = torch.rand(logits.shape).flatten().tolist()
    torch.manual_seed(5)
    found = mask(estimator, logits, slope=slope, sample=sample, reference=True)
    expected = published_slowly(logits.flatten().tolist(), uniform, slope)
    assert found.flatten().tolist() == expected
    assert 0.2 < found.mean() < 0.8


@pytest.mark.parametrize("estimator", DRAWN)
@pytest.mark.parametrize("constant", [-9.0, 0.0, 9.0])
def test_the_published_sampling_hides_a_constant_batch_entirely(estimator: Estimator, constant: float) -> None:
    assert mask(estimator, torch.full((8, 1, 4, 4), constant), reference=True).abs().sum() == 0


@pytest.mark.parametrize(
    ("estimator", "slope", "formula"),
    [
        ("deterministic", 1.0, lambda p, slope: p * (1 - p)),
        ("st1", 1.0, lambda p, slope: p * (1 - p)),
        ("st2", 1.0, lambda p, slope: (p * (1 - p)) ** 2),
        ("sa", 2.5, lambda p, slope: slope * (p * (1 - p)) ** 2),
    ],
)
def test_published_gradients_pass_the_first_sigmoid_as_well(
    estimator: Estimator, slope: float, formula: object
) -> None:
    pairs = zip(LOGITS.flatten().tolist(), UPSTREAM.flatten().tolist(), strict=True)
    expected = [g * formula(sigmoid(h), slope) for h, g in pairs]  # type: ignore[operator]
    assert gradient(estimator, slope, reference=True) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def reinforced_slowly(logits: Tensor, kept: Tensor, losses: Tensor) -> Tensor:
    """(m - s)(J - J~) / b with J~ = sum of (m - s)^2 J / sum of (m - s)^2 over the other examples, in loops."""
    b = len(losses)
    rest = (kept.double() - torch.sigmoid(logits.double())).flatten(1)
    found = torch.zeros_like(rest)
    for i in range(b):
        for pixel in range(rest.shape[1]):
            weights = [rest[j, pixel].item() ** 2 for j in range(b) if j != i]
            weighted = [w * losses[j].item() for w, j in zip(weights, [j for j in range(b) if j != i], strict=True)]
            baseline = sum(weighted) / sum(weights) if weights else 0.0
            found[i, pixel] = rest[i, pixel] * (losses[i].item() - baseline) / b
    return found.view_as(logits).float()


def score_gradient(logits: Tensor, kept: Tensor, losses: Tensor) -> Tensor:
    logits = logits.clone().requires_grad_()
    return torch.autograd.grad(score_loss(logits, kept, losses), logits)[0]


@pytest.mark.parametrize("b", [1, 2, 7])
def test_the_score_gradient_equals_a_slow_loop(b: int) -> None:
    torch.manual_seed(6)
    logits = torch.randn(b, 3, 2, 2)
    kept, losses = mask("reinforce", logits), 2 + torch.rand(b)
    torch.testing.assert_close(score_gradient(logits, kept, losses), reinforced_slowly(logits, kept, losses))


def test_the_score_gradient_by_hand() -> None:
    """s = 1/2, masks 1 and 0, losses 3 and 1: each is the baseline of the other."""
    found = score_gradient(torch.zeros(2, 1, 1, 1), torch.tensor([1.0, 0.0]).view(2, 1, 1, 1), torch.tensor([3.0, 1.0]))
    assert found.flatten().tolist() == [0.5 * (3 - 1) / 2, -0.5 * (1 - 3) / 2]


def test_losses_are_not_differentiated_by_the_score() -> None:
    losses = torch.tensor([3.0, 1.0], requires_grad=True)
    logits = torch.zeros(2, 1, 1, 1, requires_grad=True)
    score_loss(logits, torch.ones(2, 1, 1, 1), losses).backward()
    assert losses.grad is None


def test_equal_losses_teach_nothing() -> None:
    torch.manual_seed(7)
    logits = torch.randn(9, 1, 4, 4)
    found = score_gradient(logits, mask("reinforce", logits), torch.full((9,), 2.3))
    assert found.abs().max() < 1e-6


@pytest.mark.parametrize("logit", [-5.0, -9.0, -12.0, -16.0, 12.0, 30.0, -40.0])
def test_the_baseline_of_a_saturated_pixel_lies_among_the_losses(logit: float) -> None:
    """One example drew the unlikely: its weight dwarfs those of the others, which must not be lost in rounding."""
    torch.manual_seed(8)
    for _ in range(20):
        logits = logit + 0.5 * torch.randn(128, 1, 1, 1)
        kept = (logits > 0).float()
        kept[0] = 1 - kept[0]
        losses = 2.3 * torch.rand(128)
        losses[0] = 0.01
        found = score_gradient(logits, kept, losses)
        assert found.isfinite().all()
        assert found.abs().max() <= 2.3 / 128
