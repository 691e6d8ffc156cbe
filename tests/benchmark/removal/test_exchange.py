"""Masks handed round between images: exact chances, against all permutations; and uniform where nothing is there."""

from itertools import permutations

import pytest
import torch
from scipy.stats import kstest

from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.exchange import Blocks, exchanged


def drawn(size: int, groups: torch.Tensor | None = None, name: object = 0) -> Blocks:
    return Blocks.of(torch.zeros(size, dtype=torch.int64) if groups is None else groups, generator("test", name))


def table(size: int, name: object, chance: float = 0.5) -> torch.Tensor:
    """Hits of every image behind the mask of every other."""
    return torch.rand(size, size, generator=generator("hits", name)) < chance


def test_chances_are_those_of_all_permutations() -> None:
    hits, blocks = table(5, "few"), drawn(5)
    result = exchanged(blocks, hits.diagonal(), lambda images, givers: hits[images, givers])
    sums = [sum(bool(hits[i, j]) for i, j in enumerate(order)) for order in permutations(range(5))]
    own = int(hits.diagonal().sum())
    assert result is not None
    assert result.p_low == pytest.approx(sum(s <= own for s in sums) / len(sums))
    assert result.p_high == pytest.approx(sum(s >= own for s in sums) / len(sums))
    drawn_sums = torch.tensor(sums, dtype=torch.float64)
    assert result.z == pytest.approx(float((own - drawn_sums.mean()) / drawn_sums.std(correction=0)))
    others = hits.double().sum() - own
    assert (result.own, result.foreign) == pytest.approx((own / 5, float(others) / 20))


@pytest.mark.parametrize("size", [2, 7, 13, 360, 4000])
def test_no_image_keeps_its_mask_and_all_take_part(size: int) -> None:
    blocks = drawn(size)
    assert blocks.exchanging.sort().values.equal(torch.arange(size))
    for shift in blocks.shifts:
        images, givers = blocks.donors(shift)
        assert not (images == givers).any()
        assert len(images.unique()) == len(images) == len(givers.unique())


def test_masks_stay_within_groups_and_who_is_alone_takes_no_part() -> None:
    groups = torch.tensor([0] * 9 + [1] * 4 + [2])
    blocks = drawn(14, groups)
    assert blocks.exchanging.sort().values.equal(torch.arange(13))
    for shift in blocks.shifts:
        images, givers = blocks.donors(shift)
        assert groups[images].equal(groups[givers])


def test_one_image_exchanges_nothing() -> None:
    assert exchanged(drawn(1), torch.tensor([True]), lambda images, givers: images > 0) is None


def test_large_splits_take_fewer_passes() -> None:
    assert drawn(360).shifts == range(1, 6)
    assert drawn(10_000).shifts == range(1, 2)


def test_chances_are_uniform_where_masks_have_nothing_to_do_with_images() -> None:
    chances = []
    for name in range(200):
        hits, blocks = table(300, name), drawn(300, name=name)
        result = exchanged(blocks, hits.diagonal(), lambda images, givers, hits=hits: hits[images, givers])
        assert result is not None
        chances.append(result.p_low)
    assert kstest(chances, "uniform").pvalue > 0.01


def test_where_all_ways_give_the_same_nothing_is_far_from_its_mean() -> None:
    result = exchanged(drawn(30), torch.ones(30, dtype=torch.bool), lambda images, givers: images >= 0)
    assert result is not None
    assert (result.p_low, result.p_high, result.z) == (pytest.approx(1), pytest.approx(1), 0.0)


def test_masks_that_take_what_matters_are_found() -> None:
    hits = table(360, "taking", 0.6)
    hits.fill_diagonal_(False)
    result = exchanged(drawn(360), hits.diagonal(), lambda images, givers: hits[images, givers])
    assert result is not None
    assert result.p_low < 1e-9
    assert result.foreign - result.own > 0.5
