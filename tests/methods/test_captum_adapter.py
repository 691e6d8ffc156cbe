"""Captum by name: numbers are those of Captum called by hand, and what it cannot do here is said in one line."""

import inspect
from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.methods.base import Skip
from roarbench.methods.captum_adapter import METHODS, REMEDIES, Captum, reads
from roarbench.methods.deep_lift import DeepLift
from roarbench.methods.gradient import Gradient
from roarbench.methods.relevance import Lrp
from tests.methods.networks import Standardise, convolutional, linear, residual, spelled, split, tabular

TARGETS = torch.tensor([0, 1, 2, 1])
IMAGES, COLOUR, ROWS = split((1, 8, 8)), split((3, 8, 8)), split((6,))
INPUTS = COLOUR.inputs[:4]
SQUARES = (torch.arange(8)[:, None] // 4 * 2 + torch.arange(8) // 4).repeat(1, 3, 1, 1)
MEAN = COLOUR.inputs.mean((0, 2, 3), keepdim=True).expand(1, 3, 8, 8)

BY_HAND: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Saliency": ({}, {"abs": False}),
    "InputXGradient": ({}, {}),
    "IntegratedGradients": ({"steps": 7, "baseline": "mean"}, {"n_steps": 7, "baselines": MEAN}),
    "GuidedBackprop": ({}, {}),
    "Deconvolution": ({}, {}),
    "DeepLift": ({"baseline": "mean"}, {"baselines": MEAN.repeat(4, 1, 1, 1)}),
    "Occlusion": ({"superpixel": 3, "baseline": "mean"}, {"sliding_window_shapes": (3, 3, 3), "baselines": MEAN}),
    "FeatureAblation": ({}, {"feature_mask": SQUARES}),
    "ShapleyValueSampling": ({"samples": 3}, {"feature_mask": SQUARES, "n_samples": 3}),
    "Lime": ({"samples": 9}, {"feature_mask": SQUARES, "n_samples": 9}),
    "KernelShap": ({"samples": 9, "baseline": "mean"}, {"feature_mask": SQUARES, "n_samples": 9, "baselines": MEAN}),
}


