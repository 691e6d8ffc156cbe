"""Summaries, DiffROAR, deletion and insertion against hand-computed numbers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.report import report
from roarbench.reports.rows.load import load
from roarbench.reports.tables.curves import diff_roar
from roarbench.reports.tables.probability import probabilities
from roarbench.reports.tables.summary import reference_of, summaries
from roarbench.reports.tables.table import Table
from tests.reports.conftest import outcome

pytestmark = pytest.mark.usefixtures("unillustrated")

Stored = Callable[..., Path]


def steeper(cell: Cell) -> Outcome:
    """Gradient, 0.02 a seed apart from random, removes twice as much as random under morf, half as much under lerf."""
    made = outcome(cell)
    if cell.ranking and cell.ranking.explainer.name == "gradient":
        fall = (0.8 if cell.order == "morf" else 0.2) + 0.02 * (cell.training.seed - 1)
    else:
        fall = 0.4 if cell.ranking else 0.8 * cell.removal_fraction
    return replace(made, metrics=made.metrics | {"test_accuracy": 0.9 - fall})


def by_name(made: list[Table]) -> dict[str, Table]:
    return {table.name: table for table in made}


def test_a_summary_compares_with_random_seed_by_seed(stored: Stored, matrix: Matrix) -> None:
    made = by_name(summaries(load(stored(matrix, steeper))))
    assert list(made) == ["summary-roar", "summary-kar"]
    roar = made["summary-roar"]
    assert list(roar.shown.columns) == ["mean", "gain", "p", "group", "RACU", "rank"]
    assert roar.shown.loc["Random"].tolist() == ["50.0 ± 0.0", "–", "–", "b", "–", "2.00"]
    assert roar.numbers.loc["GRAD", ("gain", "mean")] == pytest.approx(0.4)
    assert roar.numbers.loc["GRAD", ("gain", "half_width")] == pytest.approx(0.05, rel=0.15)  # t of 2 degrees
    random_above_full = (0.9 + 0.5) / 4 + (0.5 + 0.1) / 4 - 0.1
    assert roar.numbers.loc["GRAD", ("RACU", "mean")] == pytest.approx(0.2 / random_above_full)
    assert roar.numbers.loc["GRAD", ("p", "p")] == pytest.approx(0.000833, abs=0.002)
    assert any(note.startswith("Detectable: with 80 % power") for note in roar.notes)


def test_better_than_random_is_positive_under_either_order(stored: Stored, matrix: Matrix) -> None:
    kar = by_name(summaries(load(stored(matrix, steeper))))["summary-kar"]
    assert kar.numbers.loc["GRAD", ("gain", "mean")] == pytest.approx(0.2)
    assert kar.numbers.loc["GRAD", ("RACU", "mean")] > 0
    assert "sign is reversed" in kar.text()


def test_racu_needs_the_accuracy_of_full_removal(stored: Stored, matrix: Matrix) -> None:
    made = summaries(load(stored(replace(matrix, fractions=(0.0, 0.5)), steeper)))[0]
    assert "RACU" not in made.shown and "RACU" not in made.text()


def test_without_random_there_is_no_summary(stored: Stored, matrix: Matrix) -> None:
    assert summaries(load(stored(replace(matrix, explainers=("gradient", "sobel"))))) == []


def test_the_plain_random_goes_before_its_variants(stored: Stored, matrix: Matrix) -> None:
    shared = "random[shared=true]"
    frame = load(stored(replace(matrix, explainers=(shared, "random", "gradient"))))
    rows = frame[frame.explainer.notna()]
    assert reference_of(rows) == "random"
    assert reference_of(rows[rows.explainer != "random"]) == shared


def test_diff_roar_is_kar_minus_roar_at_the_same_fraction(stored: Stored, matrix: Matrix) -> None:
    (made,) = diff_roar(load(stored(matrix, steeper)))
    assert list(made.shown.columns) == ["t=0.5"]
    assert made.shown["t=0.5"].tolist() == ["0.0 ± 0.0", "60.0 ± 0.0"]
    assert diff_roar(load(stored(replace(matrix, orders=("morf",)), name="one"))) == []


def confident(cell: Cell) -> Outcome:
    """The probability of the class falls with what is removed, to the fourth part at half."""
    made = outcome(cell)
    given = (1 - cell.removal_fraction) ** 2
    return made if cell.retrain else replace(made, metrics=made.metrics | {"test_target_probability": given})


def test_deletion_and_insertion_have_areas_below_their_curves(stored: Stored, matrix: Matrix) -> None:
    wide = replace(matrix, fractions=(0.0, 0.2, 0.5, 1.0), retrain=(True, False))
    made = by_name(probabilities(load(stored(wide, confident))))
    deletion, insertion = made["deletion-unretrained"], made["insertion-unretrained"]
    assert list(deletion.shown.columns) == ["t=0.2", "t=0.5", "t=1", "AUC"]
    assert list(insertion.shown.columns) == ["s=0", "s=0.5", "s=0.8", "AUC"]
    below = (0.3 * (0.64 + 0.25) / 2 + 0.5 * 0.25 / 2) / 0.8
    assert deletion.numbers.loc["GRAD", ("AUC", "mean")] == pytest.approx(below)
    assert insertion.numbers.loc["GRAD", ("AUC", "mean")] == pytest.approx(below)
    assert "divided by its width, from t = 0.2 to 1" in deletion.text()
    assert insertion.shown.loc["GRAD", "s=0.8"] == "0.64 ± 0.00"


def test_the_report_prints_the_leading_curves_and_writes_the_rest(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, retrain=(True, False)), confident)
    printed = report(folder)
    assert "ROAR, retrained" in printed and "GRAD" in printed
    assert "DiffROAR" not in printed and "Deletion" not in printed
    written = {path.name for path in (folder / "report").iterdir()}
    assert {"diffroar.tex", "deletion-unretrained.md", "summary-roar-unretrained.csv"} <= written


def test_a_run_without_retraining_prints_what_it_has(stored: Stored, matrix: Matrix) -> None:
    assert "Deletion" in report(stored(replace(matrix, retrain=(False,)), confident))
