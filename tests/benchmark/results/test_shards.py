"""Rank maps in shards: an array by another way, whole or absent."""

from pathlib import Path

import numpy as np
import pytest

from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.results import shards
from roarbench.benchmark.results.artefacts import Artefacts

RANKS = np.random.default_rng(0).integers(0, 60000, (23, 1, 5, 5)).astype(np.uint16)


@pytest.fixture(autouse=True)
def five_examples_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", 5 * 25 * 2 + 7)


def test_ranks_come_back_by_position_whatever_the_order_they_were_written_in(tmp_path: Path) -> None:
    new = shards.create(tmp_path, "train", RANKS.shape, np.uint16)
    for index in np.array_split(np.random.default_rng(1).permutation(23), 4):
        new[index] = RANKS[index]
    assert len(list(tmp_path.glob("train-0000?.npy"))) == 5
    found = shards.load(tmp_path, "train")
    for asked in ([22, 0, 7, 7, 4, 5], [], range(23)):
        index = np.array(asked, dtype=int)
        assert np.array_equal(found[index], RANKS[index])
        assert found[index].dtype == np.uint16


def test_no_shard_is_larger_than_its_bound_unless_one_example_is(tmp_path: Path) -> None:
    parts = shards.create(tmp_path, "train", (3, 1000), np.uint16).parts
    assert [part.shape for part in parts] == [(1, 1000)] * 3


def test_a_split_without_examples_has_no_shards(tmp_path: Path) -> None:
    assert not shards.create(tmp_path, "validation", (0, 1, 5, 5), np.uint16).parts
    assert not list(tmp_path.iterdir())


def test_rank_maps_count_when_all_are_written_and_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    artefacts = Artefacts(tmp_path)
    ranking = next(cell.ranking for cell in cells(Matrix()) if cell.ranking)
    with pytest.raises(KeyboardInterrupt), artefacts.new_ranks(ranking) as folder:
        shards.create(folder, "train", RANKS.shape, np.uint16)[np.arange(23)] = RANKS
        assert not artefacts.has_ranks(ranking)
        raise KeyboardInterrupt
    assert not artefacts.has_ranks(ranking)
    assert not list((tmp_path / "ranks").iterdir())
    with artefacts.new_ranks(ranking) as folder:
        shards.create(folder, "train", RANKS.shape, np.uint16)[np.arange(23)] = RANKS
    assert artefacts.has_ranks(ranking)
    assert np.array_equal(artefacts.load_ranks(ranking, "train")[np.arange(23)], RANKS)


def test_a_killed_writer_leaves_a_draft_that_never_counts(tmp_path: Path) -> None:
    artefacts = Artefacts(tmp_path)
    ranking = next(cell.ranking for cell in cells(Matrix()) if cell.ranking)
    draft = artefacts.new_ranks(ranking)
    shards.create(draft.__enter__(), "train", RANKS.shape, np.uint16)  # and then the power fails
    assert not artefacts.has_ranks(ranking)
    artefacts.clean()
    assert not (tmp_path / "ranks").exists()
