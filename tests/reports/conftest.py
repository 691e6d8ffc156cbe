"""Stores with made-up outcomes: reports are tested without training anything."""

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.matched import matched
from roarbench.benchmark.results.store import Outcome, Store

Judge = Callable[[Cell], Outcome | None]


def outcome(cell: Cell) -> Outcome:
    """Accuracy falls linearly with t from 0.9 to 0.1, half as fast for gradient, plus a little for each seed."""
    slope = 0.4 if cell.ranking and cell.ranking.explainer.name == "gradient" else 0.8
    accuracy = 0.9 - slope * cell.removal_fraction + 0.01 * cell.training.seed
    metrics = {
        "test_accuracy": accuracy,
        "train_accuracy": 1.0,
        "validation_accuracy": None,
        "share_removed": cell.removal_fraction,
    }
    return Outcome("done", metrics, "", 2.0, {"commit": "abc", "finished": f"at {math.pi}"})


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Path]:
    """Writes a store for a matrix; `judge` says what became of each cell, None where it is still to do.

    `keep` says which cells are planned at all. Cells at shares that own masks hide follow as in a run.
    """

    def build(
        matrix: Matrix, judge: Judge = outcome, name: str = "run", keep: Callable[[Cell], bool] = lambda cell: True
    ) -> Path:
        planned = [cell for cell in cells(matrix) if keep(cell)]
        planned += [cell for cell in matched({cell: judge(cell) for cell in planned}) if keep(cell)]
        store = Store(tmp_path / name, create=True)
        store.plan(asdict(matrix), planned)
        for cell in planned:
            became = judge(cell)
            if became:
                store.record(cell, became)
        store.close()
        return tmp_path / name

    return build


@pytest.fixture
def matrix() -> Matrix:
    return Matrix(
        explainers=("random", "gradient"), seeds=3, fractions=(0.0, 0.5, 1.0),
        evaluator=False, unretrained_fills=(), mask_fractions=(), measures=(),
    )  # fmt: skip
