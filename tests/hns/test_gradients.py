"""Gradient estimators against the truth: a few Bernoulli pixels whose 2^n masks can all be enumerated."""

import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.func import grad, vmap

from roarbench.benchmark.randomness import generator
from roarbench.hns.binarize import binarize, score_loss
from roarbench.hns.settings import Estimator

LOGITS = torch.tensor([[-1.0, 0.3, 1.6, -0.2], [0.5, -2.0, 0.1, 0.9], [1.2, 0.4, -0.7, -1.5]]).view(3, 1, 2, 2)
MASKS = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4)))
TABLES = 1.5 + torch.rand(3, 16, generator=generator("losses"))
"""An arbitrary loss for each of the 16 masks, another one for each of the three examples."""

ONE = torch.ones(())
SLOPES: dict[Estimator, float] = {"deterministic": 1.0, "st2": 1.0, "sa": 2.5}


def looked_up(mask: Tensor, table: Tensor) -> Tensor:
    """Loss of each mask `(n, 1, 2, 2)`."""
    return table[(mask.flatten(1) @ torch.tensor([8.0, 4.0, 2.0, 1.0])).long()]


def exact_gradient(logits: Tensor, table: Tensor) -> Tensor:
    """d/dh of E[J(m)] for one example: the sum over all masks of P(m) J(m) (m - s)."""
    s = torch.sigmoid(logits.flatten().double())
    total = torch.zeros(4, dtype=torch.float64)
    for mask, loss in zip(MASKS.double(), table.double(), strict=True):
        probability = math.prod((si if mi else 1 - si).item() for si, mi in zip(s, mask, strict=True))
        total += probability * loss * (mask - s)
    return total


def reinforced(n: int, logits: Tensor, table: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients `(n, 4)` of n samples of one example in one batch, the samples' scores m - s, and their losses."""
    many = logits.expand(n, 1, 2, 2).clone().requires_grad_()
    mask = binarize(many, "reinforce", slope=ONE, sample=True)
    losses = looked_up(mask, table)
    (found,) = torch.autograd.grad(score_loss(many, mask, losses), many)
    return n * found.flatten(1), (mask - torch.sigmoid(many.detach())).flatten(1), losses


def within_standard_errors(samples: Tensor, truth: Tensor) -> bool:
    """Whether the mean of samples `(n, ...)` lies within 4 standard errors of the truth, everywhere."""
    samples = samples.double()
    return bool(((samples.mean(0) - truth).abs() <= 4 * samples.std(0) / math.sqrt(len(samples))).all())


def test_the_enumerated_gradient_is_the_slope_of_the_expected_loss() -> None:
    """The truth of this file, by central differences of the expectation itself."""
    logits = LOGITS[0].flatten().double()

    def expected(h: Tensor) -> float:
        s = torch.sigmoid(h)
        chances = (MASKS.double() * s + (1 - MASKS.double()) * (1 - s)).prod(1)
        return (chances * TABLES[0].double()).sum().item()

    steps = 1e-5 * torch.eye(4, dtype=torch.float64)
    slopes = [(expected(logits + step) - expected(logits - step)) / 2e-5 for step in steps]
    assert exact_gradient(LOGITS[0], TABLES[0]).tolist() == pytest.approx(slopes, abs=1e-8)


@pytest.mark.parametrize("example", [0, 1, 2])
def test_reinforce_finds_the_gradient_of_an_arbitrary_loss(example: int) -> None:
    torch.manual_seed(0)
    truth = exact_gradient(LOGITS[example], TABLES[example])
    found, _, _ = reinforced(200_000, LOGITS[[example]], TABLES[example])
    assert within_standard_errors(found, truth)
    assert not within_standard_errors(found, truth + 0.01)


def test_reinforce_is_unbiased_in_batches_as_small_as_three_unlike_examples() -> None:
    """An example that counted in its own baseline would bias exactly these."""
    torch.manual_seed(1)
    num_batches = 100_000
    masks = binarize(LOGITS.repeat(num_batches, 1, 1, 1), "reinforce", slope=ONE, sample=True)
    masks = masks.view(num_batches, 3, 1, 2, 2)
    losses = torch.stack([looked_up(masks[:, i], TABLES[i]) for i in range(3)], dim=1)
    found = 3 * vmap(grad(score_loss), in_dims=(None, 0, 0))(LOGITS, masks, losses).flatten(2)
    truth = torch.stack([exact_gradient(LOGITS[i], TABLES[i]) for i in range(3)])
    assert within_standard_errors(found, truth)
    assert not within_standard_errors(found, 0.9 * truth)


@pytest.mark.parametrize("example", [0, 1, 2])
def test_the_baseline_reduces_the_variance_and_no_constant_does_better(example: int) -> None:
    torch.manual_seed(2)
    found, rest, losses = reinforced(100_000, LOGITS[[example]], TABLES[example])
    ours = found.var(0)
    assert (ours < 0.1 * (rest * losses[:, None]).var(0)).all()
    for constant in torch.linspace(1.5, 2.5, 11):
        assert (ours < 1.02 * (rest * (losses[:, None] - constant)).var(0)).all()


@pytest.mark.parametrize("estimator", SLOPES)
def test_a_loss_linear_in_the_mask_has_its_analytic_gradient_whatever_is_drawn(estimator: Estimator) -> None:
    """E[c m] = c s, so its gradient is c times the derivative of the sigmoid; no sample deviates from it."""
    torch.manual_seed(3)
    weights = torch.tensor([2.0, -1.0, 0.5, 3.0]).view(1, 1, 2, 2)
    slope = torch.tensor(SLOPES[estimator])
    logits = LOGITS.clone().requires_grad_()
    (truth,) = torch.autograd.grad((weights * torch.sigmoid(slope * logits)).sum(), logits)
    for _ in range(10):
        mask = binarize(logits, estimator, slope=slope, sample=True)
        (found,) = torch.autograd.grad((weights * mask).sum(), logits)
        torch.testing.assert_close(found, truth)


def test_st1_hands_on_the_gradient_of_the_mask_as_it_is() -> None:
    torch.manual_seed(4)
    weights = torch.tensor([2.0, -1.0, 0.5, 3.0]).view(1, 1, 2, 2)
    logits = LOGITS.clone().requires_grad_()
    mask = binarize(logits, "st1", slope=ONE, sample=True)
    (found,) = torch.autograd.grad((weights * mask.square()).sum(), logits)
    assert torch.equal(found, 2 * weights * mask.detach())


def test_straight_through_is_biased_where_reinforce_is_not() -> None:
    """Why REINFORCE is kept at all: J = (m - 1/2)^2 is the same for both values, yet its slope at m is not 0."""
    logits = torch.full((10_000, 1, 1, 1), 1.0, requires_grad=True)
    torch.manual_seed(5)
    mask = binarize(logits, "st2", slope=ONE, sample=True)
    (through,) = torch.autograd.grad((mask - 0.5).square().sum(), logits)
    (scored,) = torch.autograd.grad(score_loss(logits, mask.detach(), (mask - 0.5).square().flatten()), logits)
    assert through.mean() > 0.05
    assert scored.abs().max() < 1e-6
