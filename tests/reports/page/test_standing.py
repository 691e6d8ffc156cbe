"""The page leads with measures that masks cannot fool."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.page.answer import answers
from roarbench.reports.page.asked import question
from roarbench.reports.page.chart import series
from roarbench.reports.page.judged import judged_by_network
from roarbench.reports.page.leaderboard import boards
from roarbench.reports.rows.load import Run, curves, read

Stored = Callable[..., Path]


def judge(cell: Cell) -> Outcome:
    """Gradient is best by the shared evaluator, and worst where networks are retrained."""
    mine = cell.ranking is not None and cell.ranking.explainer.name == "gradient"
    fooled = cell.probe == "image" and cell.retrain
    turn = (1 if fooled else -1) * (1 if cell.order == "morf" else -1)
    accuracy = 0.5 + turn * 0.2 * mine + 0.013 * cell.training.seed + (0.002 * mine * (cell.training.seed % 2))
    metrics = {"test_accuracy": accuracy, "test_loss": 1.0, "share_removed": cell.removal_fraction}
    deltas = {"delta": 0.2 * mine, "delta_z": 1.0, "delta_in_class": 0.0, "delta_in_class_z": 0.0}
    return Outcome("done", metrics | (deltas if cell.probe == "evaluator" and cell.ranking else {}))


@pytest.fixture
def run(stored: Stored, wide: Matrix) -> Run:
    return read(stored(replace(wide, evaluator=True, mask_fractions=()), judge))


def test_the_first_answer_is_that_of_the_shared_evaluator(run: Run) -> None:
    (answer,) = answers(judged_by_network(curves(run.frame)))
    first, *others = answer.verdicts
    assert first.way == "Shared evaluator, removed, fill mean"
    assert first.better == ["GRAD"]
    assert "the shared evaluator" in first.sentence
    assert "On intact images it reaches" in first.cautions[0]
    roar = next(verdict for verdict in others if verdict.way.startswith("ROAR"))
    assert roar.worse == ["GRAD"]


def test_ranks_are_those_of_columns_that_masks_cannot_fool(run: Run) -> None:
    judged = judged_by_network(curves(run.frame))
    (board,) = boards(run, judged, series(run.frame, ()))
    assert board.rows[0].series.explainer == "gradient"
    assert [column.heading for column in board.columns[:3]] == ["rank", "Delta, removed", "Delta, kept"]
    assert "cannot fool" in board.notes[0]


def test_the_question_names_the_evaluator(run: Run) -> None:
    assert "trained behind random masks" in question(curves(run.frame))


def test_a_run_without_any_other_network_asks_for_the_evaluator_alone(run: Run) -> None:
    joined = curves(run.frame[run.frame.probe == "evaluator"])
    assert "knows every share of hidden features" in question(joined)
