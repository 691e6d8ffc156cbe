"""Occlusion against a naive loop; LIME and Kernel SHAP on models whose answer is known."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from roarbench.methods.base import Skip
from roarbench.methods.perturbation import KernelShap, Lime, Occlusion
from tests.methods.networks import convolutional, linear, split, tabular

TARGETS = torch.tensor([0, 1, 2])
IMAGES, COLOUR, ROWS = split((1, 8, 8)), split((2, 8, 8)), split((6,))
INPUTS = COLOUR.inputs[:3]


@pytest.mark.parametrize(("window", "stride"), [(3, 1), (3, 2), (4, 4), (8, 3)])
def test_occlusion_equals_a_loop_over_windows(window: int, stride: int) -> None:
    classifier = convolutional(2)
    ours = Occlusion(window, stride).prepare(classifier, COLOUR)(INPUTS, TARGETS)
    total, count = torch.zeros(3, 1, 8, 8), torch.zeros(8, 8)
    corners = range(0, math.ceil((8 - window) / stride) * stride + 1, stride)
    for top, left in itertools.product(corners, corners):
        place = (slice(top, top + window), slice(left, left + window))
        occluded = INPUTS.clone()
        occluded[(..., *place)] = 0
        total[(..., *place)] += (
            logits(classifier, INPUTS)[:, None, None, None] - logits(classifier, occluded)[:, None, None, None]
        )
        count[place] += 1
    torch.testing.assert_close(ours, (total / count).expand(3, 2, 8, 8), rtol=1e-4, atol=1e-5)


def test_occlusion_takes_tabular_features_one_by_one() -> None:
    classifier, rows = tabular(), ROWS.inputs[:3]
    ours = Occlusion().prepare(classifier, ROWS)(rows, TARGETS)
    for feature in range(6):
        occluded = rows.clone()
        occluded[:, feature] = 0
        torch.testing.assert_close(ours[:, feature], logits(classifier, rows) - logits(classifier, occluded))


def test_a_window_larger_than_the_image_or_with_gaps_is_refused() -> None:
    with pytest.raises(Skip, match="a window of 9 does not fit into examples of 8x8"):
        Occlusion(window=9).prepare(convolutional(1), IMAGES)
    with pytest.raises(ValueError, match=r"stride must lie in \[1, window\], got 4"):
        Occlusion(window=3, stride=4)


@pytest.mark.parametrize("explainer", [Lime(60, superpixel=3, penalty=0.0), KernelShap(60, superpixel=3)])
def test_a_linear_model_is_recovered_over_superpixels(explainer: Lime | KernelShap) -> None:
    classifier = linear((2, 8, 8))
    ours = explainer.prepare(classifier, COLOUR)(INPUTS, TARGETS)
    effects = classifier[2].weight.detach()[TARGETS].view(3, 2, 8, 8) / 0.3 * INPUTS
    for top, left in itertools.product((0, 3, 6), (0, 3, 6)):
        place = (..., slice(top, top + 3), slice(left, left + 3))
        expected = effects[place].sum((1, 2, 3))[:, None, None, None].expand_as(ours[place])
        torch.testing.assert_close(ours[place], expected, rtol=1e-4, atol=1e-5)


def test_kernel_shap_converges_to_the_shapley_values_of_all_orders() -> None:
    classifier, rows = tabular(), ROWS.inputs[:3]
    torch.manual_seed(0)
    ours = KernelShap(samples=4000).prepare(classifier, ROWS)(rows, TARGETS)
    values = {kept: logits(classifier, rows * torch.tensor(kept)) for kept in itertools.product((0, 1), repeat=6)}
    expected = torch.zeros_like(rows)
    for order in itertools.permutations(range(6)):
        kept = [0] * 6
        for feature in order:
            before = values[tuple(kept)]
            kept[feature] = 1
            expected[:, feature] += (values[tuple(kept)] - before) / math.factorial(6)
    torch.testing.assert_close(ours, expected, rtol=0, atol=0.02)


def test_kernel_shap_sums_to_the_difference_from_black() -> None:
    classifier, rows = tabular(), ROWS.inputs[:3]
    ours = KernelShap(samples=10).prepare(classifier, ROWS)(rows, TARGETS)
    difference = logits(classifier, rows) - logits(classifier, torch.zeros_like(rows))
    torch.testing.assert_close(ours.sum(1), difference, rtol=1e-3, atol=1e-4)


def test_lime_solves_the_weighted_ridge_regression_of_the_authors_package() -> None:
    """Against scikit-learn, which that package calls, image by image."""
    from sklearn.linear_model import Ridge

    classifier, rows = tabular(), ROWS.inputs[:3]
    torch.manual_seed(2)
    ours = Lime(samples=30).prepare(classifier, ROWS)(rows, TARGETS)
    torch.manual_seed(2)
    kept = torch.rand(30, 6) < 0.5
    kept[0] = True
    cosine = torch.nn.functional.cosine_similarity(kept.double(), torch.ones(1, 6).double())
    weights = ((-((1 - cosine) ** 2) / 0.25**2).exp()).sqrt()
    for example in range(3):
        values = [logits(classifier, rows * mask)[example].item() for mask in kept]
        ridge = Ridge(alpha=1.0).fit(kept.numpy(), values, sample_weight=weights.numpy())
        torch.testing.assert_close(ours[example], torch.tensor(ridge.coef_).float(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("explainer", [Lime(superpixel=8), KernelShap(superpixel=9)])
def test_a_single_superpixel_is_skipped(explainer: Lime | KernelShap) -> None:
    with pytest.raises(Skip, match="single superpixel"):
        explainer.prepare(convolutional(1), IMAGES)


def logits(classifier: nn.Module, inputs: Tensor) -> Tensor:
    """Logit of the target of each of the three examples."""
    with torch.no_grad():
        return classifier(inputs).gather(1, TARGETS[:, None])[:, 0]
