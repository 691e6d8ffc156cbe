"""Ranks by several ways of measuring: what the table holds, and who is not in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.rows.load import load
from roarbench.reports.tables.consistency import consistency_tables
from roarbench.reports.tables.stability import stability_tables

Stored = Callable[..., Path]
NAMES = ("random", "gradient", "guided_backprop", "integrated_gradients", "deep_lift", "lrp")
PLACES = {name: place for place, name in enumerate(NAMES)}
SWAPPED = {"gradient": 2, "guided_backprop": 1}
"""Who change places under KAR."""

MEANS = [7 / 6, 11 / 6, 3, 4, 5]
"""Mean ranks over six ways, of which one is KAR."""

SPEARMAN = (10 + 5 * 0.9) / 15
"""Mean over pairs of six ways: five are equal, and one has two neighbours changed."""


def judge(cell: Cell) -> Outcome:
    """GRAD is best and LRP worst in every way but KAR, where GRAD and GB change places."""
    name = cell.ranking.explainer.name if cell.ranking else "random"
    kar = cell.retrain and cell.order == "lerf"
    place = SWAPPED.get(name, PLACES.get(name, 9)) if kar else PLACES.get(name, 9)
    worse = -0.02 * place if cell.order == "lerf" else 0.02 * place
    return Outcome("done", {"test_accuracy": 0.5 + worse + 0.001 * cell.training.seed, "share_removed": 0.5})


@pytest.fixture
def wide(matrix: Matrix) -> Matrix:
    return replace(matrix, explainers=NAMES, fractions=(0.5,), unretrained_fills=("mean", "noisy_linear"))


def test_ranks_stand_by_way_and_are_sorted_by_their_mean(stored: Stored, wide: Matrix) -> None:
    (made,) = stability_tables(load(stored(wide, judge)))
    ways = ["ROAR, mean", "KAR, mean", "Deletion, accuracy, mean", "Insertion, accuracy, mean"]
    road = ["ROAD, most relevant first", "ROAD, least relevant first"]
    assert made.name == "stability" and made.shown.columns.tolist() == ["mean rank", "over ways", *ways, *road]
    assert made.shown.index.tolist() == ["GRAD", "GB", "IG", "DeepLIFT", "LRP"]  # random is a control
    assert made.numbers["KAR, mean", "mean"].tolist() == [2, 1, 3, 4, 5]
    assert made.numbers["mean rank", "mean"].tolist() == pytest.approx(MEANS)
    assert made.shown.loc["GRAD", "over ways"] == "1.0–2.0"
    assert made.numbers.loc["GB", [("over ways", "low"), ("over ways", "high")]].tolist() == [1, 2]


def test_the_note_says_how_far_the_ways_agree(stored: Stored, wide: Matrix) -> None:
    (made,) = stability_tables(load(stored(wide, judge)))
    text = made.text()
    assert f"Mean Spearman correlation of two ways: {SPEARMAN:.2f}" in text
    assert f"6 orders by accuracy averaged over seeds: {(5 * SPEARMAN + 1) / 6:.2f}, p < 0.001" in text
    assert "n = 3 seeds" in text and "Ways are not independent" in text


def test_the_orders_are_those_of_consistency(stored: Stored, wide: Matrix) -> None:
    frame = load(stored(wide, judge))
    (correlations,), (made,) = consistency_tables(frame), stability_tables(frame)
    means = correlations.numbers.xs("mean", axis=1, level=1)
    assert len(means) == made.shown.shape[1] - 2
    mean = (means.to_numpy().sum() - 6) / 30
    assert f"correlation of two ways: {mean:.2f}" in made.text()


def test_intervals_are_over_seeds(stored: Stored, wide: Matrix) -> None:
    """LRP is last but for one seed, in which it is best."""

    def upset(cell: Cell) -> Outcome:
        made = judge(cell)
        if cell.ranking is None or cell.ranking.explainer.name != "lrp" or cell.training.seed != 2:
            return made
        return replace(made, metrics=made.metrics | {"test_accuracy": 0.9 if cell.order == "lerf" else 0.1})

    (made,) = stability_tables(load(stored(wide, upset)))
    lrp = made.numbers.loc["LRP"]
    assert lrp["mean rank", "mean"] == pytest.approx((5 + 5 + 1) / 3) and lrp["mean rank", "n"] == 3
    assert made.shown.loc["LRP", "mean rank"] == "3.67 [1.00, 5.00]"
    (single,) = stability_tables(load(stored(replace(wide, seeds=1), judge, "single")))
    assert single.shown.loc["GRAD", "mean rank"] == "1.17" and "a single value has no interval" in single.text()


def test_explainers_that_lack_a_way_are_named_not_ranked(stored: Stored, wide: Matrix) -> None:
    def failing(cell: Cell) -> Outcome:
        lost = cell.ranking and cell.ranking.explainer.name == "occlusion" and cell.order == "lerf"
        return Outcome("failed", reason="x") if lost else judge(cell)

    (made,) = stability_tables(load(stored(replace(wide, explainers=(*NAMES, "occlusion")), failing)))
    assert "Without a whole curve in every way, hence not ranked: Occlusion." in made.notes
    assert made.numbers["mean rank", "mean"].tolist() == pytest.approx(MEANS)


def test_ways_of_too_few_explainers_are_named_not_counted(stored: Stored, wide: Matrix) -> None:
    def retrained(cell: Cell) -> Outcome:
        lost = cell.ranking and cell.fill and cell.fill.name == "noisy_linear" and cell.ranking.explainer.name == "lrp"
        return Outcome("failed", reason="x") if lost else judge(cell)

    (made,) = stability_tables(load(stored(wide, retrained)))
    assert len(made.shown) == 5 and not any("ROAD" in column for column in made.shown)
    named = "ROAD, most relevant first; ROAD, least relevant first"
    assert f"Fewer than 5 whole curves, hence not among the ways: {named}." in made.notes


def test_a_copy_that_was_skipped_counts_nowhere(stored: Stored, wide: Matrix) -> None:
    copies = ("squared[base=gradient]", "squared[base=lrp]")

    def skipping(cell: Cell) -> Outcome:
        copy = cell.ranking is not None and cell.ranking.explainer.name == "squared"
        return Outcome("skipped", reason="ranks as its base does") if copy else judge(cell)

    (made,) = stability_tables(load(stored(replace(wide, explainers=(*NAMES, *copies)), skipping)))
    assert made.numbers["mean rank", "mean"].tolist() == pytest.approx(MEANS)
    assert "Ranks of 5 explainers" in made.notes[0] and f"tion of two ways: {SPEARMAN:.2f}" in made.text()
    assert "not ranked: SQ-GRAD, SQ-LRP." in made.text()


def test_one_way_has_nothing_to_be_stable_over(stored: Stored, wide: Matrix) -> None:
    alone = replace(wide, orders=("morf",), unretrained_fills=())
    assert stability_tables(load(stored(alone, judge))) == []


def test_few_explainers_make_no_table(stored: Stored, wide: Matrix) -> None:
    assert stability_tables(load(stored(replace(wide, explainers=NAMES[:5]), judge))) == []


def test_every_data_set_has_its_table(stored: Stored, wide: Matrix) -> None:
    several = replace(wide, datasets=("digits", "squares"), unretrained_fills=())
    made = stability_tables(load(stored(several, judge)))
    assert [table.dataset for table in made] == ["digits", "squares"]
    assert [table.name for table in made] == ["stability-digits", "stability-squares"]
