"""The table of what is measured of attributions themselves."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmark.plan import Matrix
from benchmark.spec import Cell
from benchmark.store import Outcome
from reports.attributions import attribution_tables
from reports.load import curves, load
from tests.reports.conftest import outcome

Stored = Callable[..., Path]


def judge(cell: Cell) -> Outcome:
    if cell.probe != "attribution":
        return outcome(cell)
    found = {"infidelity": 2.0, "gini": 0.5, "zero_attributions": 0.0, "passes": 12690.0}
    return Outcome("done", found, provenance={"seconds_per_image": "0.0021"})


def test_the_table_shows_what_was_measured_and_no_more(stored: Stored, matrix: Matrix) -> None:
    (made,) = attribution_tables(load(stored(replace(matrix, measure_attributions=True), judge)))
    assert made.shown.columns.tolist() == ["infidelity", "Gini", "passes", "ms"]
    assert made.shown.loc["GRAD"].tolist() == ["2.00 ± 0.00", "0.50 ± 0.00", "12,690", "2.1"]


def test_attributions_never_enter_curves(stored: Stored, matrix: Matrix) -> None:
    plain, wide = (
        stored(m, judge, name) for m, name in ((matrix, "a"), (replace(matrix, measure_attributions=True), "b"))
    )
    assert len(curves(load(plain))) == len(curves(load(wide)))
    assert attribution_tables(load(plain)) == []


def test_nothing_measured_yet_is_no_table(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, measure_attributions=True), lambda cell: None)
    assert attribution_tables(load(folder)) == []
