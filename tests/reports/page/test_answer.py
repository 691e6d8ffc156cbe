"""The answer of a page: what it says of the best, of losses and of what was not tested."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.page.answer import Answer, Verdict, answers, over_ways
from roarbench.reports.page.judged import judged_by_network
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.load import curves, read
from tests.reports.page.conftest import EXPLAINERS
from tests.reports.page.test_page import failing, measured

Stored = Callable[..., Path]


def faster(cell: Cell, explainer: str) -> Outcome:
    """An explainer whose curve falls faster."""
    found = measured(cell)
    if cell.ranking and cell.ranking.explainer.name == explainer:
        found.metrics["test_accuracy"] = (found.metrics["test_accuracy"] or 0) - 0.2 * cell.removal_fraction
    return found


def answered(folder: Path) -> Answer:
    (answer,) = answers(judged_by_network(curves(read(folder).frame)))
    return answer


def test_the_best_is_named_with_its_interval_and_its_mask(stored: Stored, wide: Matrix) -> None:
    lead, other = answered(stored(wide, measured)).verdicts
    assert (lead.way, other.way) == ("ROAR, retrained, fill mean", "KAR, retrained, fill mean")
    assert lead.headline == "Only IG is significantly better than Random"
    assert re.search(
        r"reach 58\.\d ± 0\.\d % accuracy, \d\.\d ± 0\.\d points less than Random \(p [<=] ", lead.sentence
    )
    assert (lead.better, lead.worse) == (["IG"], ["GRAD"])
    assert re.fullmatch(r"Sobel \(-?\d\.\d ± \d\.\d\)", lead.undecided[0])
    assert "the masks of 1 of 4 explainers reveal the class (up to 79.9 ± 0.1 % with IG" in lead.cautions[0]
    assert other.better == ["GRAD"]
    assert "points more than Random" in other.sentence


def test_controls_are_called_so(stored: Stored, wide: Matrix) -> None:
    folder = stored(
        replace(wide, explainers=("random", "sobel"), mask_fractions=()), lambda cell: faster(cell, "sobel")
    )
    lead = answered(folder).verdicts[0]
    assert lead.headline == "Only Sobel (a control) is significantly better than Random"
    assert "Masks alone were not measured" in lead.cautions[0]


def test_nothing_significant_is_said_to_be_nothing(stored: Stored, wide: Matrix) -> None:
    lead = answered(stored(replace(wide, explainers=("random", "sobel")), measured)).verdicts[0]
    assert lead.headline == "No explainer is significantly better than Random"
    assert [name.partition(" (")[0] for name in lead.undecided] == ["Sobel"]


LEFT = {"random": (0.8, 0.81, 0.79), "sobel": (0.75, 0.761, 0.739), "integrated_gradients": (0.76, 0.771, 0.749)}
"""Accuracy that is left by seed: Sobel and integrated gradients gain 5.0 and 4.0 points."""


def leaving(**left: tuple[float, ...]) -> Callable[[Cell], Outcome]:
    """Accuracies by explainer and seed, the same at all fractions."""

    def judge(cell: Cell) -> Outcome:
        name = cell.ranking.explainer.name if cell.ranking else "random"
        return Outcome("done", {"test_accuracy": (LEFT | left)[name][cell.training.seed], "chance": 0.1})

    return judge


def lead_of(stored: Stored, wide: Matrix, **left: tuple[float, ...]) -> Verdict:
    only = replace(wide, explainers=tuple(LEFT | left), seeds=3, orders=("morf",), mask_fractions=())
    return answered(stored(only, leaving(**left))).verdicts[0]


def test_the_largest_gain_is_called_so(stored: Stored, wide: Matrix) -> None:
    lead = lead_of(stored, wide)
    assert lead.better == ["Sobel", "IG"]
    assert lead.sentence.startswith("The largest gain is that of Sobel (a control). ")


def test_a_larger_gain_that_is_not_significant_is_not_hidden(stored: Stored, wide: Matrix) -> None:
    """Gradient gains 23 points, uncertainly."""
    lead = lead_of(stored, wide, gradient=(0.40, 0.55, 0.75))
    assert lead.better == ["Sobel", "IG"] and lead.undecided[0].startswith("GRAD (23.3 ")
    assert lead.sentence.startswith("The largest significant gain is that of Sobel (a control). ")


def test_no_loss_is_called_a_gain(stored: Stored, wide: Matrix) -> None:
    worse = (0.82, 0.829, 0.811), (0.85, 0.86, 0.84)
    lead = lead_of(stored, wide, sobel=worse[0], integrated_gradients=worse[1])
    assert not lead.better and "gain is" not in lead.sentence
    assert lead.sentence.startswith("None gains over Random; the smallest loss is that of Sobel (a control). ")
    assert re.search(r"2\.0 ± 0\.\d points more than Random", lead.sentence)


def test_gains_without_significance_are_called_so(stored: Stored, wide: Matrix) -> None:
    lead = lead_of(stored, wide, sobel=(0.5, 0.9, 0.8), integrated_gradients=(0.9, 0.6, 0.8))
    assert not lead.better
    assert lead.sentence.startswith("The largest gain, which is not significant, is that of Sobel (a control). ")


def test_one_seed_ranks_nobody(stored: Stored, wide: Matrix) -> None:
    lead = answered(stored(replace(wide, seeds=1), measured)).verdicts[0]
    assert lead.headline == "1 seed: no ranking is claimed"
    assert lead.unjudged == ["GRAD", "IG", "Sobel"]
    assert not lead.better


def test_without_random_there_is_no_answer(stored: Stored, wide: Matrix) -> None:
    lead = answered(stored(replace(wide, explainers=EXPLAINERS[1:]), measured)).verdicts[0]
    assert lead.headline == "Random was not measured: nothing to compare with"


def test_few_seeds_are_told(stored: Stored, wide: Matrix) -> None:
    lead = answered(stored(replace(wide, seeds=3), measured)).verdicts[0]
    assert any(caution.startswith("3 seeds: ") for caution in lead.cautions)


def test_failed_explainers_are_not_judged(stored: Stored, wide: Matrix) -> None:
    lead = answered(stored(wide, lambda cell: failing(cell, "gradient"))).verdicts[0]
    assert lead.unjudged == ["GRAD"]
    assert "8 cells failed: GRAD." in lead.cautions


def test_what_stands_out_is_counted_over_all_ways_of_measuring(stored: Stored, matrix: Matrix) -> None:
    judged = judged_by_network(curves(read(stored(matrix)).frame))
    (said,) = over_ways(judged[0], Focus(baseline="random", highlight=("gradient",)))
    assert said.startswith("GRAD against Random over 2 ways of measuring: ")
    assert over_ways(judged[0], Focus(highlight=("gradient",))) == []
