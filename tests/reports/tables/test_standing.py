"""Measures that masks cannot fool, in tables: which come first, what stands in them, and what a leak does to ROAR."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import norm

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.page.judged import ways
from roarbench.reports.pictures.standing import standing_plots
from roarbench.reports.rows.load import curves, load, read
from roarbench.reports.rows.settings import protocol
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.delta import combined_p, delta_tables
from roarbench.reports.tables.encode_gap import encode_gap_tables, encode_gaps
from roarbench.reports.tables.likelihood import likelihood_tables
from roarbench.reports.tables.trust import trust_tables

Stored = Callable[..., Path]
DEGRADED = tuple(f"degraded[base=truth,noise={noise}]" for noise in (0.0, 0.4, 0.8))


def judge(cell: Cell) -> Outcome:
    """Retrained networks prefer noise, whose masks they can read; the shared evaluator and Delta do not."""
    noise = dict(cell.ranking.explainer.parameters).get("noise", 1.0) if cell.ranking else 1.0
    seed, turn = 0.01 * cell.training.seed, 1 if cell.order == "morf" else -1
    if cell.probe == "attribution":
        return Outcome("done", {"truth_auc": 1.0 - noise / 2})
    fooled = cell.probe == "image" and cell.retrain
    accuracy = 0.5 + turn * (-0.2 if fooled else 0.2) * (noise - 0.5) + seed
    metrics = {"test_accuracy": accuracy, "test_loss": 2 - accuracy, "share_removed": cell.removal_fraction}
    if cell.probe in ("evaluator", "foreign") and cell.ranking:
        metrics |= {"delta": 0.3 * (1 - noise), "delta_z": 1.0 if noise < 1 else -0.5}
        metrics |= {"delta_in_class": 0.2 * (1 - noise), "delta_in_class_z": 2.0}
    if cell.probe == "evaluator" and not cell.ranking:
        metrics |= {"test_accuracy": 0.7, "test_loss": 0.1}
    return Outcome("done", metrics)


@pytest.fixture
def folder(stored: Stored, matrix: Matrix) -> Path:
    wide = replace(matrix, explainers=("random", *DEGRADED), evaluator=True, foreign=True, measures=("standard",))
    return stored(wide, judge)


def test_random_alone_has_no_encode_gap(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, explainers=("random",), evaluator=True), judge)
    assert encode_gap_tables(load(folder)) == []


def test_curves_of_the_evaluator_end_in_its_own_networks(folder: Path) -> None:
    joined = curves(load(folder))
    ends = joined[(joined.probe == "evaluator") & joined.removal_fraction.isin([0.0, 1.0])]
    assert set(ends.test_accuracy) == {0.7}
    assert len(ends) == 2 * 2 * 4 * 3  # ends, orders, explainers, seeds
    foreign = joined[(joined.probe == "foreign") & (joined.removal_fraction == 0)]
    assert len(foreign) == 2 * 4 * 3
    assert 0.7 not in set(foreign.test_accuracy)


def test_what_masks_cannot_fool_comes_first(folder: Path) -> None:
    measured = [protocol(rows, order) for rows, order in ways(curves(load(folder)))]
    assert measured[0] == "Shared evaluator, removed"
    assert measured.index("Foreign-mask KAR") < measured.index("ROAR")


def test_every_way_has_a_table_of_its_own_kind(folder: Path) -> None:
    kinds = {made.name.partition("-")[0] for made in tables(load(folder))}
    assert {"roar", "kar", "evaluator_removed", "evaluator_kept", "foreign_roar", "foreign_kar"} <= kinds


def test_delta_is_a_mean_with_a_p_over_seeds(folder: Path) -> None:
    frame = load(folder)
    by = {made.name: made for made in delta_tables(frame)}
    assert set(by) == {"delta-evaluator", "delta-foreign"}
    numbers = by["delta-evaluator"].numbers
    assert numbers["removed", "mean"]["Truth, 0 % noise"] == pytest.approx(0.3)
    assert numbers["kept in class", "mean"]["Truth, 40 % noise"] == pytest.approx(0.12)
    assert numbers["p removed", "p"]["Truth, 0 % noise"] == pytest.approx(norm.sf(3**0.5))  # three seeds with z = 1
    assert numbers["p removed", "p"]["Random"] > 0.5
    assert list(numbers.index) == ["Truth, 0 % noise", "Truth, 40 % noise", "Truth, 80 % noise", "Random"]
    assert ("ROAR", "mean") in by["delta-foreign"].numbers


def test_fractions_of_a_seed_count_as_one_and_seeds_as_independent() -> None:
    rows = pd.DataFrame({"explainer": "a", "seed": [0, 0, 1, 1], "z": [3.0, 1.0, 2.0, 2.0]})
    assert combined_p(rows, "z") == {"a": pytest.approx(norm.sf(4 / 2**0.5))}
    assert combined_p(rows.assign(z=float("nan")), "z") == {}


def test_a_gap_is_what_networks_that_know_the_masks_have_beyond(folder: Path) -> None:
    frame = load(folder)
    gaps = encode_gaps(frame)
    assert set(gaps.order) == {"lerf"}
    both = {made.name: made for made in encode_gap_tables(frame)}
    beside_random = both["encode_gap-evaluator"].numbers["t=0.5", "mean"]
    assert "Random" not in beside_random.index
    assert beside_random["Truth, 0 % noise"] == pytest.approx(-0.4)
    assert both["encode_gap-foreign"].numbers["t=0.5", "mean"]["Random"] == pytest.approx(0.2)


def test_likelihoods_are_those_of_the_evaluator(folder: Path) -> None:
    names = [made.name for made in likelihood_tables(load(folder))]
    assert names == ["likelihood-roar-evaluator", "likelihood-kar-evaluator"]


def test_trust_tells_which_measures_a_leak_fools(folder: Path) -> None:
    (made,) = trust_tables(load(folder), read(folder).degrees)
    found = made.numbers["Truth", "mean"]
    assert found["ROAR (mean, retrained)"] == pytest.approx(-1)
    assert found["Shared evaluator, removed (mean)"] == pytest.approx(1)
    assert found["Delta, kept (mean)"] == pytest.approx(1)
    assert found["Foreign-mask Delta ROAR (mean)"] == pytest.approx(1)
    assert made.tidy is not None
    assert list(made.tidy) == ["measure", "dataset", "classifier", "base", "seed", "agreement"]
    roar = made.tidy[made.tidy.measure == "ROAR (mean, retrained)"]
    assert list(roar.seed) == [0, 1, 2]
    assert made.csv.startswith("measure,dataset,classifier,base,seed,agreement\n")


def test_one_figure_has_the_same_explainers_retrained_and_not(folder: Path) -> None:
    names = [picture.name for picture in standing_plots(load(folder))]
    assert names == ["standing-roar-evaluator", "standing-kar-evaluator"]
