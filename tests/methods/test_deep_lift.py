"""DeepLIFT: attributions add up to the difference of the logits, or the method is skipped with both numbers."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import Skip
from roarbench.methods.deep_lift import DeepLift
from tests.methods.networks import Standardise, TwoNames, convolutional, residual, spelled, split, tabular

ROWS, IMAGES = split((6,)), split((1, 8, 8))
TARGETS = torch.tensor([0, 1, 2, 1])


def require_sums(classifier: nn.Module, train: Split) -> None:
    inputs = train.inputs[:4]
    attributions = DeepLift().prepare(classifier, train)(inputs, TARGETS)
    with torch.no_grad():
        differences = classifier(inputs) - classifier(torch.zeros_like(inputs))
    expected = differences.gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(attributions.flatten(1).sum(1), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("classifier", "train"), [(convolutional(1), IMAGES), (residual(), IMAGES), (tabular(), ROWS)])
def test_deep_lift_sums_to_the_difference_from_black(classifier: nn.Module, train: Split) -> None:
    require_sums(classifier, train)


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


class With(nn.Module):
    """Two convolutions and a function after each of them."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second, self.last = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(64, 3)
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        maps = self.function(self.second(self.function(self.first(inputs))))
        return self.last(maps.flatten(1))


def wrapped(network: nn.Module) -> nn.Sequential:
    return nn.Sequential(Standardise(), network).eval()


@pytest.mark.parametrize(
    "function",
    [
        F.relu,
        torch.sigmoid,
        torch.tanh,
        nn.ELU(),
        nn.LeakyReLU(inplace=True),
        lambda x: F.max_pool2d(F.relu(F.pad(x, (0, x.shape[3], 0, x.shape[2]))), 2),
    ],
)
def test_deep_lift_adds_up_on_functions_and_on_modules_used_twice(function: Callable[[Tensor], Tensor]) -> None:
    require_sums(wrapped(With(function)), IMAGES)


def test_deep_lift_does_not_mind_a_module_under_two_names() -> None:
    require_sums(TwoNames(convolutional(1)).eval(), IMAGES)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (nn.GELU(), "GELU"),
        (nn.SiLU(), "SiLU"),
        (nn.ReLU6(), "ReLU6 or Hardtanh"),
        (lambda x: x * x.sigmoid(), "a product of activations"),
        (lambda x: F.layer_norm(x, x.shape[1:]), "LayerNorm"),
    ],
)
def test_deep_lift_is_skipped_with_both_numbers_where_it_does_not_add_up(function: Callable, name: str) -> None:
    classifier = wrapped(With(function))
    with pytest.raises(
        Skip, match=rf"add up on this classifier: \S+ instead of (\S+); it has no rule for .*{name}"
    ) as skip:
        DeepLift().prepare(classifier, IMAGES)
    logits, black = classifier(IMAGES.inputs), classifier(torch.zeros_like(IMAGES.inputs))
    differences = (logits - black).gather(1, logits.argmax(1, keepdim=True))[:8, 0]
    told = float(str(skip.value).split("instead of ")[1].split(";")[0])
    assert (differences - told).abs().min() < 1e-2 * abs(told)


class Branching(nn.Module):
    """Asks a value before it decides: torch.fx cannot follow."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network(inputs) if inputs.sum() < 1e9 else self.network(-inputs)


def test_what_torch_fx_cannot_trace_is_explained_where_it_is_right_as_it_is() -> None:
    inputs = IMAGES.inputs[:4]
    ours = DeepLift().prepare(Branching(spelled(None)).eval(), IMAGES)(inputs, TARGETS)
    assert torch.equal(ours, DeepLift().prepare(spelled(None), IMAGES)(inputs, TARGETS))
    for spelling in ("function", "one module for all"):
        with pytest.raises(Skip, match=r"cannot be traced by torch\.fx: symbolically traced variables"):
            DeepLift().prepare(Branching(spelled(spelling)).eval(), IMAGES)


def test_differences_too_small_to_tell_are_trusted_only_where_all_steps_have_rules() -> None:
    for function, skipped in ((F.relu, False), (F.gelu, True)):
        network = With(function)
        nn.init.zeros_(network.last.weight)
        if skipped:
            with pytest.raises(Skip, match="has no rule for GELU, and logits too close to those of the reference"):
                DeepLift().prepare(wrapped(network), IMAGES)
        else:
            attributions = DeepLift().prepare(wrapped(network), IMAGES)(IMAGES.inputs[:4], TARGETS)
            assert torch.equal(attributions, torch.zeros(4, 1, 8, 8))


def test_the_copy_shares_the_weights_and_leaves_the_classifier_alone() -> None:
    classifier = spelled("function in place")
    before = [(name, sorted(vars(module))) for name, module in classifier.named_modules()]
    attribute = DeepLift().prepare(classifier, IMAGES)
    first = attribute(IMAGES.inputs[:4], TARGETS)
    assert [(name, sorted(vars(module))) for name, module in classifier.named_modules()] == before
    with torch.no_grad():
        classifier[1].last.weight *= 2  # type: ignore[union-attr, operator]
    torch.testing.assert_close(attribute(IMAGES.inputs[:4], TARGETS), 2 * first)
