"""Small matrices and places to run them in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.recipe import Recipe

FAST = Recipe(epochs=2, batch_size=64, learning_rate=0.01)


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """An empty folder on the CPU."""
    return Workplace(tmp_path / "run", tmp_path / "data", "cpu")


@pytest.fixture
def small_matrix() -> Callable[..., plan.Matrix]:
    """A matrix of seconds: digits, an mlp, two explainers, one seed; any field can be overridden."""

    def build(**overrides: object) -> plan.Matrix:
        fields: dict = {
            "datasets": ("digits",),
            "classifiers": ("mlp[width=16,hidden_layers=1]",),
            "explainers": ("random", "gradient"),
            "seeds": 1,
            "fractions": (0.0, 0.5),
            "evaluator": False,
            "unretrained_fills": (),
            "mask_fractions": (),
            "measures": (),
            "recipe": FAST,
        }
        return plan.Matrix(**(fields | overrides))

    return build
