"""The laws of the losses."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from roarbench.methods.senn.losses import hold, losses, probe_loss, reproduction_loss, residual_loss, residuals
from roarbench.methods.senn.model import Senn
from roarbench.methods.senn.settings import Settings

CONVOLUTIONAL = Settings(concepts="convolutional", relevances="convolutional", bounded=True)
IDENTITY = Settings()


def senn(settings: Settings, shape: tuple[int, ...] = (1, 8, 8), num_classes: int = 3) -> tuple[Senn, torch.Tensor]:
    torch.manual_seed(0)
    network = Senn(settings, shape, num_classes).double()
    return network, torch.rand(6, *shape, dtype=torch.float64)


@pytest.mark.parametrize("settings", [CONVOLUTIONAL, IDENTITY, replace(CONVOLUTIONAL, concepts="vae")])
def test_the_residual_is_gradient_minus_relevances_times_jacobian(settings: Settings) -> None:
    network, inputs = senn(settings)
    inputs.requires_grad_()
    found = network.explain(inputs)
    for c, residual in enumerate(residuals(hold(network, inputs))):
        (gradient,) = torch.autograd.grad(found.logits[:, c].sum(), inputs, retain_graph=True)
        weighted = (found.relevances[..., c].detach() * found.concepts).sum()
        (explained,) = torch.autograd.grad(weighted, inputs, retain_graph=True)
        torch.testing.assert_close(residual, gradient - explained, rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", [CONVOLUTIONAL, IDENTITY])
def test_constant_relevances_have_no_residual(settings: Settings) -> None:
    network, inputs = senn(settings)
    assert residual_loss(network, hold(network, inputs)) > 0
    head = [module for module in network.relevances if isinstance(module, nn.Linear)][-1]
    nn.init.zeros_(head.weight)
    assert residual_loss(network, hold(network, inputs)) == 0
    assert (
        reproduction_loss(network, hold(network, inputs)) > 1e-3
    )  # the published form is not minimal at a linear model


@pytest.mark.parametrize("settings", [CONVOLUTIONAL, replace(CONVOLUTIONAL, concepts="vae")])
def test_gradients_reach_relevances_and_concepts(settings: Settings) -> None:
    network, inputs = senn(settings)
    residual_loss(network, hold(network, inputs)).backward()
    for part in (network.relevances, network.concepts):
        assert any(value.grad is not None and value.grad.abs().sum() > 0 for value in part.parameters())


def test_lambda_does_not_depend_on_the_batch() -> None:
    network, inputs = senn(CONVOLUTIONAL)
    once, twice = (
        residual_loss(network, hold(network, inputs)),
        residual_loss(network, hold(network, torch.cat([inputs, inputs]))),
    )
    torch.testing.assert_close(once, twice)
    published = [reproduction_loss(network, hold(network, batch)) for batch in (inputs, torch.cat([inputs, inputs]))]
    torch.testing.assert_close(published[1], published[0] * 2**0.5)


def test_random_signs_are_unbiased() -> None:
    network, inputs = senn(CONVOLUTIONAL)
    drawn = torch.stack([probe_loss(network, hold(network, inputs)).detach() for _ in range(400)])
    error = drawn.std() / len(drawn) ** 0.5
    assert (drawn.mean() - residual_loss(network, hold(network, inputs)).detach()).abs() < 4 * error


def test_the_concept_loss_is_in_the_total() -> None:
    network, inputs = senn(CONVOLUTIONAL)
    labels = torch.arange(6) % 3
    found = losses(network, inputs, labels, replace(CONVOLUTIONAL, robust_weight=0.5, concept_weight=2.0))
    expected = found.classification + 0.5 * found.robustness + 2.0 * found.concept
    torch.testing.assert_close(found.total, expected)
    assert found.concept > 0


def test_two_classes_of_the_published_form_do_not_see_relevances() -> None:
    """Its gradient is (p1 - p0)(g0 - g1) for both classes, whatever the relevances of either are."""
    network, inputs = senn(Settings(bias=False), shape=(5,), num_classes=2)
    inputs.requires_grad_()
    logits = network(inputs)
    p = logits.softmax(1)
    g = torch.stack([torch.autograd.grad(logits[:, c].sum(), inputs, retain_graph=True)[0] for c in (0, 1)], 2)
    slope = (p[:, 1] - p[:, 0])[:, None] * (g[..., 0] - g[..., 1])
    expected = (slope[..., None] - network.explain(inputs).relevances).norm()
    torch.testing.assert_close(reproduction_loss(network, hold(network, inputs)), expected)