def averaging() -> nn.Sequential:
    """A network without max pooling, on which DeepLIFT by Captum is right as it is."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 3)]
    return nn.Sequential(Standardise(), *layers).eval()


def maps(explainer: Captum, classifier: nn.Module, train: Any = COLOUR, inputs: Tensor = INPUTS) -> Tensor:
    """What an explainer gives under seed 0."""
    torch.manual_seed(0)
    return explainer.prepare(classifier, train)(inputs, TARGETS)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("method", BY_HAND)
def test_numbers_are_those_of_captum_called_by_hand(method: str) -> None:
    classifier = averaging() if method == "DeepLift" else convolutional(3)
    ours = maps(Captum(method, **BY_HAND[method][0]), classifier)
    torch.manual_seed(0)
    leaf = INPUTS.clone().requires_grad_()
    theirs = getattr(captum.attr, method)(classifier).attribute(leaf, target=TARGETS, **BY_HAND[method][1])
    torch.testing.assert_close(ours, theirs.detach().float(), rtol=1e-4, atol=1e-6)


def test_every_attribution_class_of_captum_is_offered_or_refused_with_a_remedy() -> None:
    base = captum.attr.Attribution
    for name, kind in inspect.getmembers(captum.attr, inspect.isclass):
        if issubclass(kind, base) and name not in METHODS and not name.endswith("Attribution") and "LLM" not in name:
            with pytest.raises(ValueError, match=rf"captum\[method\] '{name}' .+; use \w+"):
                Captum(name)
    assert all(issubclass(getattr(captum.attr, name), base) for name in (*METHODS, *REMEDIES))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("captum[method=Salency]", "'Salency' is no class of Captum that explains inputs; did you mean 'Saliency'"),
        ("captum[method=x]", "choose from Saliency, InputXGradient"),
        ("captum[method=LayerDeepLift]", "explains a layer, not the input; use DeepLift"),
        ("captum[method=LayerActivation]", r"use grad_cam\[layer=...\]"),
        ("captum[method=NoiseTunnel]", r"use smoothgrad\[base=captum"),
        ("captum[method=Lime,samples=0]", r"captum\[samples\] must be at least 1, got 0"),
        ("captum[baseline=grey]", "must be one of black, mean"),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plugin(text, "explainer")


def test_a_parameter_that_a_method_does_not_read_is_refused() -> None:
    assert reads("Lime") == {"samples", "superpixel", "baseline"} and reads("GradientShap") == {"samples"}
    for explainer in (Captum(samples=3), Captum("Lime", steps=3), Captum("GradientShap", baseline="mean")):
        with pytest.raises(Skip, match=r"Captum does not read (samples|steps|baseline); leave it out"):
            explainer.prepare(convolutional(3), COLOUR)


@pytest.mark.parametrize(
    ("explainer", "classifier", "reason"),
    [
        (Captum("Lime", superpixel=8), convolutional(3), "single superpixel"),
        (Captum("Occlusion", superpixel=9), convolutional(3), "a window of 9 does not fit into examples of 8x8"),
        (Captum("GuidedBackprop"), linear((3, 8, 8)), "needs a ReLU"),
        (Captum("LRP"), nn.Sequential(Standardise(), nn.Flatten(), nn.GELU(), nn.Linear(192, 3)), "no rule for GELU"),
    ],
)
def test_what_does_not_apply_is_skipped(explainer: Captum, classifier: nn.Module, reason: str) -> None:
    with pytest.raises(Skip, match=reason):
        explainer.prepare(classifier.eval(), COLOUR)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_images_and_rows_the_same_whenever_torch_is_seeded(method: str) -> None:
    explained = 0
    for classifier, train in ((convolutional(3), COLOUR), (residual(), IMAGES), (tabular(), ROWS)):
        inputs = train.inputs[:4]
        try:
            first = maps(Captum(method), classifier, train, inputs)
        except Skip:
            continue
        numbers = np.random.get_state()[1].copy()
        with torch.no_grad():
            assert torch.equal(maps(Captum(method), classifier, train, inputs), first)
        assert (np.random.get_state()[1] == numbers).all()
        assert first.shape == inputs.shape and first.dtype == torch.float32 and not first.requires_grad
        assert first.any() and first.isfinite().all() and not any(m._forward_hooks for m in classifier.modules())
        explained += 1
    assert explained >= 2


def test_ours_and_captums_are_one_where_both_exist() -> None:
    classifier = convolutional(3)
    for explainer, method in ((Gradient(), "Saliency"), (DeepLift(), "DeepLift"), (Lrp(epsilon=1e-9), "LRP")):
        assert torch.equal(explainer.prepare(classifier, COLOUR)(INPUTS, TARGETS), maps(Captum(method), classifier))


@pytest.mark.parametrize("method", ["GuidedBackprop", "Deconvolution"])
@pytest.mark.parametrize("spelling", ["function", "method in place"])
def test_hooks_see_a_relu_however_it_is_written(method: str, spelling: str) -> None:
    ours, modules = (maps(Captum(method), spelled(how), IMAGES, IMAGES.inputs[:4]) for how in (spelling, None))
    assert torch.equal(ours, modules)


def test_with_one_training_example_references_are_that_example() -> None:
    """Expected differences of a linear model, and ablation to that example in place of a permutation."""
    alone, classifier = split((3, 8, 8), n=1, seed=5), linear((3, 8, 8))
    effects = classifier[2].weight.detach()[TARGETS].view(4, 3, 8, 8) / 0.3 * (INPUTS - alone.inputs)
    for method in ("GradientShap", "DeepLiftShap"):
        torch.testing.assert_close(maps(Captum(method, samples=2), classifier, alone), effects, rtol=1e-4, atol=1e-5)
    permuted = maps(Captum("FeaturePermutation"), convolutional(3), alone)
    ablation = captum.attr.FeatureAblation(convolutional(3))
    expected = ablation.attribute(INPUTS, target=TARGETS, baselines=alone.inputs, feature_mask=SQUARES)
    torch.testing.assert_close(permuted, expected)


def test_deep_lift_shap_is_that_of_captum_for_the_references_it_draws() -> None:
    classifier = averaging()
    torch.manual_seed(0)
    drawn = COLOUR.at(torch.randint(len(COLOUR), (3,))).inputs
    ours = maps(Captum("DeepLiftShap", samples=3), classifier)
    with pytest.warns(UserWarning, match="Setting forward, backward hooks"):
        shap = captum.attr.DeepLiftShap(classifier)
        theirs = shap.attribute(INPUTS.clone().requires_grad_(), drawn, target=TARGETS)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-6)
