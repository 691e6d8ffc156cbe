"""Composites of LRP: conservation, rules written as loops over units, and zennit."""

import copy
import importlib
import warnings

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.methods.base import Skip
from roarbench.methods.composites import gamma_rule, merged, plus_rule
from roarbench.methods.gradient import InputXGradient
from roarbench.methods.relevance import Lrp
from tests.methods.networks import Residual, Standardise, TwoNames, convolutional, linear, split

IMAGES, TARGETS = split((3, 8, 8)), torch.tensor([0, 1, 2, 1])
INPUTS = IMAGES.inputs[:4]
rules = pytest.mark.parametrize("rule", ["epsilon_plus", "gamma"])


def unbiased() -> nn.Sequential:
    """A chain without biases."""
    classifier = convolutional(3)
    for layer in classifier:
        if getattr(layer, "bias", None) is not None:
            nn.init.zeros_(layer.bias)
    nn.init.zeros_(classifier[3].running_mean)
    return classifier


@rules
def test_relevance_sums_to_the_logit_without_biases(rule: str) -> None:
    classifier = unbiased()
    relevance = Lrp(1e-7, rule=rule).prepare(classifier, IMAGES)(INPUTS, TARGETS)  # type: ignore[arg-type]
    with torch.no_grad():
        logits = classifier(INPUTS).gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(relevance.flatten(1).sum(1), logits, rtol=1e-3, atol=1e-4)


def by_loops(rule: str, layer: nn.Conv2d, inputs: Tensor, relevance: Tensor) -> Tensor:
    """A 1x1 convolution of one pixel, unit by unit."""
    shared, factor = torch.zeros_like(inputs), 0.5
    for j in range(len(relevance)):
        contributions, bias = inputs * layer.weight[j, :, 0, 0].detach(), layer.bias[j].detach()
        wanted = float(torch.sign(contributions.sum() + bias))
        if rule == "epsilon_plus":
            contributions, bias = contributions.clamp(min=0), bias.clamp(min=0)
        else:
            contributions = torch.where(contributions * wanted > 0, 1 + factor, 1.0) * contributions
            bias = bias * (1 + factor if bias * wanted > 0 else 1)
        total = contributions.sum() + bias
        shared += contributions / (total + (1e-6 if total >= 0 else -1e-6)) * relevance[j]
    return shared


@rules
def test_rules_of_convolutions_are_loops_over_units_of_any_sign(rule: str) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(5, 4, 1)
    for _ in range(3):
        inputs, relevance = torch.randn(5), torch.randn(4)
        given = (layer, inputs.view(1, 5, 1, 1), relevance.view(1, 4, 1, 1))
        ours = plus_rule(*given) if rule == "epsilon_plus" else gamma_rule(*given, gamma=0.5)
        expected = by_loops(rule, layer, inputs, relevance)
        torch.testing.assert_close(ours.flatten(), expected, rtol=1e-4, atol=1e-5)


def test_a_tiny_gamma_is_the_epsilon_rule() -> None:
    classifier = convolutional(3)
    ours = Lrp(1e-6, rule="gamma", gamma=1e-6).prepare(classifier, IMAGES)(INPUTS, TARGETS)
    torch.testing.assert_close(ours, Lrp(1e-6).prepare(classifier, IMAGES)(INPUTS, TARGETS), rtol=1e-2, atol=1e-5)


@rules
def test_on_a_linear_model_it_is_gradient_times_standardised_input(rule: str) -> None:
    classifier = linear((3, 8, 8))
    gradient = InputXGradient().prepare(classifier, IMAGES)(INPUTS, TARGETS) / INPUTS
    ours = Lrp(1e-7, rule=rule).prepare(classifier, IMAGES)(INPUTS, TARGETS)  # type: ignore[arg-type]
    torch.testing.assert_close(ours, gradient * (INPUTS - 0.4), rtol=1e-3, atol=1e-5)


