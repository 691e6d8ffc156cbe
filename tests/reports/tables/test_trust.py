"""Meta-evaluation: a measure that follows the truth scores 1, one that is blind 0."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.rows.load import load, read
from roarbench.reports.tables.table import Table
from roarbench.reports.tables.trust import agreement, trust_tables

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
    return stored(replace(matrix, explainers=("random", *DEGRADED), measures=("standard",)), judge)


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
    assert found["Truth AUC"] == pytest.approx(1)
    assert not {"Gini", "Max-sensitivity", "Lipschitz"} & set(found.index)
    assert "a check, no result" in made.notes[0] and "n = 3 seeds" in made.notes[0]
    assert made.shown.loc["KAR (mean, retrained)", "Truth"] == "-1.00, -1.00, -1.00"
    assert "1/6 (3 degrees)" in made.notes[0]
    assert made.notes[1] == "Truth counts: AUC of the truth 100.0 ± 0.0 %."


WORSE = tuple(f"degraded[base=integrated_gradients,noise={noise}]" for noise in (0.0, 0.4, 0.8))
AUC = {"truth": 1.0, "integrated_gradients": 0.46}
"""Of bases without noise; noise brings both to 0.5."""


def beside(cell: Cell) -> Outcome:
    """As `judge`, and by the truth integrated gradients find less than noise does."""
    if cell.probe != "attribution" or not cell.ranking or cell.ranking.explainer.name != "degraded":
        return judge(cell)
    given = dict(cell.ranking.explainer.parameters)
    found = AUC[given["base"].name] * (1 - given["noise"]) + 0.5 * given["noise"] + 0.001 * cell.training.seed
    return Outcome("done", {"infidelity": given["noise"], "truth_auc": found, "truth_precision": found})


def table(folder: Path) -> Table:
    (made,) = trust_tables(load(folder), read(folder).degrees)
    return made


def test_a_base_that_noise_beats_knows_no_order_and_its_truth_is_shown(stored: Stored, matrix: Matrix) -> None:
    """For such a base the truth itself prefers noise, so that a measure that does so too is right."""
    both = replace(matrix, explainers=("random", *DEGRADED, *WORSE), measures=("standard",))
    made = table(stored(both, beside))
    truth = made.shown.index.str.startswith("Truth ")
    assert set(made.shown.loc[~truth, "IG"]) == {"–"} and "–" not in set(made.shown["Truth"])
    assert set(made.shown.loc[truth, "IG"]) == {"-1.00, -1.00, -1.00"}
    assert made.numbers.loc[~truth, ("IG", "mean")].isna().all()
    assert "IG is refused: AUC of the truth 46.1 ± 0.2 %, not above that of noise" in made.notes[1]
    assert "Truth counts" in made.notes[1]


def test_data_without_truth_know_no_order(stored: Stored, matrix: Matrix) -> None:
    def unknown(cell: Cell) -> Outcome:
        made = judge(cell)
        return replace(made, metrics={k: v for k, v in made.metrics.items() if k != "truth_auc"})

    made = table(stored(replace(matrix, explainers=DEGRADED, measures=("standard",)), unknown))
    assert set(made.shown["Truth"]) == {"–"}
    assert made.notes[1].startswith("Truth is refused: digits has no ground truth")


def test_what_was_not_measured_or_has_no_interval_is_refused(stored: Stored, matrix: Matrix) -> None:
    unmeasured = table(stored(replace(matrix, explainers=DEGRADED), judge, "unmeasured"))
    single = table(stored(replace(matrix, explainers=DEGRADED, seeds=1, measures=("standard",)), judge, "single"))
    assert "were not measured" in unmeasured.notes[1] and set(unmeasured.shown["Truth"]) == {"–"}
    assert "one seed" in single.notes[1]
    assert single.shown.loc["Truth AUC", "Truth"] == "1.00"


def test_many_seeds_have_mean_and_range_and_every_number_in_the_file(stored: Stored, matrix: Matrix) -> None:
    def wavering(cell: Cell) -> Outcome:
        """Under ROAR of seed 0 the two least degraded change places."""
        made = judge(cell)
        noise = dict(cell.ranking.explainer.parameters).get("noise") if cell.ranking else None
        turned = cell.probe == "image" and cell.order == "morf" and cell.training.seed == 0 and noise == 0.0
        return replace(made, metrics=made.metrics | ({"test_accuracy": 0.45} if turned else {}))

    made = table(stored(replace(matrix, explainers=DEGRADED, seeds=6, measures=("standard",)), wavering))
    assert made.shown.loc["ROAR (mean, retrained)", "Truth"] == "0.92 (0.50 to 1.00)"
    behind = made.numbers.loc["ROAR (mean, retrained)", "Truth"]
    assert behind["seed 0"] == pytest.approx(0.5) and behind["low"] == pytest.approx(0.5) and behind["n"] == 6


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
    wide = replace(matrix, explainers=explainers, fractions=(0.1, 0.9), measures=("standard",))
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
