"""Agreement of ways of measuring: Spearman against SciPy, and what the table holds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.page.answer import answers
from roarbench.reports.page.judged import judged_by_network
from roarbench.reports.rows.load import curves, load
from roarbench.reports.tables.consistency import consistency_tables, correlations
from roarbench.reports.tables.summary import summaries

Stored = Callable[..., Path]
NAMES = ("random", "gradient", "guided_backprop", "integrated_gradients", "deep_lift", "lrp")
MANY = (*NAMES, "occlusion", "grad_cam", "deconvolution")


def test_correlations_are_those_of_scipy_and_lie_in_their_intervals() -> None:
    scores = np.random.default_rng(1).normal(size=(9, 3))
    scores[0] = scores[1]  # ties
    mean, low, high = correlations(scores, list("abcdefghi"), draws=300)
    assert mean == pytest.approx(spearmanr(scores).statistic)
    assert ((low <= mean + 1e-9) & (mean <= high + 1e-9)).all()


def test_a_way_that_tells_none_apart_correlates_with_nothing() -> None:
    scores = np.stack([np.arange(6.0), np.zeros(6)], axis=1)
    mean, _, _ = correlations(scores, list("abcdef"), draws=10)
    assert mean[0, 0] == pytest.approx(1) and np.isnan(mean[0, 1])


def judge(cell: Cell) -> Outcome:
    """Explainers in the order of the names, best last; KAR turns the order round."""
    place = MANY.index(cell.ranking.explainer.name) if cell.ranking else 0
    better = place if cell.order == "morf" else -place
    accuracy = 0.5 - (0.01 * better if cell.order == "morf" else -0.01 * better)
    noise = 0.001 * cell.training.seed + 1e-5 * ((7 * place + 3 * cell.training.seed) % 5)
    return Outcome("done", {"test_accuracy": accuracy + noise, "share_removed": 0.5})


def test_roar_and_kar_that_disagree_correlate_negatively(stored: Stored, matrix: Matrix) -> None:
    wide = replace(matrix, explainers=NAMES, fractions=(0.5,))
    (made,) = consistency_tables(load(stored(wide, judge)))
    assert made.shown.shape == (2, 2)
    assert made.numbers["KAR, mean, retrained"]["mean"].tolist() == pytest.approx([-1, 1])
    assert "5 explainers" in made.notes[0]  # random is a control


def test_curves_that_are_not_whole_do_not_count(stored: Stored, matrix: Matrix) -> None:
    """Accuracy falls with t, so that without t = 0.9 the worst explainer would look best under KAR."""

    def unfinished(cell: Cell) -> Outcome | None:
        if cell.ranking and cell.ranking.explainer.name == "lrp" and cell.removal_fraction == 0.9:
            return None
        if cell.ranking and cell.ranking.explainer.name == "deep_lift" and cell.training.seed == 2:
            return None
        made = judge(cell)
        lower = made.metrics["test_accuracy"] - 0.3 * cell.removal_fraction
        return replace(made, metrics=made.metrics | {"test_accuracy": lower})

    wide = replace(matrix, explainers=MANY, fractions=(0.1, 0.9))
    (made,) = consistency_tables(load(stored(wide, unfinished)))
    assert "6 explainers" in made.notes[0] and "n = 3 seeds" in made.notes[0]  # neither lrp nor deep_lift
    assert made.numbers["KAR, mean, retrained"]["mean"].tolist() == pytest.approx([-1, 1])


def test_few_explainers_have_no_interval_and_the_note_says_so(stored: Stored, matrix: Matrix) -> None:
    few, many = (
        consistency_tables(load(stored(replace(matrix, explainers=names, fractions=(0.5,)), judge, name)))[0]
        for name, names in (("few", NAMES), ("many", MANY))
    )
    assert few.shown.iloc[0, 1] == "-1.00" and "No intervals" in few.notes[0]
    assert few.numbers["KAR, mean, retrained"][["low", "high"]].isna().all(axis=None)
    assert many.shown.iloc[0, 1] == "-1.00 [-1.00, -1.00]" and "In brackets" in many.notes[0]


def test_families_are_resampled_as_a_whole() -> None:
    """Eight bases, and three ensembles of each that score nearly as it does: no more is known than of the eight."""
    drawn = np.random.default_rng(0)
    bases = drawn.normal(size=(8, 2)) + drawn.normal(size=(8, 1))
    scores = np.repeat(bases, 4, axis=0) + 1e-6 * drawn.normal(size=(32, 2))
    families = [str(i) for i in range(8) for _ in range(4)]
    (_, low, high), (_, alone_low, alone_high) = (
        correlations(scores, of) for of in (families, list(map(str, range(32))))
    )
    _, base_low, base_high = correlations(bases, list(map(str, range(8))))
    assert high[0, 1] - low[0, 1] == pytest.approx(base_high[0, 1] - base_low[0, 1], rel=0.15)
    assert alone_high[0, 1] - alone_low[0, 1] < 0.7 * (high[0, 1] - low[0, 1])


def test_ensembles_count_with_their_base(stored: Stored, matrix: Matrix) -> None:
    """Nine explainers of three families are too few to be resampled."""
    names = [f"{name}[base={base}]" for base in MANY[1:4] for name in ("smoothgrad", "vargrad")]

    def of_base(cell: Cell) -> Outcome:
        ranked = cell.ranking.explainer if cell.ranking else None
        base = dict(ranked.parameters).get("base", ranked) if ranked else None
        place = MANY.index(base.name) + 0.1 * len(ranked.name) if ranked and base else 0
        return Outcome("done", {"test_accuracy": 0.5 - 0.01 * place + 0.001 * cell.training.seed})

    (made,) = consistency_tables(
        load(stored(replace(matrix, explainers=(*MANY[:4], *names), fractions=(0.5,)), of_base))
    )
    assert "9 explainers" in made.notes[0] and "come from 3" in made.notes[0] and "No intervals" in made.notes[0]


def test_a_copy_that_was_skipped_counts_nowhere(stored: Stored, matrix: Matrix) -> None:
    """On one channel by magnitude squaring changes no ranking: such cells are skipped with that reason."""
    squared = ("squared[base=gradient]", "squared[base=lrp]")

    def skipping(cell: Cell) -> Outcome:
        copy = cell.ranking is not None and cell.ranking.explainer.name == "squared"
        return Outcome("skipped", reason="ranks as its base does") if copy else judge(cell)

    with_copies, without = (
        load(stored(replace(matrix, explainers=names, fractions=(0.5,)), skipping, name))
        for name, names in (("with", (*NAMES, *squared)), ("without", NAMES))
    )
    (one,), (other,) = consistency_tables(with_copies), consistency_tables(without)
    assert one.notes == other.notes and one.numbers.equals(other.numbers)
    (roar, _), (alone, _) = summaries(with_copies), summaries(without)
    assert roar.shown.loc["GRAD", "p"] == alone.shown.loc["GRAD", "p"]
    assert roar.shown.loc["GRAD", "group"] == alone.shown.loc["GRAD", "group"]
    assert roar.shown.loc["SQ-GRAD", "mean"] == "– (0/3)"
    assert "SQ-GRAD, SQ-LRP: 3 cells skipped (ranks as its base does)." in roar.notes
    lead, known = (
        answers(judged_by_network(curves(with_copies)))[0].verdicts[0],
        answers(judged_by_network(curves(without)))[0].verdicts[0],
    )
    assert lead.headline == known.headline and lead.sentence == known.sentence
    assert lead.unjudged == ["SQ-GRAD", "SQ-LRP"] and not known.unjudged


def test_few_explainers_make_no_table(stored: Stored, matrix: Matrix) -> None:
    assert consistency_tables(load(stored(matrix))) == []
