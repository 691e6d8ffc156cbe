"""Guided backpropagation and deconvolution re-derived by loops over units, and against Captum."""

import captum.attr
import pytest
import torch
from torch import Tensor, nn

from roarbench.methods.backprop import Deconvolution, GuidedBackprop
from roarbench.methods.gradient import Gradient
from tests.methods.networks import Residual, Standardise, convolutional, residual, split, tabular

ROWS, IMAGES = split((6,)), split((1, 8, 8))
TARGETS = torch.tensor([0, 1, 2, 1, 2])
RULES = {
    GuidedBackprop: lambda before, above: above if above > 0 and before > 0 else 0.0,
    Deconvolution: lambda before, above: above if above > 0 else 0.0,
}
methods = pytest.mark.parametrize("method", RULES)


def deep() -> nn.Sequential:
    torch.manual_seed(4)
    layers = [nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 9), nn.ReLU(), nn.Linear(9, 3)]
    return nn.Sequential(Standardise(), *layers).eval()


@methods
def test_rules_equal_a_backward_pass_written_as_loops(method: type) -> None:
    classifier = deep()
    ours = method().prepare(classifier, ROWS)(ROWS.inputs[:5], TARGETS)
    for example in range(5):
        expected = looped(classifier, ROWS.inputs[example], int(TARGETS[example]), RULES[method])
        torch.testing.assert_close(ours[example], expected, rtol=1e-4, atol=1e-6)


@methods
@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.parametrize(("classifier", "train"), [(convolutional(1), IMAGES), (tabular(), ROWS)])
def test_rules_equal_captums_on_a_chain(method: type, classifier: nn.Module, train: object) -> None:
    inputs = train.inputs[:5]  # type: ignore[attr-defined]
    theirs = getattr(captum.attr, {GuidedBackprop: "GuidedBackprop", Deconvolution: "Deconvolution"}[method])
    expected = theirs(classifier).attribute(inputs.clone().requires_grad_(), target=TARGETS)
    torch.testing.assert_close(method().prepare(classifier, train)(inputs, TARGETS), expected)


@methods
def test_a_skip_connection_keeps_its_plain_gradient(method: type) -> None:
    """Captum would apply the rule to the gradient of the skip connection as well."""
    block = Residual(1)
    nn.init.zeros_(block.conv.weight)
    classifier = nn.Sequential(Standardise(), block, nn.Flatten(), nn.Linear(64, 3)).eval()
    inputs = IMAGES.inputs[:5]
    ours = method().prepare(classifier, IMAGES)(inputs, TARGETS)
    torch.testing.assert_close(ours, Gradient().prepare(classifier, IMAGES)(inputs, TARGETS))
    assert (ours < 0).any()


@methods
def test_rules_change_the_gradient(method: type) -> None:
    for classifier in (convolutional(1), residual()):
        inputs = IMAGES.inputs[:5]
        ours = method().prepare(classifier, IMAGES)(inputs, TARGETS)
        assert not torch.equal(ours, Gradient().prepare(classifier, IMAGES)(inputs, TARGETS))


@methods
def test_a_relu_is_a_relu_again_if_the_classifier_fails(method: type) -> None:
    classifier = tabular()
    with pytest.raises(RuntimeError):
        method().prepare(classifier, ROWS)(torch.rand(2, 5), TARGETS[:2])
    hidden = torch.tensor([-1.0, 1.0], requires_grad=True)
    (torch.relu(hidden) * torch.tensor([1.0, -1.0])).sum().backward()
    assert hidden.grad is not None and hidden.grad.tolist() == [0.0, -1.0]


@torch.no_grad()
def looped(classifier: nn.Sequential, row: Tensor, target: int, rule: object) -> Tensor:
    linears = [layer for layer in classifier if isinstance(layer, nn.Linear)]
    before, values = [], (row - 0.4) / 0.3
    for layer in linears[:-1]:
        before.append(layer.weight @ values + layer.bias)
        values = before[-1].clamp(min=0)
    above = linears[-1].weight[target].tolist()
    for layer, activations in zip(reversed(linears[:-1]), reversed(before), strict=True):
        passed = [rule(float(activations[unit]), above[unit]) for unit in range(len(above))]  # type: ignore[operator]
        above = [
            sum(passed[unit] * float(layer.weight[unit, below]) for unit in range(len(passed)))
            for below in range(layer.in_features)
        ]
    return torch.tensor(above) / 0.3
