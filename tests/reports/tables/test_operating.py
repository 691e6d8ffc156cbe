"""The operating point of explainers with masks of their own, beside the KAR curves of all explainers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.statistics import Summary
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.report import report
from roarbench.reports.rows.load import curves, load
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.operating import forms, operating_tables
from tests.reports.conftest import outcome

OWN, RETRAINED = "HnS, own masks", "HnS, own masks, retrained"
SHARE = 0.97


def with_own_masks(cell: Cell) -> Outcome:
    """Hide-and-Seek hides 97 % by itself and keeps 0.8 of the images readable, 0.85 for a retrained classifier.

    Accuracy of other explainers falls linearly to 0.9, then in a step: 0.6 is left at the share that is hidden.
    """
    made = outcome(cell)
    if cell.probe == "matched":
        return replace(made, metrics=made.metrics | {"test_accuracy": 0.6, "share_removed": 31 / 32})
    if cell.ranking and cell.ranking.explainer.name == "hide_and_seek":
        own = {"own_accuracy": 0.8, "own_share_hidden": SHARE, "own_nonzero_share_hidden": 0.7, "own_restarts": 0.0}
        behind = {"test_accuracy": 0.85, "share_removed": SHARE} if cell.probe == "own_mask" else {}
        return replace(made, metrics=made.metrics | own | behind)
    return made


@pytest.fixture
def folder(stored: Callable[..., Path], matrix: Matrix) -> Path:
    wanted = replace(
        matrix, explainers=("random", "gradient", "hide_and_seek"), seeds=1, fractions=(0.0, 0.5, 0.9, 1.0)
    )
    return stored(wanted, with_own_masks)


def test_explainers_are_compared_by_networks_retrained_at_the_share_that_own_masks_hide(folder: Path) -> None:
    (table,) = operating_tables(load(folder))
    means = table.numbers.xs("mean", axis=1, level=1)
    assert list(means.index) == [OWN, RETRAINED, "Random", "GRAD", "HnS"]
    assert means.loc[[OWN, RETRAINED], "I"].tolist() == [SHARE, SHARE]
    assert means.loc[OWN, "F"] == pytest.approx(0.8 / 0.9)
    assert means.loc[OWN, "FII"] == pytest.approx(SHARE * 0.8 / 0.9)
    assert means.loc[RETRAINED, "F"] == pytest.approx(0.85 / 0.9)
    for explainer in ("Random", "GRAD", "HnS"):  # not on a straight line from t = 0.9 to chance at t = 1
        assert means.loc[explainer, "F"] == pytest.approx(0.6 / 0.9)
        assert means.loc[explainer, "I"] == 31 / 32  # what was removed, in whole units


def test_nothing_is_interpolated_where_no_network_was_retrained_at_the_share(
    stored: Callable[..., Path], matrix: Matrix
) -> None:
    wanted = replace(matrix, explainers=("gradient", "hide_and_seek"), seeds=1)
    old = stored(wanted, with_own_masks, keep=lambda cell: cell.probe == "image")
    (table,) = operating_tables(load(old))
    assert table.shown.loc[OWN, "F"] != "–"
    assert (table.shown.loc[[RETRAINED, "GRAD", "HnS"]] == "–").all(axis=None)
    assert "nothing is interpolated" in table.text()
    fidelity = next(t for t in tables(load(old)) if t.name == "fidelity")
    assert (fidelity.shown.loc[["GRAD", "HnS"], ["F h=HnS", "FII h=HnS"]] == "–").all(axis=None)


def test_the_table_of_fidelity_has_a_column_at_the_share_of_own_masks(folder: Path) -> None:
    (fidelity,) = (t for t in tables(load(folder)) if t.name == "fidelity")
    means = fidelity.numbers.xs("mean", axis=1, level=1)
    assert means["F h=HnS"].loc[["GRAD", RETRAINED, OWN]].tolist() == pytest.approx([0.6 / 0.9, 0.85 / 0.9, 0.8 / 0.9])
    assert fidelity.shown.loc[OWN, "F h=0.5"] == "–"


def test_cells_at_the_share_of_own_masks_are_no_points_of_curves(folder: Path) -> None:
    kept = curves(load(folder)).query("order == 'lerf'")
    assert set(kept.removal_fraction) == {0.0, 0.5, 0.9, 1.0}


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
    report(folder)
    assert (folder / "report" / "operating-hide_and_seek.tex").exists()
    assert OWN in (folder / "report" / "curves.svg").read_text()


def test_no_interval_of_an_index_leaves_what_it_can_be() -> None:
    original = pd.DataFrame({"removal_fraction": 0.0, "seed": [0, 1, 2], "test_accuracy": [0.9, 0.8, 1.0]})
    summary = Summary(0.9, 0.6, 3)
    written = {name: form(summary, 3) for name, form in forms(original).items()}
    assert (written["F"], written["FII"]) == ("0.90 [0.30, 1.25]",) * 2
    assert (written["I"], written["FIR"]) == ("0.90 [0.30, 1.00]",) * 2
