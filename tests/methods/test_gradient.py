"""Gradients against weights of linear models, completeness, and Captum."""

import captum.attr
import pytest
import torch
from torch import nn

from roarbench.methods.gradient import ExpectedGradients, Gradient, GradientShap, InputXGradient, IntegratedGradients
from tests.methods.networks import convolutional, linear, residual, split

TARGETS = torch.tensor([0, 1, 2, 1])
IMAGES = split((1, 8, 8))
INPUTS = IMAGES.inputs[:4]


def test_gradient_of_a_linear_model_is_its_weight_row() -> None:
    classifier = linear((1, 8, 8))
    attributions = Gradient().prepare(classifier, IMAGES)(INPUTS, TARGETS)
    weights = classifier[2].weight.detach()[TARGETS] / 0.3
    torch.testing.assert_close(attributions, weights.view(4, 1, 8, 8))


def test_input_x_gradient_is_the_product() -> None:
    classifier = convolutional(1)
    product = INPUTS * Gradient().prepare(classifier, IMAGES)(INPUTS, TARGETS)
    torch.testing.assert_close(InputXGradient().prepare(classifier, IMAGES)(INPUTS, TARGETS), product)


@pytest.mark.parametrize("steps", [2, 7])
def test_integrated_gradients_equal_captums_right_riemann_sum(steps: int) -> None:
    classifier = residual()
    ours = IntegratedGradients(steps).prepare(classifier, IMAGES)(INPUTS, TARGETS)
    theirs = captum.attr.IntegratedGradients(classifier).attribute(
        INPUTS, 0, TARGETS, n_steps=steps, method="riemann_right"
    )
    torch.testing.assert_close(ours, theirs.float(), rtol=1e-4, atol=1e-5)


def test_integrated_gradients_sum_to_the_difference_from_black() -> None:
    classifier = convolutional(1)
    attributions = IntegratedGradients(steps=300).prepare(classifier, IMAGES)(INPUTS, TARGETS)
    torch.testing.assert_close(attributions.flatten(1).sum(1), logits_above_black(classifier), rtol=0.02, atol=0.01)


def test_gradient_shap_of_a_linear_model_is_weight_times_distance_from_the_reference() -> None:
    classifier, train = linear((1, 8, 8)), split((1, 8, 8), n=1, seed=5)
    ours = GradientShap(samples=2).prepare(classifier, train)(INPUTS, TARGETS)
    theirs = captum.attr.GradientShap(classifier).attribute(INPUTS, train.inputs, target=TARGETS, n_samples=2)
    torch.testing.assert_close(ours, theirs.float())
    weights = classifier[2].weight.detach()[TARGETS].view(4, 1, 8, 8) / 0.3
    torch.testing.assert_close(ours, weights * (INPUTS - train.inputs))


def test_gradient_shap_sums_to_the_distance_from_the_mean_training_logit() -> None:
    classifier = convolutional(1)
    torch.manual_seed(0)
    attributions = GradientShap(samples=800).prepare(classifier, IMAGES)(INPUTS, TARGETS)
    with torch.no_grad():
        difference = (classifier(INPUTS) - classifier(IMAGES.inputs).mean(0)).gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(attributions.flatten(1).sum(1), difference, rtol=0, atol=0.05)


def test_gradient_shap_draws_fresh_references_and_noise_for_every_example() -> None:
    classifier, inputs = linear((1, 8, 8)), INPUTS[:1].expand(4, -1, -1, -1)
    for noise, train in ((0.0, IMAGES), (0.5, split((1, 8, 8), n=1))):
        torch.manual_seed(0)
        maps = GradientShap(samples=1, noise=noise).prepare(classifier, train)(inputs, TARGETS[:1].expand(4))
        assert maps.unique(dim=0).shape[0] > 1


@pytest.mark.parametrize("samples", [1, 6])
def test_expected_gradients_are_gradient_shap_with_more_samples(samples: int) -> None:
    classifier, maps = convolutional(1), []
    for explainer in (ExpectedGradients(samples), GradientShap(samples)):
        torch.manual_seed(0)
        maps.append(explainer.prepare(classifier, IMAGES)(INPUTS, TARGETS))
    assert torch.equal(*maps) and ExpectedGradients().samples == 40
    with pytest.raises(ValueError, match=r"expected_gradients\[samples\] must be at least 1, got 0"):
        ExpectedGradients(samples=0)


def logits_above_black(classifier: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return (classifier(INPUTS) - classifier(torch.zeros_like(INPUTS))).gather(1, TARGETS[:, None])[:, 0]


class Recurrent(nn.Module):
    """Reads an image row by row, and keeps whether cuDNN would have been asked."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.last = nn.LSTM(8, 4, batch_first=True), nn.Linear(4, 3)
        self.asked: list[bool] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.asked.append(torch.backends.cudnn.enabled)
        return self.last(self.layer(inputs.flatten(1, 2))[0][:, -1])


def test_recurrent_layers_are_differentiated_without_cudnn_which_cannot_in_eval_mode() -> None:
    classifier, before = Recurrent().eval(), torch.backends.cudnn.enabled
    attributions = Gradient().prepare(classifier, IMAGES)(INPUTS, TARGETS)
    assert classifier.asked == [False] and torch.backends.cudnn.enabled == before
    moved = INPUTS.double().clone()
    moved[:, 0, 3, 4] += 1e-5
    with torch.no_grad():
        change = classifier.double()(moved) - classifier(INPUTS.double())
    slopes = change.gather(1, TARGETS[:, None])[:, 0] / 1e-5
    torch.testing.assert_close(attributions[:, 0, 3, 4].double(), slopes, rtol=1e-3, atol=1e-5)
