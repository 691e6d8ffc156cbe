"""The first table of a run that still goes on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.glance import glance

Stored = Callable[..., Path]


def outcome(cell: Cell) -> Outcome:
    """Gradients find what matters; what must be retrained is not there yet."""
    if cell.retrain and cell.ranking:
        return Outcome("failed", reason="later")
    good = cell.ranking is not None and cell.ranking.explainer.name == "gradient"
    accuracy = 0.6 + (-0.2 if cell.order == "morf" else 0.2) * good + 0.01 * cell.training.seed
    return Outcome("done", {"test_accuracy": accuracy, "test_loss": 1.0, "share_removed": cell.removal_fraction})


def test_the_best_explainer_comes_first_by_what_is_not_retrained(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, explainers=("random", "gradient"), evaluator=True), outcome)
    heading, *head, _, first, second = glance(folder).splitlines()
    assert heading.endswith("mean accuracy over 0 < t < 1, in %") and max(map(len, head)) <= 80
    assert all(word in " ".join(head) for word in ("removed", "(lower is better)", "kept", "(higher is better)"))
    assert first.split()[:2] == ["GRAD", "41.0"] and second.split()[:2] == ["Random", "61.0"]


def test_nothing_is_shown_where_no_curve_is_known(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, explainers=("random",)), lambda cell: Outcome("failed", reason="later"))
    assert glance(folder) == ""


def test_nothing_is_shown_before_an_explainer_has_a_whole_curve(stored: Stored, matrix: Matrix) -> None:
    def intact(cell: Cell) -> Outcome | None:
        return outcome(cell) if cell.removal_fraction in (0, 1) else None

    assert glance(stored(replace(matrix, explainers=("random", "gradient"), evaluator=True), intact)) == ""
