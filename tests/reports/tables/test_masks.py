"""What masks alone tell: readable, not readable or open, and which conclusions that puts in doubt."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.statistics import Summary, summarise, wilson
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.page.answer import Verdict, answers
from roarbench.reports.page.judged import judged_by_network
from roarbench.reports.page.validity import Check, checks
from roarbench.reports.rows.load import curves, load, read
from roarbench.reports.rows.style import FLAG
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.leaderboard import write_leaderboard
from roarbench.reports.tables.masks import MARGIN, Scale, State, bounds, leakage
from roarbench.reports.tables.summary import summaries
from roarbench.reports.tables.table import Table
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
    assert made.numbers["mask", "leakage"].tolist() == ["not readable", "readable"]
    limit = 0.1 + MARGIN * (0.91 - 0.1)
    assert "t = 0.1, 0.3, 0.9" in made.notes[-1]
    assert f"from {100 * limit:.1f} % on" in made.notes[-1]
    assert r"\textbf{!}" in made.latex() and FLAG not in made.latex()


def test_masks_of_the_other_order_are_complements(stored: Stored, masked: Matrix) -> None:
    made = named(stored(masked, judge, keep=morf_only), "kar")
    assert made.numbers.loc["GRAD", ("mask", "mean")] == pytest.approx(0.801)
    assert "t = 0.1, 0.7, 0.9" in made.text()


def test_a_stored_mask_goes_before_the_complement(stored: Stored, masked: Matrix) -> None:
    frame = load(stored(masked, judge, keep=morf_only))
    lower = frame[frame.probe == "mask"].assign(order="lerf", test_accuracy=0.2)
    made = {table.name: table for table in tables(pd.concat([frame, lower]))}["kar"]  # of morf 0.3 counts
    assert made.numbers.loc["GRAD", ("mask", "mean")] == pytest.approx(0.601)


SCALE = Scale(chance=0.1, intact=0.9)  # a mask tells the class from 18 % on


@pytest.mark.parametrize(
    ("accuracies", "num_test", "state"),
    [
        ([0.65, 0.66, 0.64], None, "readable"),
        ([0.10, 0.11, 0.12], None, "not readable"),
        ([0.55, 0.75], None, "open"),
        ([0.25, 0.55, 0.75], None, "open"),
        ([0.17, 0.18, 0.19], None, "open"),  # around the limit
        ([0.65], None, "open"),  # one seed, and nobody knows of how many images
        ([0.65], 449, "readable"),
        ([0.11], 449, "not readable"),
        ([0.17], 449, "open"),
        ([0.17], 100_000, "not readable"),
        ([0.21, 0.21, 0.21], 100, "open"),  # three seeds that agree by chance
        ([0.55, 0.75], 10_000, "open"),
    ],
)
def test_masks_are_readable_not_readable_or_open(accuracies: list[float], num_test: int | None, state: State) -> None:
    assert leakage(summarise(accuracies), SCALE, num_test) == state


def test_fewer_seeds_never_make_a_mask_look_cleaner() -> None:
    """Of masks that tell the class, none is called unreadable however few seeds there are."""
    drawn = 0.5 + 0.1 * np.random.default_rng(0).normal(size=(500, 4))
    found = [leakage(summarise(of[:n]), SCALE, None) for of in drawn.tolist() for n in (1, 2, 3, 4)]
    assert "not readable" not in found


def test_the_margin_is_a_share_of_what_there_is_to_tell() -> None:
    mask = Summary(0.12, 0.01, 3)
    assert leakage(mask, Scale(0.01, 0.5), None) == "readable"  # of a hundred classes
    assert leakage(mask, Scale(0.1, 0.9), None) == "not readable"
    assert leakage(Summary(0.55, 0.01, 3), Scale(0.5, 0.55), None) == "readable"  # intact images tell little more
    assert leakage(mask, Scale(0.1, math.nan), None) == leakage(mask, Scale(math.nan, 0.9), None) == "open"


def test_bounds_hold_both_intervals() -> None:
    low, high = bounds(Summary(0.5, 0.01, 3), 100)
    assert (low, high) == pytest.approx(wilson(0.5, 100)) and low < 0.49
    assert bounds(Summary(0.5, 0.3, 3), 100) == pytest.approx((0.2, 0.8))
    assert bounds(Summary(0.5, math.nan, 1), None) == (0.0, 1.0)


def two_seeds(cell: Cell) -> Outcome:
    """Masks of gradient are read in 55 % and 75 % of the images, those of random at chance."""
    made = outcome(cell)
    if cell.probe == "mask" and cell.ranking:
        read_in = (0.55, 0.75) if cell.ranking.explainer.name == "gradient" else (0.1, 0.1)
        made = replace(made, metrics=made.metrics | {"test_accuracy": read_in[cell.training.seed]})
    return replace(made, metrics=made.metrics | {"chance": CHANCE})


def of_masks(folder: Path) -> Check:
    frame = load(folder)
    return next(check for check in checks(frame, curves(frame), [], None) if check.title == "Label leakage")


def test_two_seeds_that_disagree_are_open_everywhere(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    folder = stored(replace(matrix, seeds=2, mask_fractions=(0.5,)), two_seeds)
    made, frame = named(folder, "roar"), load(folder)
    assert made.shown.loc["GRAD", "mask"] == "65.0 [0.0, 100.0] ?"
    assert "not settled" in made.notes[-1] and "No mask reveals the class" not in made.notes[-1]
    said = " ".join(answers(judged_by_network(curves(frame)))[0].verdicts[0].cautions)
    assert "Not settled: whether the masks of 1 of 2 explainers reveal the class (GRAD 65.0 [0.0, 100.0] %)." in said
    assert "do not tell" not in said
    (chart,) = of_masks(folder).charts
    assert of_masks(folder).state == "open" and [bar.name for bar in chart.bars if bar.state == "open"] == ["GRAD"]
    assert '"label_leakage": "open"' in write_leaderboard(read(folder), tmp_path)[0].read_text()


def test_masks_are_clear_only_where_all_are_shown_to_be(stored: Stored, masked: Matrix) -> None:
    def clear(cell: Cell) -> Outcome:
        made = judge(cell)
        of_mask = cell.probe == "mask"
        return replace(
            made, metrics=made.metrics | ({"test_accuracy": 0.1 + 0.001 * cell.training.seed} if of_mask else {})
        )

    folder = stored(masked, clear, keep=morf_only)
    assert of_masks(folder).state == "good"
    said = " ".join(verdicts(folder)[0].cautions)
    assert "Masks alone do not reveal the class at the measured t (0.1, 0.3, 0.9)" in said
    assert "the intervals of all 2 explainers lie below 18.1 %" in said


def test_stored_test_images_make_one_seed_tell(stored: Stored, masked: Matrix) -> None:
    def counted(cell: Cell) -> Outcome:
        made = judge(cell)
        return replace(made, metrics=made.metrics | {"test_examples": 449.0})

    alone = replace(masked, seeds=1)
    old, new = (named(stored(alone, by, name, morf_only), "roar") for by, name in ((judge, "old"), (counted, "new")))
    assert old.numbers["mask", "leakage"].tolist() == ["open", "open"]
    assert new.numbers["mask", "leakage"].tolist() == ["not readable", "readable"]
    assert "t intervals over seeds" in old.notes[-1]
    assert "the binomial one of 449 test images" in new.notes[-1]


# direction: a leak can only raise accuracy


SLOPES = {"random": 0.5, "gradient": 0.3, "integrated_gradients": 0.7, "sobel": 0.5}


def leaking(*names: str) -> Callable[[Cell], Outcome]:
    """Accuracies that fall as fast as the explainer says; the masks of some are read, whatever their curves."""

    def measured(cell: Cell) -> Outcome:
        name = cell.ranking.explainer.name if cell.ranking else "random"
        noise = 0.002 * math.sin(7 * cell.training.seed + 3 * len(name))
        accuracy = 0.9 - SLOPES[name] * cell.removal_fraction + noise
        if cell.probe == "mask":
            accuracy = (0.8 if name in names else 0.1) + noise
        return replace(outcome(cell), metrics={"chance": CHANCE, "test_accuracy": accuracy, "share_removed": 0.5})

    return measured


def verdicts(folder: Path) -> list[Verdict]:
    return answers(judged_by_network(curves(load(folder))))[0].verdicts


@pytest.fixture
def four(matrix: Matrix) -> Matrix:
    return replace(matrix, explainers=tuple(SLOPES), seeds=4, fractions=(0.0, 0.3, 0.6, 1.0), mask_fractions=(0.9,))


def test_under_roar_a_leak_puts_worse_in_doubt_and_never_better(stored: Stored, four: Matrix) -> None:
    """IG is better, GRAD worse than random, and Sobel does not differ from it."""
    lead, _ = verdicts(stored(four, leaking("integrated_gradients", "gradient", "sobel")))
    assert lead.headline == "Only IG is significantly better than Random"
    assert (lead.better, lead.worse) == (["IG"], [f"GRAD {FLAG}"]) and lead.undecided[0].endswith(FLAG)
    doubt = lead.cautions[0].partition("raise accuracy. ")[2]
    assert doubt == (
        'Under ROAR that casts doubt on "worse than Random" (GRAD), "no significant difference" (Sobel) and the order '
        'among leaking explainers, not on "better than Random" (IG).'
    )


def test_under_kar_a_leak_puts_better_in_doubt(stored: Stored, four: Matrix) -> None:
    """Here GRAD keeps most, so that it is better and IG worse than random."""
    _, kar = verdicts(stored(four, leaking("integrated_gradients", "gradient")))
    assert (
        kar.headline == "Only GRAD is significantly better than Random, and label leakage of its mask may explain that"
    )
    assert (kar.better, kar.worse) == ([f"GRAD {FLAG}"], ["IG"])
    assert kar.cautions[0].endswith(
        'Under KAR that casts doubt on "better than Random" (GRAD) and the order among leaking explainers, not on '
        '"worse than Random" (IG).'
    )


def test_a_leak_may_hide_a_gain_under_roar(stored: Stored, four: Matrix) -> None:
    few = replace(four, explainers=("random", "sobel", "gradient"))
    lead, kar = verdicts(stored(few, leaking("sobel")))
    assert lead.headline == "No explainer is significantly better than Random; label leakage may hide gains of Sobel"
    assert kar.headline == "Only GRAD is significantly better than Random"


def test_one_leak_that_is_better_under_roar_casts_no_doubt(stored: Stored, four: Matrix) -> None:
    lead, _ = verdicts(stored(four, leaking("integrated_gradients")))
    assert lead.cautions[0].endswith('Under ROAR that casts no doubt on "better than Random" (IG).')


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("roar", "doubt on a flagged explainer being worse, never"),
        ("kar", "doubt on a flagged explainer being better, never"),
    ],
)
def test_notes_of_tables_know_the_direction(stored: Stored, four: Matrix, table: str, said: str) -> None:
    assert said in named(stored(four, leaking("gradient")), table).notes[-1]


def test_without_masks_or_chance_nothing_is_claimed(stored: Stored, matrix: Matrix, masked: Matrix) -> None:
    assert "mask" not in named(stored(matrix), "roar").shown
    made = named(stored(masked, name="old"), "roar")
    assert FLAG not in made.text()
    assert set(made.numbers["mask", "leakage"]) == {"open"} and "chance or the accuracy on" in made.text()


def test_recursive_tables_have_the_masks_of_the_ranking_at_once(stored: Stored, masked: Matrix) -> None:
    both = stored(replace(masked, recursive=(False, True)), judge, keep=morf_only)
    once, again = (named(both, name) for name in ("roar", "roar-recursive"))
    assert once.shown["mask"].tolist() == again.shown["mask"].tolist()
    assert "recursive rankings" in again.text() and "recursive rankings" not in once.text()


def test_networks_that_are_not_retrained_have_no_mask_column(stored: Stored, masked: Matrix) -> None:
    both = stored(replace(masked, retrain=(True, False)), judge)
    assert "mask" in named(both, "roar").shown
    assert "mask" not in named(both, "roar-unretrained").shown
    columns = {table.name: table.shown.columns for table in summaries(load(both))}
    assert "mask" in columns["summary-roar"] and "mask" not in columns["summary-roar-unretrained"]
