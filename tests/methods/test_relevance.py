"""LRP: conservation, re-derivations by loops over units, and networks that become chains."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roarbench.methods.base import Skip
from roarbench.methods.deep_lift import DeepLift
from roarbench.methods.gradient import Gradient
from roarbench.methods.relevance import Lrp
from tests.methods.networks import SPELLINGS, Residual, Standardise, TwoNames, convolutional, split, tabular

ROWS, IMAGES, TARGETS = split((6,)), split((1, 8, 8)), torch.tensor([0, 1, 2, 1])


Rectify = Callable[[Tensor], Tensor]


class Functions(nn.Module):
    """Layers without weights as functions, a dropout among them."""

    def __init__(self, rectify: Rectify, flattened: Rectify) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.conv, self.hidden, self.last = nn.Conv2d(1, 4, 3), nn.Linear(36, 8), nn.Linear(8, 3)
        self.rectify, self.flattened = rectify, flattened

    def forward(self, inputs: Tensor) -> Tensor:
        maps = F.dropout(F.max_pool2d(self.rectify(self.conv(inputs)), 2), 0.5, self.training)
        return self.last(self.rectify(self.hidden(self.flattened(maps))))


class Last(nn.Module):
    """What a recurrent layer says of the last row."""

    def forward(self, outputs: tuple[Tensor, object]) -> Tensor:
        return outputs[0][:, -1]


def chosen(classifier: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return classifier(inputs).gather(1, TARGETS[:, None])[:, 0]


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
        ([nn.Flatten(), *[nn.Linear(64, 64)] * 2, nn.Linear(64, 3)], "used once"),
        ([Residual(1), nn.Flatten(), nn.Linear(64, 3)], "residual sums and products have no rule"),
        ([nn.Flatten(), nn.Linear(64, 3), nn.LogSoftmax(1)], "no rule for LogSoftmax"),
        ([nn.Flatten(1, 2), nn.LSTM(8, 3, batch_first=True), Last()], "no rule for LSTM"),
    ],
)
def test_lrp_is_skipped_where_it_has_no_rule(layers: list[nn.Module], reason: str) -> None:
    with pytest.raises(Skip, match=reason):
        Lrp().prepare(nn.Sequential(Standardise(), *layers).eval(), IMAGES)


@pytest.mark.parametrize(
    "flattened",
    [
        lambda x: torch.flatten(x, 1),
        lambda x: x.view(x.size(0), -1),
        lambda x: x.reshape(x.shape[0], -1),
        lambda x: x.view(-1, 36),
    ],
)
@pytest.mark.parametrize("rectify", SPELLINGS.values(), ids=SPELLINGS)
def test_lrp_of_a_network_of_functions_is_that_of_its_modules(rectify: Rectify, flattened: Rectify) -> None:
    functions = Functions(rectify, flattened)
    modules = nn.Sequential(functions.conv, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), functions.hidden, nn.ReLU())
    expected = nn.Sequential(Standardise(), *modules, functions.last).eval()
    ours = Lrp().prepare(nn.Sequential(Standardise(), functions).eval(), IMAGES)(IMAGES.inputs[:4], TARGETS)
    assert torch.equal(ours, Lrp().prepare(expected, IMAGES)(IMAGES.inputs[:4], TARGETS))


def test_lrp_does_not_mind_a_module_under_two_names() -> None:
    classifier, inputs = convolutional(1), IMAGES.inputs[:4]
    expected = Lrp().prepare(classifier, IMAGES)(inputs, TARGETS)
    assert torch.equal(Lrp().prepare(TwoNames(classifier), IMAGES)(inputs, TARGETS), expected)


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
