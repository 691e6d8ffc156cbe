"""Instruments against SciPy, and the laws that make them instruments."""

import copy
from itertools import pairwise

import pytest
import scipy.ndimage
import scipy.stats
import torch
from torch import Tensor, nn

from roarbench.benchmark.networks.airbench import airbench
from roarbench.benchmark.networks.classifiers import resnet8
from roarbench.benchmark.networks.tiny import as_products
from roarbench.datasets.base import Split
from roarbench.methods.base import Explainer, Skip, source_of
from roarbench.methods.controls import Random, Truth
from roarbench.methods.ensembles import SmoothGrad, SmoothGradSquared, Squared
from roarbench.methods.filters import Blurred, Filtered, MaxFiltered
from roarbench.methods.gradient import Gradient, InputXGradient
from roarbench.methods.hide_and_seek import HideAndSeek
from roarbench.methods.instruments import Degraded, RandomClass, Randomized, redrawn
from tests.methods.networks import convolutional, split, tabular

COLOUR = split((3, 8, 8))
INPUTS, TARGETS = COLOUR.inputs[:4], torch.tensor([0, 1, 2, 1])
BASES = (Gradient(), SmoothGradSquared(), Squared(InputXGradient()))
bases = pytest.mark.parametrize("base", BASES, ids=lambda base: type(base).__name__)
filters = pytest.mark.parametrize("filtered", [Blurred, MaxFiltered])


def attributions(explainer: Explainer, classifier: nn.Module | None = None, train: Split = COLOUR) -> Tensor:
    classifier = classifier or convolutional(3)
    torch.manual_seed(3)
    return explainer.prepare(classifier, train)(train.inputs[:4], TARGETS)


@bases
@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.5])
def test_blurring_equals_scipy_with_borders_that_go_on(base: Explainer, sigma: float) -> None:
    expected = scipy.ndimage.gaussian_filter(
        attributions(base).abs().double().numpy(), sigma, axes=(2, 3), mode="nearest", truncate=4.0
    )
    torch.testing.assert_close(attributions(Blurred(base, sigma)).double(), torch.from_numpy(expected))


@bases
@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_maximum_filters_equal_scipy_for_even_windows_too(base: Explainer, size: int) -> None:
    maps = attributions(base).abs()
    expected = scipy.ndimage.maximum_filter(maps.numpy(), (1, 1, size, size), mode="nearest")
    assert torch.equal(attributions(MaxFiltered(base, size)), torch.from_numpy(expected))


@filters
@bases
def test_filters_share_the_pass_of_their_base(filtered: type[Filtered], base: Explainer) -> None:
    assert filtered(base).source == source_of(base)
    passed = source_of(base).prepare(convolutional(3), COLOUR)(INPUTS, TARGETS)
    assert filtered(base).reduce(passed).shape == INPUTS.shape


def test_filters_of_filters_are_filters() -> None:
    twice = Blurred(MaxFiltered(SmoothGrad()))
    assert twice.source == SmoothGrad().source
    once = attributions(MaxFiltered(SmoothGrad()))
    expected = scipy.ndimage.gaussian_filter(once.double().numpy(), 1.0, axes=(2, 3), mode="nearest")
    torch.testing.assert_close(attributions(twice).double(), torch.from_numpy(expected))


@filters
@bases
def test_filters_of_tables_are_skipped_also_where_another_explainer_prepared(
    filtered: type[Filtered], base: Explainer
) -> None:
    rows = split((6,))
    passed = source_of(base).prepare(tabular(), rows)(rows.inputs[:4], TARGETS)
    with pytest.raises(Skip, match="needs images"):
        filtered(base).reduce(passed)


