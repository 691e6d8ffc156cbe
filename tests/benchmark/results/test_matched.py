"""Cells at the share that own masks hide: one for each explainer and seed, once that share is known."""

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell, key
from roarbench.benchmark.results import seeds
from roarbench.benchmark.results.matched import expected, matched
from roarbench.benchmark.results.store import Outcome, Row

Build = Callable[..., Matrix]
HIDDEN = {0: 0.97, 1: 0.98}


def became(cell: Cell) -> Outcome:
    share = HIDDEN[cell.training.seed] if cell.probe == "own_mask" else cell.removal_fraction
    return Outcome("done", {"test_accuracy": 0.5, "share_removed": share})


def rows(cells: list[Cell]) -> list[Row]:
    return [Row(key(cell), asdict(cell), became(cell)) for cell in cells]


@pytest.fixture
def matrix(small_matrix: Build) -> Matrix:
    return small_matrix(
        explainers=("random", "gradient", "hide_and_seek"), seeds=2, orders=("morf", "lerf"), mask_fractions=(0.5,)
    )


def test_own_masks_are_retrained_on_once_for_each_fill_and_seed(matrix: Matrix) -> None:
    own = [cell for cell in plan.cells(replace(matrix, fills=("mean", "zero"))) if cell.probe == "own_mask"]
    assert [(cell.training.seed, cell.fill.text) for cell in own if cell.fill] == [
        (0, "mean"), (0, "zero"), (1, "mean"), (1, "zero"),
    ]  # fmt: skip
    assert all(cell.retrain and cell.ranking and cell.ranking.explainer.name == "hide_and_seek" for cell in own)


def test_every_explainer_gets_one_cell_at_the_share_of_each_seed(matrix: Matrix) -> None:
    planned = plan.cells(matrix)
    more = matched({cell: became(cell) for cell in planned})
    assert len(more) == 3 * 2
    assert {(cell.training.seed, cell.removal_fraction) for cell in more} == {*HIDDEN.items()}
    assert {(cell.order, cell.retrain, cell.probe) for cell in more} == {("lerf", True, "matched")}
    assert len(expected(planned)) == len(more)


def test_no_cell_is_planned_at_a_share_that_is_not_measured(matrix: Matrix) -> None:
    planned = plan.cells(matrix)
    assert matched(dict.fromkeys(planned)) == []
    failed = {cell: Outcome("failed") if cell.probe == "own_mask" else became(cell) for cell in planned}
    assert matched(failed) == []


def test_explainers_without_a_finished_cell_are_left_out(matrix: Matrix) -> None:
    outcomes = {
        cell: Outcome("failed") if cell.ranking and cell.ranking.explainer.name == "gradient" else became(cell)
        for cell in plan.cells(matrix)
    }
    names = {cell.ranking.explainer.name for cell in matched(outcomes) if cell.ranking}
    assert names == {"random", "hide_and_seek"}


def test_a_folder_asks_for_them_after_the_masks_and_keeps_them(matrix: Matrix) -> None:
    planned = plan.cells(matrix)
    first = seeds.cells(matrix, rows(planned), plan.cells(matrix))
    assert first[: len(planned)] == planned
    assert seeds.cells(matrix, rows(first), plan.cells(matrix)) == first


def test_without_kar_or_retraining_there_is_nothing_to_compare(matrix: Matrix) -> None:
    for change in ({"orders": ("morf",)}, {"retrain": (False,)}, {"recursive": (True,)}):
        assert not [c for c in plan.cells(replace(matrix, **change)) if c.probe == "own_mask"]  # type: ignore[arg-type]
