"""Relevance mass and the pointing game, by hand."""

import pytest
import torch
from torch import Tensor

from roarbench.benchmark.measures.pointing_game import PointingGame
from roarbench.benchmark.measures.relevance_mass import RelevanceMass
from roarbench.benchmark.measures.sample import Sample
from roarbench.datasets.base import Split
from tests.benchmark.measures.given import data, noise, normal, sample_of, two_classes


def relevance(inputs: Tensor) -> Tensor:
    """The first quarter of each example is relevant."""
    truth = torch.zeros_like(inputs)
    truth.flatten(1)[:, : truth[0].numel() // 4] = 1
    return truth


def given(attribute: Tensor, shape: tuple[int, ...] = (8,), **more: object) -> Sample:
    """Examples that all have one map."""
    split = data(shape, truth=more.get("truth", relevance))
    network = two_classes(normal(torch.Size(shape).numel()))
    return sample_of(network, lambda inputs, targets: attribute.expand_as(inputs).clone(), split)


def values(sample: Sample) -> tuple[float, float]:
    """Relevance mass and pointing game of the first example."""
    measured = [measure.measure(sample) for measure in (RelevanceMass(), PointingGame())]
    return tuple(float(value[0]) for value in measured if value is not None)  # type: ignore[return-value]


def test_positive_attributions_alone_count() -> None:
    assert values(given(torch.tensor([3.0, -9.0, 1.0, 0, 0, 0, -5.0, 0]))) == (0.75, 1)
    assert values(given(torch.tensor([1.0, 0, 3.0, 0, 0, 0, 0, 0]))) == (0.25, 0)


def test_the_truth_scores_1_and_its_inverse_0() -> None:
    truth = relevance(torch.zeros(1, 8))[0]
    assert values(given(truth)) == (1, 1)
    assert values(given(1 - truth)) == (0, 0)


def test_equal_highest_units_count_alike() -> None:
    assert values(given(torch.ones(8))) == (0.25, 0.25)


def test_random_maps_score_the_share_of_relevant_units() -> None:
    split = data((1, 16, 16), 400, truth=relevance)
    sample = sample_of(two_classes(normal(256)), noise, split)
    assert float(RelevanceMass().measure(sample).mean()) == pytest.approx(0.25, abs=0.03)  # type: ignore[union-attr]
    assert float(PointingGame().measure(sample).mean()) == pytest.approx(0.25, abs=0.25)  # type: ignore[union-attr]


def test_a_pixel_has_the_sum_of_its_channels_and_is_relevant_where_one_of_them_is() -> None:
    def truth(inputs: Tensor) -> Tensor:
        marked = torch.zeros_like(inputs)
        marked[:, 2, 0, 0] = 1
        return marked

    attribute = torch.zeros(3, 2, 2)
    attribute[:, 0, 0] = torch.tensor([2.0, 2.0, -1.0])
    attribute[:, 1, 1] = torch.tensor([5.0, -4.0, 0.0])
    assert values(given(attribute, (3, 2, 2), truth=truth)) == (0.75, 1)


def test_what_has_no_truth_does_not_count() -> None:
    sample = given(torch.ones(8), truth=None)
    assert RelevanceMass().measure(sample) is None and PointingGame().measure(sample) is None
    everything = given(torch.ones(8), truth=torch.ones_like)
    assert RelevanceMass().measure(everything).isnan().all()  # type: ignore[union-attr]
    assert PointingGame().measure(everything).isnan().all()  # type: ignore[union-attr]
    negative = RelevanceMass().measure(given(-torch.ones(8)))
    assert negative is not None and negative.isnan().all()


def test_the_truth_of_the_examples_is_that_of_their_positions() -> None:
    def truth(inputs: Tensor) -> Tensor:
        return (inputs > 0.5).float()

    split = data((6,), truth=truth)
    sample = sample_of(two_classes(normal(6)), lambda x, y: x, split)
    positions = sample.shared.examples.positions
    assert isinstance(sample.test, Split) and torch.equal(split.inputs[positions], sample.inputs)
    assert torch.equal(sample.relevant, sample.inputs > 0.5)  # type: ignore[arg-type]
