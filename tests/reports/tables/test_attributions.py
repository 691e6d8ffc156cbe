"""The table of what is measured of attributions themselves."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.report import report
from roarbench.reports.rows.load import COLUMNS, curves, load
from roarbench.reports.tables.attributions import attribution_tables
from tests.reports.conftest import outcome

Stored = Callable[..., Path]


def judge(cell: Cell) -> Outcome:
    if cell.probe != "attribution":
        return outcome(cell)
    found = {"infidelity": 2.0, "gini": 0.5, "zero_attributions": 0.0, "passes": 12690.0}
    return Outcome("done", found, provenance={"seconds_per_image": "0.0021"})


def test_the_table_shows_what_was_measured_and_no_more(stored: Stored, matrix: Matrix) -> None:
    (made,) = attribution_tables(load(stored(replace(matrix, measures=("standard",)), judge)))
    assert made.shown.columns.tolist() == ["infidelity", "Gini", "passes", "ms"]
    assert made.shown.loc["GRAD"].tolist() == ["2.00 ± 0.00", "0.50 ± 0.00", "12,690", "2.1"]


def test_attributions_never_enter_curves(stored: Stored, matrix: Matrix) -> None:
    plain, wide = (
        stored(m, judge, name) for m, name in ((matrix, "a"), (replace(matrix, measures=("standard",)), "b"))
    )
    assert len(curves(load(plain))) == len(curves(load(wide)))
    assert attribution_tables(load(plain)) == []


def test_nothing_measured_yet_is_no_table(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, measures=("standard",)), lambda cell: None)
    assert attribution_tables(load(folder)) == []


def inventive(cell: Cell) -> Outcome:
    """A measure and a note that no table of ours knows; gradient alone has masks of its own."""
    made = judge(cell)
    ranked = cell.ranking.explainer.name if cell.ranking else ""
    new: dict[str, float | None] = {"my_measure": 0.25} if cell.probe == "attribution" else {}
    new |= {"own_num_steps": 1200.0} if ranked == "gradient" and cell.probe == "image" else {}
    return replace(made, metrics=made.metrics | new)


@pytest.mark.usefixtures("unillustrated")
def test_numbers_that_only_a_plug_in_knows_reach_rows_and_tables(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, measures=("standard",)), inventive)
    report(folder)
    rows = pd.read_csv(folder / "report" / "rows.csv")
    assert list(rows.columns[-2:]) == ["my_measure", "own_num_steps"]
    assert set(rows.my_measure.dropna()) == {0.25} and set(rows.own_num_steps.dropna()) == {1200}
    measured, noted = (folder / "report" / f"{name}.md" for name in ("attributions", "notes"))
    assert "my measure" in measured.read_text() and "0.250 ± 0.000" in measured.read_text()
    assert "num steps" in noted.read_text() and "1200.000 ± 0.000" in noted.read_text()
    assert "Random" not in noted.read_text()


def test_known_columns_come_first_and_a_metric_never_renames_a_cell(stored: Stored, matrix: Matrix) -> None:
    def shadowing(cell: Cell) -> Outcome:
        made = outcome(cell)
        return replace(made, metrics=made.metrics | {"order": 7.0, "zeal": 1.0})

    frame = load(stored(matrix, shadowing))
    assert list(frame.columns) == [*COLUMNS, "zeal"]
    assert set(frame.order.dropna()) == {"morf", "lerf"}
    assert "zeal" in curves(frame)
