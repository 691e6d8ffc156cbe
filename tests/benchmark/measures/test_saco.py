"""SaCo by hand, and on networks whose drops are known."""

import pytest
import torch
from torch import Tensor

from roarbench.benchmark.measures.saco import SaCo, coefficient, grouped
from roarbench.datasets.base import Split
from tests.benchmark.measures.given import data, noise, normal, sample_of, two_classes


def test_pairs_in_order_count_for_and_others_against() -> None:
    salience = torch.tensor([[4.0, 2.0, 1.0]]).double()
    pairs = {(0, 1): 2.0, (0, 2): 3.0, (1, 2): 1.0}
    for drops, wrong in (([3, 2, 1], []), ([2, 3, 1], [(0, 1)]), ([1, 2, 3], [*pairs]), ([2, 1, 3], [(0, 2), (1, 2)])):
        expected = sum(-w if pair in wrong else w for pair, w in pairs.items()) / 6
        assert coefficient(salience, torch.tensor([drops]).double()).item() == pytest.approx(expected)


def test_a_tie_of_drops_counts_for_and_equal_groups_count_nothing() -> None:
    assert coefficient(torch.tensor([[2.0, 1.0]]), torch.tensor([[5.0, 5.0]])).item() == 1
    assert coefficient(torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0, 5.0]])).item() == 0


@pytest.mark.parametrize("shape", [(12,), (1, 5, 5), (3, 8, 8)])
def test_the_exact_drops_score_1_and_their_negative_minus_1(shape: tuple[int, ...]) -> None:
    split = data(shape)
    split = Split(split.inputs, torch.ones_like(split.labels))
    weight = normal(torch.Size(shape).numel()).view(shape)

    def attribute(inputs: Tensor, targets: Tensor) -> Tensor:
        return (inputs - split.statistics.mean) * weight

    network = two_classes(weight, bias=40.0)  # probabilities that are 1 in single precision do not tie
    for sign in (1, -1):
        sample = sample_of(network, lambda x, y, sign=sign: sign * attribute(x, y), split)  # type: ignore[misc]
        values = SaCo(groups=5).measure(sample)
        torch.testing.assert_close(values, torch.full_like(values, sign), atol=1e-6, rtol=0)


def test_random_maps_score_about_0() -> None:
    sample = sample_of(two_classes(normal(192)), noise, data((3, 8, 8)))
    assert abs(float(SaCo().measure(sample).mean())) < 0.2


def test_groups_are_of_nearly_equal_size_and_ordered() -> None:
    units = normal(4, 25)
    group = grouped(units, 10)
    assert all(set(row.bincount().tolist()) <= {2, 3} for row in group)
    lowest = torch.stack([torch.where(group == g, units, torch.inf).amin(1) for g in range(10)], 1)
    highest = torch.stack([torch.where(group == g, units, -torch.inf).amax(1) for g in range(10)], 1)
    assert (lowest[:, :-1] >= highest[:, 1:]).all()


def test_there_are_no_more_groups_than_units() -> None:
    sample = sample_of(two_classes(torch.tensor([1.0, 2.0])), lambda x, y: x, data((2,)))
    assert SaCo(groups=10).measure(sample).abs().max() <= 1
