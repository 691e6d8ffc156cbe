"""Measures of stability and faithfulness, on networks whose answers are known."""

from pathlib import Path

import pytest
import torch
from torch import nn

from roarbench.datasets.base import Split
from roarbench.datasets.digits import digits
from roarbench.methods.senn.metrics import around, explained, faithfulness, lipschitz, measure, neighbours, reference
from roarbench.methods.senn.model import Senn
from roarbench.methods.senn.settings import Settings


def linear(num_features: int = 4) -> Senn:
    """A SENN whose relevances do not depend on the input."""
    torch.manual_seed(0)
    network = Senn(Settings(), (num_features,), 2).eval()
    head = [module for module in network.relevances if isinstance(module, nn.Linear)][-1]
    nn.init.zeros_(head.weight)
    return network


def test_a_linear_network_is_stable_and_fully_explained() -> None:
    network, inputs = linear(), torch.rand(20, 4)
    by_inputs, by_concepts = lipschitz(network, inputs, inputs.flip(0), torch.arange(20))
    assert by_inputs == by_concepts == 0
    ratio, cosine = explained(network, inputs)
    assert ratio == 0
    assert cosine == pytest.approx(1)


def test_contributions_of_a_linear_network_are_faithful() -> None:
    network, inputs = linear(), torch.rand(20, 4)
    train = Split(torch.rand(50, 4), torch.zeros(50, dtype=torch.int64))
    # the predicted probability falls with the difference of two logits: make the other class constant
    head = [module for module in network.relevances if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        head.bias.view(5, 2)[:, 0] = 0
        head.bias.view(5, 2)[:, 1] = torch.tensor([0.3, -0.2, 0.1, 0.05, 1.0])
    assert faithfulness(network, inputs, reference(network, train)) > 0.98


def test_points_stay_in_range_and_belong_to_their_example() -> None:
    anchors, points, owner = around(torch.rand(3, 1, 8, 8))
    assert points.min() >= 0 and points.max() <= 1
    assert len(anchors) == len(points) == len(owner)
    assert (anchors - points).flatten(1).norm(dim=1).max() <= 0.05 * 8 + 1e-5


def test_neighbours_are_near_and_distinct() -> None:
    rows = torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [9.0, 9.0]])
    one, other, _ = neighbours(Split(rows, torch.zeros(4, dtype=torch.int64)))
    assert len(one) == 2
    assert ((one - other).norm(dim=1) == 1).all()


def test_all_measures_of_an_untrained_network() -> None:
    torch.manual_seed(0)
    settings = Settings(concepts="convolutional", relevances="convolutional")
    found = measure(Senn(settings, (1, 8, 8), 10).eval(), digits(Path()))
    assert found.completeness < 1e-5
    assert 0 <= found.accuracy <= 1
    assert found.relative_inputs == pytest.approx(found.lipschitz_inputs / found.relevance)
    assert -1 <= found.faithfulness <= 1


class Product(nn.Module):
    """theta(x) = A x for one class, and 0 for the other: all measures have closed forms."""

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        theta = torch.cat([inputs @ self.weights.T, torch.ones(len(inputs), 1)], 1)
        return torch.stack([theta, torch.zeros_like(theta)], 2)


def quadratic() -> Senn:
    network = linear(3)
    network.relevances = Product(torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))  # type: ignore[assignment]
    return network.eval()


def test_stability_is_the_largest_change_by_the_distance() -> None:
    anchors = torch.full((2, 3), 0.5)
    points = anchors + torch.tensor([[0.1, 0.0, 0.0], [0.0, 0.2, 0.0]])
    assert lipschitz(quadratic(), anchors, points, torch.tensor([0, 0]))[0] == pytest.approx(2)
    assert lipschitz(quadratic(), anchors, points, torch.tensor([0, 1]))[0] == pytest.approx(1.5)


def test_the_residual_is_the_part_of_the_gradient_that_relevances_do_not_explain() -> None:
    """f = x A x + 1, with gradient 2 A x, of which theta^T J h = A x explains a half."""
    ratio, cosine = explained(quadratic(), torch.rand(5, 3))
    assert ratio == pytest.approx(0.5)
    assert cosine == pytest.approx(1)


def test_rows_of_a_large_table_stay_few() -> None:
    _, _, owner = neighbours(Split(torch.rand(2000, 2), torch.zeros(2000, dtype=torch.int64)))
    assert len(owner.unique()) == 1500
