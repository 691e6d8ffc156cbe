"""Ranking and removal, re-derived slowly."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal import fills
from roarbench.benchmark.removal import ranks as removal
from roarbench.datasets.statistics import channel_mean


def no_normal() -> Tensor:
    raise AssertionError("a fill without noise asks for none")


def ranks_of(attributions: Tensor, *, unit: str = "pixel", magnitude: bool = True, seed: int = 0) -> Tensor:
    return removal.rank(attributions, unit=unit, magnitude=magnitude, generator=generator("ties", seed))  # type: ignore[arg-type]


def test_ranks_equal_a_plain_sort_where_nothing_ties() -> None:
    attributions = torch.randn(5, 1, 4, 4, generator=generator("a"))
    ranks = ranks_of(attributions)
    for values, found in zip(attributions.abs().flatten(1).tolist(), ranks.flatten(1).tolist(), strict=True):
        by_importance = sorted(range(16), key=lambda i: -values[i])
        assert [by_importance.index(i) for i in range(16)] == found


def test_every_rank_map_is_a_permutation() -> None:
    ranks = ranks_of(torch.zeros(3, 2, 4, 4), unit="feature")
    assert (ranks.flatten(1).sort(1).values == torch.arange(32)).all()


def test_ties_do_not_favour_a_corner() -> None:
    ranks = ranks_of(torch.zeros(4000, 1, 3, 3)).double().mean(0)
    assert (ranks - 4).abs().max() < 0.2  # standard error 0.04


def test_ties_are_broken_alike_under_one_seed_and_differently_under_another() -> None:
    flat = torch.zeros(10, 1, 4, 4)
    assert torch.equal(ranks_of(flat, seed=1), ranks_of(flat, seed=1))
    assert not torch.equal(ranks_of(flat, seed=1), ranks_of(flat, seed=2))


def test_the_sign_counts_only_without_magnitude() -> None:
    attributions = torch.tensor([[-3.0, 1.0, 2.0]])
    assert ranks_of(attributions, magnitude=True).tolist() == [[0, 2, 1]]
    assert ranks_of(attributions, magnitude=False).tolist() == [[2, 1, 0]]


def test_a_pixel_scores_the_sum_over_its_channels() -> None:
    attributions = torch.tensor([[[[1.0, 0.0]], [[-1.0, 1.5]]]])
    assert ranks_of(attributions, magnitude=True).flatten().tolist() == [0, 1]
    assert ranks_of(attributions, magnitude=False).flatten().tolist() == [1, 0]


def test_feature_units_rank_every_channel_on_its_own() -> None:
    attributions = torch.tensor([[[[1.0, 0.0]], [[-3.0, 2.0]]]])
    assert ranks_of(attributions, unit="feature").flatten().tolist() == [2, 3, 0, 1]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_attributions_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="1 of 2 examples"):
        ranks_of(torch.tensor([[0.0, bad], [0.0, 1.0]]))


@given(fraction=st.floats(0, 1), units=st.integers(1, 200))
def test_exactly_the_nearest_number_of_units_goes(fraction: float, units: int) -> None:
    ranks = torch.stack([torch.randperm(units) for _ in range(3)])
    for order in ("morf", "lerf"):
        mask = removal.kept(ranks, removal_fraction=fraction, order=order)  # type: ignore[arg-type]
        removed = (~mask).sum(1)
        assert (removed == removal.num_removed(units, fraction, order)).all()  # type: ignore[arg-type]
        assert abs(removed[0].item() - units * fraction) <= 0.5


@given(hundredths=st.integers(0, 100), units=st.integers(1, 200))
def test_removal_of_t_and_of_1_minus_t_are_exact_complements(hundredths: int, units: int) -> None:
    ranks, t = torch.randperm(units)[None], hundredths / 100
    for complement in (1 - t, (100 - hundredths) / 100, round(1 - t, 10)):
        removed = ~removal.kept(ranks, removal_fraction=t, order="morf")
        assert torch.equal(removal.kept(ranks, removal_fraction=complement, order="lerf"), removed)


def test_ranks_that_are_no_permutation_are_refused() -> None:
    with pytest.raises(ValueError, match="permutation"):
        removal.kept(torch.zeros(2, 4, dtype=torch.int64), removal_fraction=0.5)


def test_larger_fractions_remove_what_smaller_ones_did() -> None:
    ranks = torch.stack([torch.randperm(50) for _ in range(3)])
    masks = [removal.kept(ranks, removal_fraction=t) for t in (0.1, 0.5, 0.9)]
    for wider, narrower in itertools.pairwise(masks):
        assert (narrower <= wider).all()


def test_kept_values_are_untouched_and_removed_ones_become_the_fill() -> None:
    inputs = torch.rand(4, 3, 5, 5, generator=generator("x"))
    train_mean = channel_mean(inputs)
    mask = torch.rand(4, 1, 5, 5, generator=generator("m")) < 0.5
    reduced = removal.remove(inputs, mask, fills.mean, train_mean, no_normal)
    everywhere = mask.expand_as(inputs)
    assert torch.equal(reduced[everywhere], inputs[everywhere])
    for channel in range(3):
        gone = reduced[:, channel][~mask[:, 0]]
        assert torch.allclose(gone, inputs[:, channel].mean().expand_as(gone))


def test_patches_rank_by_the_sum_of_their_features_and_hide_all_of_them() -> None:
    attributions = torch.rand(2, 3, 4, 6) - 0.5
    ranks = ranks_of(attributions, unit="patch[size=2]")
    assert ranks.shape == (2, 1, 2, 3)
    for example, of_example in zip(attributions.abs(), ranks, strict=True):
        sums = {
            (y, x): float(example[:, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].sum()) for y in range(2) for x in range(3)
        }
        expected = sorted(sums, key=lambda patch: -sums[patch])
        assert expected == sorted(sums, key=lambda patch: int(of_example[0, patch[0], patch[1]]))
    mask = removal.kept(ranks, removal_fraction=0.5)
    spread = removal.spread(mask, (3, 4, 6))
    assert spread.shape == (2, 1, 4, 6)
    assert all(spread[:, :, y, x].equal(mask[:, :, y // 2, x // 2]) for y in range(4) for x in range(6))


@pytest.mark.parametrize("shape", [(2, 8), (3, 4, 4), (1, 4, 2, 6)])
def test_places_have_any_number_of_axes(shape: tuple[int, ...]) -> None:
    attributions = torch.rand(2, *shape)
    assert ranks_of(attributions).shape == (2, 1, *shape[1:])
    assert ranks_of(attributions, unit="feature").shape == (2, *shape)
    patches = ranks_of(attributions, unit="patch[size=2]")
    assert patches.shape == (2, 1, *(length // 2 for length in shape[1:]))
    assert removal.spread(removal.kept(patches, removal_fraction=0.3), shape).shape == (2, 1, *shape[1:])


def test_patches_of_a_row_and_a_single_patch_are_refused() -> None:
    with pytest.raises(ValueError, match=r"patch\[size=2\] needs signals, images or volumes, got rows of 8"):
        ranks_of(torch.rand(1, 8), unit="patch[size=2]")
    with pytest.raises(ValueError, match="must leave two patches or more of 8x8"):
        ranks_of(torch.rand(1, 1, 8, 8), unit="patch[size=8]")


def test_patches_that_do_not_fill_an_example_are_refused() -> None:
    with pytest.raises(ValueError, match=r"patch\[size=3\] must divide 8x8; use 2 or 4"):
        ranks_of(torch.rand(1, 1, 8, 8), unit="patch[size=3]")