def test_random_classes_are_uniform_and_do_not_follow_the_target() -> None:
    class Spy(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs[:, :3] * torch.tensor([1.0, 2.0, 3.0])  # the gradient names the class

    rows = split((6,), n=6000)
    targets = torch.arange(6000) % 3
    torch.manual_seed(0)
    drawn = RandomClass().prepare(Spy(), rows)(rows.inputs, targets).argmax(1)
    table = torch.stack([drawn[targets == target].bincount(minlength=3) for target in range(3)])
    assert scipy.stats.chisquare(table.sum(0)).pvalue > 0.01
    assert scipy.stats.chi2_contingency(table).pvalue > 0.01


def test_random_classes_explain_their_base_with_the_classes_drawn() -> None:
    ours = attributions(RandomClass(InputXGradient()))
    classifier = convolutional(3)
    torch.manual_seed(3)
    expected = InputXGradient().prepare(classifier, COLOUR)(INPUTS, torch.randint(3, (4,)))
    assert torch.equal(ours, expected)


def test_random_weights_leave_the_classifier_alone_and_change_the_map() -> None:
    classifier = convolutional(3)
    before = copy.deepcopy(classifier.state_dict())
    assert not torch.allclose(attributions(Randomized(), classifier), attributions(Gradient(), classifier))
    assert all(torch.equal(value, before[name]) for name, value in classifier.state_dict().items())


def test_other_seeds_draw_other_weights() -> None:
    classifier = convolutional(3)
    torch.manual_seed(1)
    other = Randomized().prepare(classifier, COLOUR)(INPUTS, TARGETS)
    assert not torch.allclose(other, attributions(Randomized(), classifier))


@pytest.mark.parametrize("build", [convolutional, lambda: resnet8((3, 9, 9), 3), lambda: airbench((3, 9, 9), 3)])
def test_no_learned_parameter_survives(build: type) -> None:
    classifier = learned(build())
    fresh = redrawn(classifier)
    for (name, old), new in zip(classifier.named_parameters(), fresh.parameters(), strict=True):
        assert not torch.equal(old, new), name
        if old.ndim > 1:
            assert abs(torch.stack([old.flatten(), new.flatten()]).corrcoef()[0, 1]) < 0.5, name
    norms = [module for module in fresh.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms and all(norm.running_mean.eq(0).all() and norm.running_var.eq(1).all() for norm in norms)


def test_parameters_that_nothing_resets_are_shuffled() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.mean = nn.Parameter(torch.arange(50.0).view(5, 10)), nn.Buffer(torch.arange(5.0))

    fresh = redrawn(Scaled())
    assert not torch.equal(fresh.scale, Scaled().scale)
    assert torch.equal(fresh.scale.flatten().sort().values, torch.arange(50.0))
    assert torch.equal(fresh.mean, torch.arange(5.0))


def test_convolutions_that_are_products_use_the_weights_of_the_copy() -> None:
    classifier = convolutional(3)
    expected = attributions(Randomized(), classifier)
    with as_products(classifier):
        torch.testing.assert_close(attributions(Randomized(), classifier), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("instrument", [RandomClass, Randomized])
@pytest.mark.parametrize("base", [Random(), Truth(), HideAndSeek(), SmoothGrad(Random()), Degraded(Truth())])
def test_what_does_not_explain_the_classifier_has_nothing_to_lose(instrument: type, base: Explainer) -> None:
    with pytest.raises(Skip, match=r"the base explains (nothing|itself)"):
        instrument(base).prepare(convolutional(3), COLOUR)


@pytest.mark.parametrize("case", ["grey", "tabular"])
def test_without_noise_the_order_is_that_of_the_base(case: str) -> None:
    classifier, train = {"grey": (convolutional(1), split((1, 8, 8))), "tabular": (tabular(), split((6,)))}[case]
    order = attributions(Degraded(noise=0.0), classifier, train).flatten(1).argsort()
    assert torch.equal(order, attributions(Gradient(), classifier, train).abs().flatten(1).argsort())


def test_noise_lowers_the_agreement_with_the_base_step_by_step() -> None:
    base = attributions(Gradient()).abs().sum(1).flatten(1)
    found = []
    for noise in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        attribute = Degraded(noise=noise).prepare(convolutional(3), COLOUR)
        draws = [attribute(INPUTS, TARGETS)[:, 0].flatten(1) for _ in range(20)]
        pairs = [(base[i], draw[i]) for draw in draws for i in range(4)]
        found.append(sum(scipy.stats.spearmanr(*pair)[0] for pair in pairs) / len(pairs))
    assert found[0] == pytest.approx(1)
    assert abs(found[-1]) < 0.05
    assert all(more > less + 0.02 for more, less in pairwise(found))


def test_channels_of_a_pixel_are_spoilt_together_and_scores_lie_between_0_and_1() -> None:
    scores = attributions(Degraded())
    assert torch.equal(scores[:, :1].expand_as(scores), scores)
    assert scores.min() >= 0 and scores.max() <= 1


def test_ties_of_the_base_are_in_random_order() -> None:
    rows = split((40,))
    attribute = Degraded(Truth(), noise=0.0).prepare(tabular(), rows)
    torch.manual_seed(0)
    scores = torch.stack([attribute(rows.inputs[:1], TARGETS[:1])[0] for _ in range(200)])
    assert scores.argmax(1).eq(0).all()
    assert len(scores.argmin(1).unique()) > 30


def learned(classifier: nn.Module) -> nn.Module:
    """The classifier with other values everywhere, as after a training."""
    with torch.no_grad():
        for value in (*classifier.parameters(), *classifier.buffers()):
            if value.is_floating_point():
                value.add_(torch.rand_like(value))
    return classifier
