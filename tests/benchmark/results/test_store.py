"""The store: what is recorded stays, one matrix a folder, one writer at a time."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.results.store import BACKUP, FILE, Outcome, Store, usable

Build = Callable[..., Matrix]
DONE = Outcome("done", {"test_accuracy": 1 / 3, "validation_accuracy": None}, "", 0.5, {"commit": "abc"})


def planned(folder: Path, matrix: Matrix) -> Store:
    store = Store(folder, create=True)
    store.plan(asdict(matrix), plan.cells(matrix))
    return store


def test_outcomes_come_back_to_the_last_bit(tmp_path: Path, small_matrix: Build) -> None:
    cells = plan.cells(small_matrix())
    planned(tmp_path, small_matrix()).record(cells[0], DONE)
    assert Store(tmp_path).rows()[0].outcome == DONE


def test_what_is_recorded_at_one_go_is_there_whole_or_not_at_all(tmp_path: Path, small_matrix: Build) -> None:
    cells = plan.cells(small_matrix())
    store = planned(tmp_path, small_matrix())
    unwritable = replace(DONE, reason="\ud800")
    with pytest.raises(UnicodeEncodeError):
        store.record_all({cells[0]: DONE, cells[1]: unwritable})
    assert Store(tmp_path).missing(cells) == cells
    store.record_all({cells[0]: DONE, cells[1]: DONE})
    assert Store(tmp_path).missing(cells) == cells[2:]


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_folder_that_cannot_be_used_is_refused(place: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ValueError, match="out must be a folder that can be written to"):
        usable(file if place == "a file" else file / "run")


def test_trying_a_folder_leaves_nothing_behind(tmp_path: Path, small_matrix: Build) -> None:
    usable(tmp_path / "new" / "run")
    assert not [*tmp_path.iterdir()]
    planned(tmp_path, small_matrix())
    before = (tmp_path / FILE).read_bytes()
    usable(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before and [*tmp_path.iterdir()] == [tmp_path / FILE]


def test_missing_cells_keep_their_order_and_shrink(tmp_path: Path, small_matrix: Build) -> None:
    cells = plan.cells(small_matrix())
    store = planned(tmp_path, small_matrix())
    assert store.missing(cells) == cells
    store.record(cells[1], DONE)
    assert store.missing(cells) == [cells[0], *cells[2:]]
    assert store.counts() == {"done": 1, "to do": len(cells) - 1}


def test_a_matrix_may_grow_and_keeps_what_is_done(tmp_path: Path, small_matrix: Build) -> None:
    cells = plan.cells(small_matrix())
    planned(tmp_path, small_matrix()).record(cells[0], DONE)
    larger = small_matrix(seeds=2, explainers=("random", "gradient", "sobel"))
    assert planned(tmp_path, larger).counts()["done"] == 1


def test_another_matrix_is_refused_and_nothing_is_lost(tmp_path: Path, small_matrix: Build) -> None:
    cells = plan.cells(small_matrix())
    planned(tmp_path, small_matrix()).record(cells[0], DONE)
    with pytest.raises(ValueError, match=r"holds another matrix.*differ in classifiers.*--out"):
        planned(tmp_path, small_matrix(classifiers=("linear",)))
    assert Store(tmp_path).counts() == {"done": 1, "to do": len(cells) - 1}


def test_what_older_versions_measured_of_other_networks_than_the_explained_one_makes_way(
    tmp_path: Path, small_matrix: Build
) -> None:
    paper = small_matrix(seeds=2, protocol="paper", retrain=(True, False))
    cells = plan.cells(paper)
    explained = next(cell for cell in cells if cell.ranking and not cell.retrain)
    other = replace(explained, training=replace(explained.training, seed=1))
    store = Store(tmp_path, create=True)
    store.plan(asdict(paper), [*cells, other])
    store.record(other, DONE)
    store.record(cells[0], DONE)
    assert planned(tmp_path, paper).counts() == {"done": 1, "to do": len(cells) - 1}


def test_cells_without_a_result_may_make_way_for_others(tmp_path: Path, small_matrix: Build) -> None:
    cells = plan.cells(small_matrix())
    store = planned(tmp_path, small_matrix())
    store.record(cells[0], DONE)
    store.record(cells[-1], Outcome("failed", reason="boom"))
    other = small_matrix(explainers=("sobel",))
    assert planned(tmp_path, other).counts() == {"done": 1, "to do": len(plan.cells(other)) - 1}


def test_data_that_changed_under_a_run_is_noticed(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    store.check_data("mine", {"a": "md5:1", "b": "md5:2"})
    store.check_data("mine", {"a": "md5:1", "c": "md5:3"})
    with pytest.raises(ValueError, match="b of mine has changed"):
        store.check_data("mine", {"b": "md5:9"})


def test_failures_can_be_forgotten(tmp_path: Path, small_matrix: Build) -> None:
    cells = plan.cells(small_matrix())
    store = planned(tmp_path, small_matrix())
    store.record(cells[0], DONE)
    store.record(cells[1], Outcome("failed", reason="boom"))
    store.forget_failures()
    assert store.missing(cells) == cells[1:]


def test_two_runs_never_write_to_one_folder(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    with store.locked(), pytest.raises(ValueError, match="another run is writing"), Store(tmp_path).locked():
        pass


def test_a_folder_without_a_run_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no run in .*run --out"):
        Store(tmp_path)


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "results.sqlite").write_text("this is not a database, but somebody's notes" * 10)
    with pytest.raises(ValueError, match="cannot be used as a store"):
        Store(tmp_path, create=True)
    assert "somebody's notes" in (tmp_path / "results.sqlite").read_text()


def damaged(path: Path) -> None:
    """Overwrites the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = b"x" * 2000
    path.write_bytes(content)


def test_a_damaged_store_is_named_left_alone_and_can_be_restored(tmp_path: Path, small_matrix: Build) -> None:
    cells = plan.cells(small_matrix())
    store = planned(tmp_path, small_matrix())
    store.back_up()
    assert not (tmp_path / BACKUP).exists()  # nothing was finished
    store.record(cells[0], DONE)
    store.back_up()
    store.close()
    damaged(tmp_path / FILE)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(ValueError, match=rf"{FILE} cannot be used.*{BACKUP} beside it holds all cells of earlier runs"):
        Store(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before
    (tmp_path / BACKUP).replace(tmp_path / FILE)
    assert Store(tmp_path).rows()[0].outcome == DONE


def test_a_store_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    (tmp_path / BACKUP).touch()
    with pytest.raises(ValueError, match=r"cannot be opened: unable to open database file; is another") as told:
        Store(tmp_path)
    assert "copy it over" not in str(told.value)
