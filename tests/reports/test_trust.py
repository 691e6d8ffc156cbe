"""Meta-evaluation: a measure that follows the truth scores 1, one that is blind 0."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmark.plan import Matrix
from benchmark.spec import Cell
from benchmark.store import Outcome
from reports.load import load, read
from reports.trust import agreement, trust_tables

Stored = Callable[..., Path]
DEGRADED = tuple(f"degraded[base=truth,noise={noise}]" for noise in (0.0, 0.4, 0.8))


def judge(cell: Cell) -> Outcome:
    """ROAR sees noise, KAR prefers it, infidelity sees nothing."""
    noise = dict(cell.ranking.explainer.parameters).get("noise", 1.0) if cell.ranking else 1.0
    if cell.probe == "attribution":
        return Outcome("done", {"infidelity": 1.0, "truth_auc": 1.0 - noise / 2, "gini": 0.5, "max_sensitivity": 1.0})
    accuracy = 0.2 + 0.5 * noise + 0.01 * cell.training.seed
    return Outcome("done", {"test_accuracy": accuracy, "share_removed": cell.removal_fraction})


@pytest.fixture
def run(stored: Stored, matrix: Matrix) -> Path:
    return stored(replace(matrix, explainers=("random", *DEGRADED), measure_attributions=True), judge)


def test_degrees_are_read_from_the_specification_whatever_was_written(run: Path) -> None:
    assert read(run).degrees == {
        "degraded[base=truth,noise=0.0]": ("truth", 0.0),
        "degraded[base=truth]": ("truth", 0.4),
        "degraded[base=truth,noise=0.8]": ("truth", 0.8),
    }


def test_each_measure_is_scored_by_the_order_it_finds(run: Path) -> None:
    (made,) = trust_tables(load(run), read(run).degrees)
    found = made.numbers["Truth", "mean"]
    assert found["ROAR (mean, retrained)"] == pytest.approx(1)
    assert found["KAR (mean, retrained)"] == pytest.approx(-1)
    assert found["Infidelity"] == 0
    assert found["Truth found, AUC"] == pytest.approx(1)
    assert not {"Gini", "Max-sensitivity", "Lipschitz"} & set(found.index)
    assert "a check, no result" in made.notes[0] and "n = 3 seeds" in made.notes[0]


def test_curves_that_are_not_whole_do_not_count(stored: Stored, matrix: Matrix) -> None:
    """Accuracy rises with t here, so that the least noisy explainer would look best for want of t = 0.9."""

    def unfinished(cell: Cell) -> Outcome | None:
        noise = dict(cell.ranking.explainer.parameters).get("noise") if cell.ranking else None
        if cell.probe == "image" and cell.removal_fraction == 0.9 and noise == 0.8:
            return None
        if cell.probe == "image" and cell.removal_fraction == 0.9 and cell.training.seed == 2:
            return None
        made = judge(cell)
        higher = {k: v + cell.removal_fraction for k, v in made.metrics.items() if k == "test_accuracy"}
        return replace(made, metrics=made.metrics | higher)

    explainers = ("random", *DEGRADED, "degraded[base=truth,noise=0.6]")
    wide = replace(matrix, explainers=explainers, fractions=(0.1, 0.9), measure_attributions=True)
    folder = stored(wide, unfinished)
    (made,) = trust_tables(load(folder), read(folder).degrees)
    assert made.numbers["Truth", "mean"]["ROAR (mean, retrained)"] == pytest.approx(1)
    assert set(made.numbers["Truth", "n"]) == {2}  # seeds of every measure


def test_a_run_without_degrees_has_no_table(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix)
    assert trust_tables(load(folder), read(folder).degrees) == []


def test_agreement_needs_three_values() -> None:
    noise = pd.Series([0.0, 0.5, 1.0])
    assert agreement(pd.Series([3.0, 2.0, 1.0]), noise) == pytest.approx(1)
    assert pd.isna(agreement(pd.Series([3.0, float("nan"), 1.0]), noise))
