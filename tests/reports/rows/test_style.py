"""How numbers are written: bounds hold in text, page and LaTeX."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.statistics import Summary
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.page.page import page
from roarbench.reports.report import report
from roarbench.reports.rows.load import load, read
from roarbench.reports.rows.style import Form, innermost, percent, points, probability, repeated, share, signed
from roarbench.reports.tables.curves import tables
from tests.reports.conftest import outcome

Stored = Callable[..., Path]


@pytest.mark.parametrize(
    ("form", "summary", "text"),
    [
        (percent, Summary(0.974, 0.127, 3), "97.4 [84.7, 100.0]"),
        (percent, Summary(0.55, 1.27, 2), "55.0 [0.0, 100.0]"),
        (percent, Summary(0.9, 0.1, 3), "90.0 ± 10.0"),
        (percent, Summary(0.5, math.nan, 1), "50.0"),
        (points, Summary(-0.02, 0.05, 3), "-2.0 ± 5.0"),
        (points, Summary(0.4, 0.7, 2), "40.0 [-30.0, 100.0]"),
        (share, Summary(1.05, 0.2, 3), "1.05 ± 0.20"),
        (share, Summary(0.1, 0.2, 3), "0.10 [0.00, 0.30]"),
        (probability, Summary(0.9, 0.2, 3), "0.90 [0.70, 1.00]"),
        (signed, Summary(0.0, 2.17, 2), "0.00 [-1.00, 1.00]"),
    ],
)
def test_no_interval_leaves_the_bounds_of_its_number(form: Form, summary: Summary, text: str) -> None:
    assert form(summary, summary.n) == text


@pytest.mark.parametrize("summary", [Summary(0.5, math.nan, 1), Summary(math.nan, math.nan, 0)])
def test_what_has_no_interval_is_not_called_cut(summary: Summary) -> None:
    assert not percent.cut(summary)


def test_what_is_drawn_is_what_is_written() -> None:
    assert percent.ends(Summary(0.974, 0.127, 3)) == pytest.approx((84.7, 100.0))
    assert points.ends(Summary(0.25, math.nan, 1)) == (25.0, 25.0)


def uneven(cell: Cell) -> Outcome:
    """Near 100 %, where a t interval of three seeds reaches beyond it."""
    made = outcome(cell)
    return replace(made, metrics=made.metrics | {"test_accuracy": (1.0, 1.0, 0.94)[cell.training.seed]})


@pytest.mark.usefixtures("unillustrated")
def test_text_page_and_latex_cut_alike(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix, uneven)
    roar = next(table for table in tables(load(folder)) if table.name == "roar")
    assert set(roar.shown["t=0.5"]) == {"98.0 [89.4, 100.0]"} and roar.cut
    assert "98.0 [89.4, 100.0]" in roar.latex() and "98.0 [89.4, 100.0]" in page(read(folder), [roar], list)
    report(folder)
    assert "Intervals in brackets are cut" in (folder / "report" / "roar.md").read_text()
    assert roar.numbers.loc["GRAD", ("t=0.5", "half_width")] == pytest.approx(0.0861, abs=1e-4)


def test_one_of_a_thing_is_no_plural() -> None:
    assert [repeated(n, "pass") for n in (0, 1, 2000)] == ["0 passes", "1 pass", "2,000 passes"]


def test_what_an_explainer_is_of_in_the_end() -> None:
    assert innermost("squared[base=smoothgrad[base=guided_backprop,samples=5]]") == "guided_backprop"
    assert innermost("vargrad") == "gradient" and innermost("my_file:Mine[power=2]") == "my_file:Mine"
