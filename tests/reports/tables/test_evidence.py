"""Groups beside the curves: letters, and what the notes promise."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.rows.load import curves, load
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.evidence import in_common
from roarbench.reports.tables.table import Table
from tests.reports.conftest import outcome

Stored = Callable[..., Path]


def named(folder: Path, name: str) -> Table:
    return next(table for table in tables(load(folder)) if table.name == name)


def test_curves_in_common_are_whole_under_all_ways() -> None:
    whole = dict.fromkeys(range(3), 0.5)
    one, other = {"a": whole, "b": whole, "c": {0: 0.5}}, {"a": whole, "b": {0: 0.5, 1: 0.5}, "c": whole, "d": whole}
    assert in_common([one, other], 2) == (["a", "b"], [0, 1])
    assert in_common([one, other], 3) == (["a", "b", "c"], [0])
    assert in_common([one, other], 4) == ([], []) == in_common([], 1)


def test_seeds_that_were_added_to_few_do_not_drop_the_others() -> None:
    adaptive = {str(i): dict.fromkeys(range(5 if i < 5 else 3), 0.5) for i in range(17)}
    names, seeds = in_common([adaptive], 5)
    assert (len(names), seeds) == (17, [0, 1, 2])


def test_letters_and_the_detectable_difference_stand_below_the_table(stored: Stored, matrix: Matrix) -> None:
    def uneven(cell: Cell) -> Outcome:
        made = outcome(cell)
        noise = 1e-5 * cell.training.seed if cell.ranking and cell.ranking.explainer.name == "gradient" else 0.0
        return replace(made, metrics=made.metrics | {"test_accuracy": made.metrics["test_accuracy"] + noise})

    made = named(stored(matrix, uneven), "kar")
    assert made.shown["group"].to_dict() == {"GRAD": "a", "Random": "b"}  # gradient loses half as much
    assert made.numbers["group", "letters"].tolist() == ["a", "b"]
    assert any("does not make them equal" in note for note in made.notes)
    (power,) = [note for note in made.notes if "80 % power" in note]
    assert "less than 0.1 points" in power


def test_two_seeds_give_no_letters_and_say_so(stored: Stored, matrix: Matrix) -> None:
    made = named(stored(replace(matrix, seeds=2)), "roar")
    assert "group" not in made.shown
    assert "No groups: a test between explainers takes at least 3 seeds." in made.notes


def test_rows_that_measure_attributions_enter_no_curve(stored: Stored, matrix: Matrix) -> None:
    frame = load(stored(matrix))
    extra = frame[frame.explainer.notna()].iloc[:2].assign(probe="attribution", removal_fraction=0.0)
    joined = curves(pd.concat([frame, extra]))
    assert set(joined.probe) == {"image"}
    assert len(joined) == len(curves(frame))


@pytest.mark.parametrize(
    ("fill", "said"), [("mean", "Deletion without retraining"), ("noisy_linear", "ROAD (Rong et al. 2022)")]
)
def test_captions_say_what_is_not_retrained(stored: Stored, matrix: Matrix, fill: str, said: str) -> None:
    frame = load(stored(replace(matrix, retrain=(False,))))
    frame.loc[frame.fill.notna(), "fill"] = fill
    assert tables(frame)[0].caption.startswith(said)
