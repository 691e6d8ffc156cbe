"""DeepLIFT and LRP: conservation, and re-derivations by loops over units."""

import pytest
import torch
from torch import Tensor, nn

from methods.base import Skip
from methods.gradient import Gradient
from methods.relevance import DeepLift, Lrp
from tests.methods.networks import Standardise, convolutional, residual, split, tabular

ROWS, IMAGES, TARGETS = split((6,)), split((1, 8, 8)), torch.tensor([0, 1, 2, 1])


def chosen(classifier: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return classifier(inputs).gather(1, TARGETS[:, None])[:, 0]


@pytest.mark.parametrize(("classifier", "train"), [(convolutional(1), IMAGES), (residual(), IMAGES), (tabular(), ROWS)])
def test_deep_lift_sums_to_the_difference_from_black(classifier: nn.Module, train: object) -> None:
    inputs = train.inputs[:4]  # type: ignore[attr-defined]
    attributions = DeepLift().prepare(classifier, train)(inputs, TARGETS)
    difference = chosen(classifier, inputs) - chosen(classifier, torch.zeros_like(inputs))
    torch.testing.assert_close(attributions.flatten(1).sum(1), difference, rtol=1e-3, atol=1e-4)


def test_deep_lift_multiplies_slopes_from_black_to_the_input() -> None:
    classifier = tabular()
    first, last = classifier[1], classifier[3]
    ours = DeepLift().prepare(classifier, ROWS)(ROWS.inputs[:4], TARGETS)
    for example, target in enumerate(TARGETS.tolist()):
        row = ROWS.inputs[example]
        before, black = (first((x - 0.4) / 0.3) for x in (row, torch.zeros(6)))
        slopes = (before.relu() - black.relu()) / (before - black)
        expected = sum(last.weight[target, j] * slopes[j] * first.weight[j] / 0.3 * row for j in range(16))
        torch.testing.assert_close(ours[example], expected.detach(), rtol=1e-4, atol=1e-5)


def test_deep_lift_is_skipped_where_pooling_windows_overlap() -> None:
    classifier = nn.Sequential(Standardise(), nn.MaxPool2d(3, stride=2), nn.Flatten(), nn.Linear(9, 3)).eval()
    with pytest.raises(Skip, match="windows overlap"):
        DeepLift().prepare(classifier, IMAGES)


def test_lrp_equals_the_epsilon_rule_written_as_loops() -> None:
    classifier = tabular()
    first, last = classifier[1], classifier[3]
    ours = Lrp(epsilon=0.1).prepare(classifier, ROWS)(ROWS.inputs[:4], TARGETS)
    for example, target in enumerate(TARGETS.tolist()):
        standard = (ROWS.inputs[example] - 0.4) / 0.3
        hidden = first(standard).relu()
        logit = last(hidden)[target]
        at_hidden = shared(hidden, last.weight[target : target + 1], last(hidden)[target : target + 1], [logit])
        expected = shared(standard, first.weight, first(standard), at_hidden)
        torch.testing.assert_close(ours[example], torch.stack(expected).detach(), rtol=1e-3, atol=1e-5)


def test_lrp_conserves_the_logit_without_biases() -> None:
    classifier = convolutional(1)
    for layer in classifier:
        if getattr(layer, "bias", None) is not None:
            nn.init.zeros_(layer.bias)
    nn.init.zeros_(classifier[3].running_mean)
    relevance = Lrp(epsilon=1e-7).prepare(classifier, IMAGES)(IMAGES.inputs[:4], TARGETS)
    torch.testing.assert_close(relevance.flatten(1).sum(1), chosen(classifier, IMAGES.inputs[:4]), rtol=1e-3, atol=1e-4)


def test_lrp_with_a_tiny_epsilon_is_gradient_times_standardised_input() -> None:
    classifier, inputs = convolutional(1), IMAGES.inputs[:4]
    gradient = Gradient().prepare(classifier, IMAGES)(inputs, TARGETS)
    relevance = Lrp(epsilon=1e-7).prepare(classifier, IMAGES)(inputs, TARGETS)
    torch.testing.assert_close(relevance, gradient * (inputs - 0.4), rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([nn.Conv2d(1, 2, 3), nn.GELU(), nn.Flatten(), nn.Linear(72, 3)], "no rule for GELU"),
        ([nn.Flatten(), nn.Linear(64, 64), *[nn.ReLU()] * 2, nn.Linear(64, 3)], "used once"),
    ],
)
def test_lrp_is_skipped_where_it_has_no_rule(layers: list[nn.Module], reason: str) -> None:
    with pytest.raises(Skip, match=reason):
        Lrp().prepare(nn.Sequential(Standardise(), *layers).eval(), IMAGES)


@pytest.mark.parametrize("explainer", [DeepLift(), Lrp()])
def test_nothing_stays_on_the_modules_if_the_classifier_fails(explainer: DeepLift | Lrp) -> None:
    classifier = tabular()
    attribute, before = explainer.prepare(classifier, ROWS), [sorted(vars(module)) for module in classifier.modules()]
    with pytest.raises(RuntimeError):
        attribute(torch.rand(2, 5), TARGETS[:2])
    assert [sorted(vars(module)) for module in classifier.modules()] == before
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in classifier.modules())


def shared(inputs: Tensor, weight: Tensor, outputs: Tensor, relevance: list[Tensor] | Tensor) -> list[Tensor]:
    """R_i = sum over j of x_i w_ij / (z_j + 0.1 sign(z_j)) R_j."""
    stable = [z + (0.1 if z >= 0 else -0.1) for z in outputs]
    return [sum(x * weight[j, i] / stable[j] * relevance[j] for j in range(len(stable))) for i, x in enumerate(inputs)]
