"""What failed is named, with its reason."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.status import failures, status
from tests.reports.conftest import outcome

Stored = Callable[..., Path]
REASON = "ValueError: must return attributions\n\nTraceback (most recent call last):\n  in attribute\nValueError: must"


def broken(cell: Cell) -> Outcome:
    """Gradient fails, for another reason under lerf; so does what sees nothing of seed 2."""
    if cell.ranking and cell.ranking.explainer.name == "gradient":
        return Outcome("failed", reason=REASON if cell.order == "morf" else "MemoryError: of 8 GB")
    if cell.removal_fraction == 1 and cell.training.seed == 2:
        return Outcome("failed", reason="OSError: disk full")
    return outcome(cell)


LINES = [
    "gradient on digits: 3 cells failed: ValueError: must return attributions",
    "gradient on digits: 3 cells failed: MemoryError: of 8 GB",
    "networks without any feature on digits: 1 cell failed: OSError: disk full",
]


def test_failures_are_named_with_their_reason_and_number(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix, broken)
    assert failures(folder) == LINES
    text = status(folder)
    assert "7 failed" in text and all(f"  {line}" in text for line in LINES)
    assert "Traceback" not in text


def test_tracebacks_are_there_for_the_asking(stored: Stored, matrix: Matrix) -> None:
    lines = status(stored(matrix, broken), failures=True).splitlines()
    at = lines.index(f"  {LINES[0]}")
    assert lines[at + 1] == "    Traceback (most recent call last):" and lines[at + 3] == "    ValueError: must"
    assert lines[at + 4] == f"  {LINES[1]}"


def test_the_classifier_is_named_where_a_run_has_several(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, classifiers=("cnn_small", "linear")), broken)
    assert failures(folder)[0].startswith("gradient on digits, cnn_small: 3 cells failed")
    assert len(failures(folder)) == 2 * len(LINES)


def test_nothing_failed_is_no_line(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix)
    assert failures(folder) == [] and "cells failed" not in status(folder)
