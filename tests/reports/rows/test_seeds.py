"""Tables and status of runs whose explainers have different numbers of seeds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.adaptive import Rule, rule
from roarbench.benchmark.results.store import Outcome, Store
from roarbench.reports.rows.load import curves, load, read
from roarbench.reports.rows.seeds import num_seeds
from roarbench.reports.status import seed_counts, status
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.table import Table
from tests.reports.conftest import outcome

pytestmark = pytest.mark.usefixtures("unillustrated")

Stored = Callable[..., Path]


@pytest.fixture
def adaptive(matrix: Matrix) -> Matrix:
    return replace(matrix, target_interval=1.0, max_seeds=3)


def roar(folder: Path) -> Table:
    return next(table for table in tables(load(folder), rule(read(folder).matrix)) if table.name == "roar")


@pytest.fixture
def uneven(stored: Stored) -> Callable[..., Path]:
    """A run with one seed more for random than for gradient, as the store holds it after a round."""

    def build(matrix: Matrix) -> Path:
        return stored(matrix, keep=lambda cell: not (_names(cell, "gradient") and cell.training.seed == 2))

    return build


def _names(cell: Cell, explainer: str) -> bool:
    return cell.ranking is not None and cell.ranking.explainer.name == explainer


def counted(folder: Path) -> dict[str, str]:
    """What status says of the seeds of a run."""
    store = Store(folder)
    cells = [row.specification for row in store.rows()]
    store.close()
    return seed_counts(cells)


def test_with_equal_seeds_and_no_target_tables_have_no_column_for_them(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix)
    assert rule(read(folder).matrix) is None
    assert "n" not in roar(folder).shown
    assert "seeds:" not in status(folder)
    assert counted(folder) == {}


def test_where_explainers_differ_in_seeds_tables_count_them(uneven: Callable[..., Path], matrix: Matrix) -> None:
    made = roar(uneven(matrix))
    assert made.shown["n"].tolist() == ["3", "2"]
    assert made.notes[0].startswith("Mean ± half-width of the 95 % t interval over n = 2–3 seeds. ")
    assert not any("Seeds were added" in note for note in made.notes)
    assert not any("(" in text for text in made.shown.to_numpy().flatten())  # nothing is missing


def test_shared_cells_join_a_curve_only_at_its_own_seeds(uneven: Callable[..., Path], matrix: Matrix) -> None:
    folder = uneven(matrix)
    joined = curves(load(folder))
    assert num_seeds(joined[joined.removal_fraction == 0]) == {"random": 3, "gradient": 2}
    assert roar(folder).numbers.loc["GRAD", ("t=0", "mean")] == pytest.approx(0.905)


def test_the_note_names_who_ran_out_of_seeds(stored: Stored, adaptive: Matrix) -> None:
    made = roar(stored(adaptive))  # 0.01 a seed: half-width 2.5 points
    assert made.shown["n"].tolist() == ["3", "3"]
    assert "Seeds were added, 3 to 3, until" in made.notes[1]
    assert "at most 1 points" in made.notes[1]
    assert "below 95 %" in made.notes[1]
    assert made.notes[2] == "Stopped at 3 seeds without that: Random, GRAD."


def test_settled_explainers_are_not_named(stored: Stored, adaptive: Matrix) -> None:
    settled = roar(stored(replace(adaptive, target_interval=3.0)))
    assert settled.shown["n"].tolist() == ["3", "3"]
    assert not any("Stopped" in note for note in settled.notes)


def test_an_unfinished_run_says_nothing_of_who_will_stop(stored: Stored, adaptive: Matrix) -> None:
    def judge(cell: Cell) -> Outcome | None:
        return None if _names(cell, "gradient") and cell.training.seed == 2 else outcome(cell)

    assert not any("Stopped" in note for note in roar(stored(adaptive, judge)).notes)


def test_failures_are_no_reason_to_go_on(stored: Stored, adaptive: Matrix) -> None:
    def judge(cell: Cell) -> Outcome:
        return Outcome("failed", reason="x") if _names(cell, "gradient") else outcome(cell)

    assert "Stopped at 3 seeds without that: Random." in roar(stored(adaptive, judge)).notes


def test_status_counts_seeds_where_they_differ(uneven: Callable[..., Path], matrix: Matrix) -> None:
    assert "  seeds: random 3, gradient 2" in status(uneven(matrix))


def test_a_range_is_given_where_the_curves_of_an_explainer_differ(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix, keep=lambda c: not (_names(c, "gradient") and c.training.seed == 2 and c.order == "lerf"))
    assert counted(folder) == {"random": "3", "gradient": "2–3"}


def test_a_store_of_an_earlier_version_has_no_rule() -> None:
    assert rule({"seeds": 3}) is None
    assert rule({"seeds": 3, "target_interval": 2.0, "max_seeds": 5}) == Rule(0.02, 3, 5)
