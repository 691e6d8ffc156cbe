"""IDSDS on linear networks, whose drops are known."""

import copy

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.measures.idsds import Idsds, _losing_a_patch
from roarbench.benchmark.measures.units import patches, spearman
from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Skip
from tests.benchmark.measures.given import data, noise, normal, sample_of, two_classes

IMAGES = data((3, 8, 8))
NETWORK = two_classes(normal(192))


def exact(network: nn.Sequential, train: Split) -> AttributionFunction:
    """What each feature of a linear network adds to the logit of the second class beside the training mean."""

    def attribute(inputs: Tensor, targets: Tensor) -> Tensor:
        weight = network[1].weight[targets].view_as(inputs)
        return ((inputs - train.statistics.mean) * weight).detach()

    return attribute


def ones(split: Split) -> Split:
    """The examples, all of the second class: the first has no logit that could fall."""
    return Split(split.inputs, torch.ones_like(split.labels))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 9)])
def test_the_exact_drops_score_1_and_their_negative_minus_1(shape: tuple[int, ...]) -> None:
    network, images = two_classes(normal(torch.Size(shape).numel())), ones(data(shape))
    attribute = exact(network, images)
    for sign in (1, -1):
        sample = sample_of(network, lambda x, y, sign=sign: sign * attribute(x, y), images)  # type: ignore[misc]
        values = Idsds(network="original").measure(sample)
        torch.testing.assert_close(values, torch.full_like(values, sign), atol=1e-3, rtol=0)


def test_random_maps_score_about_0_and_magnitudes_lose_the_sign() -> None:
    images = ones(data((3, 8, 8), 400))
    assert abs(Idsds(network="original").measure(sample_of(NETWORK, noise, images)).mean()) < 0.15
    signed = sample_of(NETWORK, exact(NETWORK, images), images)
    assert Idsds(network="original", magnitude=True).measure(signed).mean() < 0.5


def test_the_network_that_is_measured_is_explained_unless_the_original_is_asked_for() -> None:
    images = ones(IMAGES)

    class Exact:
        """An explainer, which knows of the network that it is prepared for."""

        def prepare(self, classifier: nn.Sequential, train: Split) -> AttributionFunction:
            return exact(classifier, train)

    def reversed_weights(name: str, network: nn.Module, fit: object) -> None:
        with torch.no_grad():
            network[1].weight.neg_()  # type: ignore[index]

    sample = sample_of(NETWORK, exact(NETWORK, images), images, keep=reversed_weights)
    sample.shared.explainers = [Exact()]
    assert Idsds().measure(sample).mean() > 0.99
    assert Idsds(network="original").measure(sample).mean() < -0.99


def test_constant_maps_score_0() -> None:
    sample = sample_of(NETWORK, lambda x, y: torch.ones_like(x), ones(IMAGES))
    assert Idsds(network="original").measure(sample).abs().max() == 0


def test_half_of_the_images_of_the_fine_tuning_lose_one_patch() -> None:
    masks = _losing_a_patch(4000, (3, 8, 8))
    hidden = (~masks).flatten(1).sum(1)
    assert set(hidden.tolist()) == {0, 4}
    assert float((hidden > 0).double().mean()) == pytest.approx(0.5, abs=0.03)
    assert (~masks).any(0).all(), "every patch goes now and then"


def test_patches_are_of_nearly_equal_size() -> None:
    sizes = patches(28, 30, 4).flatten().bincount()
    assert len(sizes) == 16 and sizes.max() <= 7 * 8 and sizes.min() >= 7 * 7


def test_rows_and_tiny_images_are_skipped() -> None:
    for shape in ((6,), (1, 3, 3)):
        size = torch.Size(shape).numel()
        with pytest.raises(Skip, match="idsds needs images"):
            Idsds().measure(sample_of(two_classes(normal(size)), lambda x, y: x, data(shape)))


def test_fine_tuning_makes_the_network_better_at_its_images_and_leaves_the_original() -> None:
    def fitting(name: str, network: nn.Module, fit: object) -> None:
        fit(network)  # type: ignore[operator]
        tuned.append(network)

    tuned: list[nn.Module] = []
    network = copy.deepcopy(NETWORK)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    Idsds(epochs=20).measure(sample_of(network, noise, IMAGES, keep=fitting, magnitude=True))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    losses = [nn.functional.cross_entropy(n(IMAGES.inputs), IMAGES.labels) for n in (network, *tuned)]
    assert losses[1] < losses[0]


def test_rank_correlation_is_that_of_scipy_with_ties() -> None:
    import scipy.stats

    one, other = normal(6, 30).round(), normal(2, 6, 30)[1].round()
    expected = [scipy.stats.spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)]
    torch.testing.assert_close(spearman(one.double(), other.double()), torch.tensor(expected).double())
