"""Groups and masks beside the curves: letters, the flag, and what the notes promise."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmark.plan import Matrix
from benchmark.spec import Cell
from benchmark.statistics import Summary
from benchmark.store import Outcome
from reports.evidence import in_common, readable
from reports.load import curves, load
from reports.style import FLAG
from reports.table import Table
from reports.tables import tables
from tests.reports.conftest import outcome

Stored = Callable[..., Path]
CHANCE = 0.1
READ_AT = (0.1, 0.3, 0.9)


@pytest.fixture
def masked(matrix: Matrix) -> Matrix:
    return replace(matrix, fractions=(0.0, 0.1, 0.3, 0.9), mask_fractions=READ_AT)


def judge(cell: Cell) -> Outcome:
    """Masks of gradient are read in 0.5 + t of the images under morf, those of random at chance."""
    made = outcome(cell)
    if cell.probe == "mask" and cell.ranking:
        read = 0.5 + cell.removal_fraction / 3 if cell.ranking.explainer.name == "gradient" else CHANCE
        made = replace(made, metrics=made.metrics | {"test_accuracy": read + 0.001 * cell.training.seed})
    return replace(made, metrics=made.metrics | {"chance": CHANCE})


def morf_only(cell: Cell) -> bool:
    """Without the masks that are complements of those under lerf."""
    return cell.probe == "image" or cell.removal_fraction in READ_AT


def named(folder: Path, name: str) -> Table:
    return next(table for table in tables(load(folder)) if table.name == name)


def test_the_mask_column_holds_the_most_telling_fraction_and_a_flag(stored: Stored, masked: Matrix) -> None:
    made = named(stored(masked, judge, keep=morf_only), "roar")
    assert made.shown["mask"].tolist() == ["10.1 ± 0.2", f"80.1 ± 0.2 {FLAG}"]
    assert made.numbers.loc["GRAD", ("mask", "mean")] == pytest.approx(0.801)
    assert made.numbers["mask", "flag"].tolist() == [False, True]
    assert (
        "over t = 0.1, 0.3, 0.9, of networks that see only which pixels were removed; chance is 10.0 %" in made.text()
    )
    assert "more than 10 points above chance" in made.notes[-1]
    assert r"\textbf{!}" in made.latex() and FLAG not in made.latex()


def test_masks_of_the_other_order_are_complements(stored: Stored, masked: Matrix) -> None:
    made = named(stored(masked, judge, keep=morf_only), "kar")
    assert made.numbers.loc["GRAD", ("mask", "mean")] == pytest.approx(0.801)
    assert "over t = 0.1, 0.7, 0.9, of networks" in made.text()


def test_a_stored_mask_goes_before_the_complement(stored: Stored, masked: Matrix) -> None:
    frame = load(stored(masked, judge, keep=morf_only))
    lower = frame[frame.probe == "mask"].assign(order="lerf", test_accuracy=0.2)
    made = {table.name: table for table in tables(pd.concat([frame, lower]))}["kar"]  # of morf 0.3 counts
    assert made.numbers.loc["GRAD", ("mask", "mean")] == pytest.approx(0.601)


def test_a_flag_needs_the_margin_and_the_interval() -> None:
    assert readable(Summary(0.21, 0.05, 3), 0.1)
    assert not readable(Summary(0.19, 0.05, 3), 0.1)
    assert not readable(Summary(0.25, 0.2, 3), 0.1)
    assert readable(Summary(0.25, math.nan, 1), 0.1)
    assert not readable(Summary(0.9, 0.01, 3), math.nan)


def test_without_masks_or_chance_nothing_is_claimed(stored: Stored, matrix: Matrix, masked: Matrix) -> None:
    assert "mask" not in named(stored(matrix), "roar").shown
    made = named(stored(masked, name="old"), "roar")
    assert FLAG not in made.text()
    assert "chance is unknown, hence no flags" in made.text()


def test_recursive_tables_have_the_masks_of_the_ranking_at_once(stored: Stored, masked: Matrix) -> None:
    both = stored(replace(masked, recursive=(False, True)), judge, keep=morf_only)
    once, again = (named(both, name) for name in ("roar", "roar-recursive"))
    assert once.shown["mask"].tolist() == again.shown["mask"].tolist()
    assert "not of the recursive ones" in again.text() and "not of the recursive ones" not in once.text()


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


def test_networks_that_are_not_retrained_have_no_mask_column(stored: Stored, masked: Matrix) -> None:
    both = stored(replace(masked, retrain=(True, False)), judge)
    assert "mask" in named(both, "roar").shown
    assert "mask" not in named(both, "roar-unretrained").shown


def test_letters_and_the_detectable_difference_stand_below_the_table(stored: Stored, matrix: Matrix) -> None:
    def uneven(cell: Cell) -> Outcome:
        made = outcome(cell)
        noise = 1e-5 * cell.training.seed if cell.ranking and cell.ranking.explainer.name == "gradient" else 0.0
        return replace(made, metrics=made.metrics | {"test_accuracy": made.metrics["test_accuracy"] + noise})

    made = named(stored(matrix, uneven), "kar")
    assert made.shown["group"].tolist() == ["b", "a"]  # gradient loses half as much
    assert made.numbers["group", "letters"].tolist() == ["b", "a"]
    assert any("share a letter are not told apart" in note for note in made.notes)
    assert any("Detectable with 80 % power: 0.0 points" in note and "n = 3" in note for note in made.notes)


def test_two_seeds_give_no_letters_and_say_so(stored: Stored, matrix: Matrix) -> None:
    made = named(stored(replace(matrix, seeds=2)), "roar")
    assert "group" not in made.shown
    assert "No groups: telling explainers apart takes at least 3 seeds." in made.notes


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
