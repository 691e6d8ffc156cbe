"""The operating point of explainers with masks of their own, beside the KAR curves of all explainers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.plan import Matrix
from benchmark.spec import Cell
from benchmark.store import Outcome
from reports.load import load
from reports.operating import operating_tables
from reports.report import report
from tests.reports.conftest import outcome

OWN = "HnS, own masks"


def with_own_masks(cell: Cell) -> Outcome:
    """Hide-and-Seek hides 75 % by itself and keeps 0.8 of the images readable; originals are right in 0.9."""
    made = outcome(cell)
    if cell.ranking and cell.ranking.explainer.name == "hide_and_seek":
        own = {"own_accuracy": 0.8, "own_share_hidden": 0.75, "own_nonzero_share_hidden": 0.7, "own_restarts": 0.0}
        return replace(made, metrics=made.metrics | own)
    return made


@pytest.fixture
def folder(stored: Callable[..., Path], matrix: Matrix) -> Path:
    wanted = replace(matrix, explainers=("random", "gradient", "hide_and_seek"), seeds=1, fractions=(0.0, 0.5, 0.9))
    return stored(wanted, with_own_masks)


def test_the_table_holds_the_point_and_all_explainers_at_the_same_share(folder: Path) -> None:
    (table,) = operating_tables(load(folder))
    means = table.numbers.xs("mean", axis=1, level=1)
    assert list(means.index) == [OWN, "Random", "GRAD", "HnS"]
    assert (means["I"] == 0.75).all()
    assert means.loc[OWN, "F"] == pytest.approx(0.8 / 0.9)
    assert means.loc[OWN, "FII"] == pytest.approx(0.75 * 0.8 / 0.9)
    assert means.loc["GRAD", "F"] == pytest.approx((0.9 - 0.4 * 0.75) / 0.9)  # between t = 0.5 and 0.9
    assert means.loc["Random", "F"] == pytest.approx((0.9 - 0.8 * 0.75) / 0.9)


def test_beyond_the_last_fraction_explainers_stay_at_it_and_the_table_says_so(
    stored: Callable[..., Path], matrix: Matrix
) -> None:
    short = replace(matrix, explainers=("gradient", "hide_and_seek"), seeds=1, fractions=(0.0, 0.5))
    (table,) = operating_tables(load(stored(short, with_own_masks)))
    assert table.numbers.loc["GRAD", ("F", "mean")] == pytest.approx((0.9 - 0.4 * 0.5) / 0.9)
    assert table.numbers.loc["GRAD", ("I", "mean")] == 0.5  # what was measured, not what Hide-and-Seek hides
    assert "beyond the last of them, 0.5, at that one" in table.text()


def test_collapses_are_told_below_the_table(stored: Callable[..., Path], matrix: Matrix) -> None:
    def judge(cell: Cell) -> Outcome:
        made = with_own_masks(cell)
        told = {"own_restarts": 2.0, "own_collapsed": 1.0} if "own_restarts" in made.metrics else {}
        return replace(made, metrics=made.metrics | told)

    wanted = replace(matrix, explainers=("hide_and_seek",), seeds=1, fractions=(0.0, 0.5))
    (table,) = operating_tables(load(stored(wanted, judge)))
    assert "Seed 0: collapsed, restarted 2 times and collapsed again." in table.notes
    (quiet,) = operating_tables(load(stored(wanted, with_own_masks, name="quiet")))
    assert "collapsed" not in quiet.text()


def test_runs_without_such_an_explainer_have_no_such_table(stored: Callable[..., Path], matrix: Matrix) -> None:
    assert operating_tables(load(stored(matrix))) == []


def test_the_report_draws_the_point_and_writes_the_table(folder: Path) -> None:
    assert OWN in report(folder)
    assert (folder / "report" / "operating-hide_and_seek.tex").exists()
    assert OWN in (folder / "report" / "curves.svg").read_text()
