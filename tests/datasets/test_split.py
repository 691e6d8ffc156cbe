"""Laws of the seeded, stratified choices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarbench.datasets.split import carve, choose, folds

LABELS = np.repeat([0, 1, 2], [50, 30, 20])


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=60), data=st.data())
def test_a_subset_has_the_exact_size_and_shares_within_one_example(labels: list[int], data: st.DataObject) -> None:
    everything = np.array(labels)
    size = data.draw(st.integers(1, len(labels)))
    index = choose(everything, size, name="train", seed=0)
    assert len(set(index.tolist())) == size
    for k in set(labels):
        fair = size * np.mean(everything == k)
        assert abs(np.sum(everything[index] == k) - fair) < 1


def test_shares_that_divide_evenly_are_exact() -> None:
    index = choose(LABELS, 10, name="train", seed=0)
    assert np.bincount(LABELS[index]).tolist() == [5, 3, 2]


def test_a_left_over_example_does_not_favour_a_class() -> None:
    labels = np.arange(40) % 4
    winners = {int(labels[choose(labels, 1, name="train", seed=seed)[0]]) for seed in range(40)}
    assert winners == {0, 1, 2, 3}


def test_a_seed_decides_the_subset() -> None:
    first, again, other = (choose(LABELS, 10, name="train", seed=seed).tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_none_takes_everything_in_order() -> None:
    assert choose(LABELS, None, name="train", seed=0).tolist() == list(range(100))


@pytest.mark.parametrize("size", [0, -1, 101])
def test_more_examples_than_there_are_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=rf"train must lie in \[1, 100\], the examples there are, got {size}"):
        choose(LABELS, size, name="train", seed=0)


@given(share=st.floats(0, 0.95), seed=st.integers(0, 9))
def test_carving_divides_without_loss_or_overlap(share: float, seed: int) -> None:
    rest, held = carve(LABELS, share, name="validation", seed=seed)
    assert sorted([*rest.tolist(), *held.tolist()]) == list(range(100))
    assert len(held) == round(100 * share)


@given(share=st.floats(0, 0.9), seed=st.integers(0, 9))
def test_groups_are_never_torn_apart(share: float, seed: int) -> None:
    groups = np.arange(100) // 3
    rest, held = carve(LABELS, share, name="test", seed=seed, groups=groups)
    assert not set(groups[rest]) & set(groups[held])
    assert round(100 * share) - 3 < len(held) <= round(100 * share)


def test_test_and_validation_are_chosen_independently() -> None:
    assert (
        carve(LABELS, 0.2, name="test", seed=0)[1].tolist() != carve(LABELS, 0.2, name="validation", seed=0)[1].tolist()
    )


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=60), count=st.integers(1, 9), seed=st.integers(0, 9))
def test_folds_and_the_classes_in_them_are_of_equal_size(labels: list[int], count: int, seed: int) -> None:
    everything = np.array(labels)
    numbers = folds(everything, count, seed=seed)
    for part in (numbers, *(numbers[everything == k] for k in set(labels))):
        sizes = np.bincount(part, minlength=count)
        assert len(sizes) == count
        assert sizes.max() - sizes.min() <= 1


def test_a_seed_decides_the_folds() -> None:
    first, again, other = (folds(LABELS, 5, seed=seed).tolist() for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, 100.0])
def test_a_share_outside_the_unit_interval_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=r"validation must lie in \[0, 1\)"):
        carve(LABELS, share, name="validation", seed=0)


def test_carving_everything_away_is_refused() -> None:
    with pytest.raises(ValueError, match="must leave examples to train on"):
        carve(np.zeros(3, dtype=int), 0.9, name="validation", seed=0)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        choose(LABELS, 5, name="train", seed=-1)