def late() -> nn.Sequential:
    """A batch norm behind a pooling, where it cannot become part of the convolution."""
    torch.manual_seed(1)
    norm = nn.BatchNorm2d(4)
    norm.running_mean, norm.running_var = torch.randn(4) * 0.1, torch.rand(4) + 0.5
    layers = [nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), norm, nn.ReLU(), nn.Conv2d(4, 5, 2), nn.Flatten(), nn.Linear(20, 3)]
    return nn.Sequential(Standardise(), *layers).eval()


@rules
@pytest.mark.parametrize("classifier", [convolutional(3), late()])
def test_relevance_is_that_of_zennit(rule: str, classifier: nn.Sequential) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("zennit", reason="needs zennit, an extra of this project")
        parts = ("composites", "rules", "types", "canonizers", "attribution")
        composites, laws, types, canonizers, attribution = (importlib.import_module(f"zennit.{p}") for p in parts)
    ours = Lrp(rule=rule).prepare(classifier, IMAGES)(INPUTS, TARGETS)  # type: ignore[arg-type]
    convolution = laws.ZPlus() if rule == "epsilon_plus" else laws.Gamma(0.25)
    layers = [(types.Convolution, convolution), (nn.Linear, laws.Epsilon(0.01))]
    canonizer = canonizers.SequentialMergeBatchNorm()
    composite = composites.LayerMapComposite(layer_map=composites.layer_map_base() + layers, canonizers=[canonizer])
    standard, body = classifier[0](INPUTS), copy.deepcopy(classifier[1:])
    with attribution.Gradient(body, composite) as attributor:
        _, theirs = attributor(standard, lambda logits: logits * nn.functional.one_hot(TARGETS, 3))
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-7)


def test_a_batch_norm_becomes_part_of_its_convolution() -> None:
    classifier = convolutional(3)
    chain = nn.Sequential(*merged(list(classifier)))
    assert len(chain) == len(classifier) - 1 and not any(isinstance(m, nn.BatchNorm2d) for m in chain)
    torch.testing.assert_close(chain(INPUTS), classifier(INPUTS))


@rules
def test_networks_of_two_names_are_traced_and_the_classifier_is_left(rule: str) -> None:
    classifier, explainer = convolutional(3), Lrp(rule=rule)  # type: ignore[arg-type]
    before = copy.deepcopy(classifier.state_dict())
    ours = explainer.prepare(TwoNames(classifier), IMAGES)(INPUTS, TARGETS)
    assert torch.equal(ours, explainer.prepare(classifier, IMAGES)(INPUTS, TARGETS))
    assert all(torch.equal(value, before[name]) for name, value in classifier.state_dict().items())


@rules
@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([nn.Conv2d(3, 2, 3), nn.GELU(), nn.Flatten(), nn.Linear(72, 3)], "no rule for GELU"),
        ([nn.BatchNorm2d(3, track_running_stats=False), nn.Flatten(), nn.Linear(192, 3)], "BatchNorm2d here"),
        ([nn.Conv2d(3, 4, 1), Residual(4), nn.Flatten(), nn.Linear(256, 3)], "plain chain"),
    ],
)
def test_what_has_no_rule_is_skipped(rule: str, layers: list[nn.Module], reason: str) -> None:
    with pytest.raises(Skip, match=reason):
        Lrp(rule=rule).prepare(nn.Sequential(Standardise(), *layers).eval(), IMAGES)  # type: ignore[arg-type]


def test_defaults_keep_the_identity_and_the_seed_of_lrp() -> None:
    assert [name for name, _ in plugin("lrp", "explainer").parameters] == ["epsilon"]
    assert repr(Lrp()) == "Lrp(epsilon=0.01)" and plugin("lrp[rule=epsilon]", "explainer") == plugin("lrp", "explainer")
    assert dict(plugin("lrp[rule=gamma]", "explainer").parameters)["rule"] == "gamma"
    for text, said in (("lrp[rule=zplus]", "epsilon, epsilon_plus, gamma"), ("lrp[gamma=0]", r"lrp\[gamma\] .+ got 0")):
        with pytest.raises(ValueError, match=said):
            plugin(text, "explainer")
