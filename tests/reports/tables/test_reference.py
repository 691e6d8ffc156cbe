"""The published table as data, beside a run."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.rows.load import load
from roarbench.reports.rows.style import label
from roarbench.reports.tables.claims import CLAIMS, claim_tables, in_print, verdict
from roarbench.reports.tables.reference import published, reference_tables

Stored = Callable[..., Path]
NAMES = ("random", "gradient", "guided_backprop", "integrated_gradients", "vargrad[base=gradient]")
SQUARED = tuple(f"{name}[base={base}]" for name in ("vargrad", "smoothgrad_squared") for base in NAMES[1:4])


def test_the_published_table_is_whole() -> None:
    rows = published()
    assert len(rows) == 3 * 14 * 10
    cell = rows.query(
        "dataset == 'Food101' and explainer == 'SG-SQ-GRAD' and order == 'morf' and removal_fraction == 0.9"
    )
    assert cell.accuracy.item() == pytest.approx(0.0834)
    kept = rows.query("dataset == 'ImageNet' and explainer == 'GB' and order == 'lerf' and removal_fraction == 0.9")
    assert kept.accuracy.item() == pytest.approx(0.7103), "10 % kept"


@pytest.mark.parametrize(("dataset", "expected"), [("Birdsnap", -0.58), ("Food101", -0.59), ("ImageNet", -0.82)])
def test_in_the_paper_roar_and_kar_order_estimators_almost_inversely(dataset: str, expected: float) -> None:
    means = published().query("dataset == @dataset").pivot_table("accuracy", "explainer", "order")
    assert spearmanr(-means.morf, means.lerf).statistic == pytest.approx(expected, abs=0.005)


@lru_cache
def _imagenet() -> dict[tuple[str, str, float], float]:
    """The published accuracies of ImageNet by explainer, order and fraction."""
    rows = published().query("dataset == 'ImageNet'")
    return rows.set_index(["explainer", "order", "removal_fraction"]).accuracy.to_dict()


def like_imagenet(cell: Cell) -> Outcome:
    """ROAR as published for ImageNet, with a little noise of seeds."""
    name = label(cell.ranking.explainer.text) if cell.ranking else "Random"
    accuracy = _imagenet().get((name, cell.order, cell.removal_fraction), 0.76) + 0.0005 * cell.training.seed
    return Outcome(
        "done", {"test_accuracy": accuracy if cell.retrain else 0.005, "share_removed": cell.removal_fraction}
    )


@pytest.fixture
def run(stored: Stored, matrix: Matrix) -> Path:
    fractions = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
    return stored(replace(matrix, explainers=NAMES, fractions=fractions, retrain=(True, False)), like_imagenet)


def test_a_run_like_the_paper_agrees_with_the_paper(run: Path) -> None:
    roar = next(table for table in reference_tables(load(run)) if table.name.startswith("reference-roar"))
    assert roar.shown.shape == (5, 4)
    assert "ImageNet +1.00" in roar.notes[1]
    assert roar.numbers["place", "digits"]["VAR-GRAD"] == 1


def test_an_unfinished_explainer_is_dropped_not_misplaced(stored: Stored, matrix: Matrix) -> None:
    def unfinished(cell: Cell) -> Outcome | None:
        to_do = cell.ranking and cell.ranking.explainer.name == "vargrad" and cell.removal_fraction == 0.9
        return None if to_do else like_imagenet(cell)

    wide = replace(matrix, explainers=NAMES, fractions=(0.1, 0.3, 0.5, 0.7, 0.9))
    tables = reference_tables(load(stored(wide, unfinished)))
    assert [list(table.shown.index) for table in tables] == [["Random", "GRAD", "IG", "GB"]] * 2
    assert all("n = 3 seeds" in table.notes[0] for table in tables)


def test_verdicts_follow_the_numbers(run: Path) -> None:
    (made,) = claim_tables(load(run))
    verdicts = made.shown.verdict
    assert verdicts["SG-SQ and VAR are below random for t >= 0.5"] == "incomplete"  # one of six
    assert verdicts["GRAD, GB and IG are never below random"] == "does not hold"  # GB at t = 0.1
    assert verdicts["SmoothGrad is never below random"] == "not measured"
    assert verdicts["90 % removed at random: retrained better than not"] == "holds"


def test_a_claim_holds_only_where_all_that_it_names_was_measured(stored: Stored, matrix: Matrix) -> None:
    def verdict_at(fractions: tuple[float, ...], name: str) -> str:
        wide = replace(matrix, explainers=("random", *SQUARED), fractions=fractions)
        (made,) = claim_tables(load(stored(wide, like_imagenet, name)))
        return made.shown.verdict["SG-SQ and VAR are below random for t >= 0.5"]

    assert verdict_at((0.5, 0.7, 0.9), "whole") == "holds"
    assert verdict_at((0.5, 0.9), "short") == "incomplete"


def test_a_counterexample_decides_an_incomplete_claim() -> None:
    wrong, right, asked = np.array([0.20, 0.21, 0.22]), np.array([-0.20, -0.21, -0.22]), {"a", "b"}
    assert verdict({"a": wrong}, -np.inf, 0.0, asked=asked) == "does not hold"
    assert verdict({"a": right}, -np.inf, 0.0, asked=asked) == "incomplete"
    assert verdict({"a": right, "b": right}, -np.inf, 0.0, asked=asked) == "holds"
    assert verdict({"a": right, "b": right[:1]}, -np.inf, 0.0, asked=asked) == "too few seeds"


def test_the_paper_contradicts_its_own_words() -> None:
    bases = next(claim for claim in CLAIMS if claim.text == "GRAD, GB and IG are never below random")
    assert in_print(bases) == "Birdsnap 14 of 15, Food101 14 of 15, ImageNet 14 of 15"
    squared = next(claim for claim in CLAIMS if claim.text.startswith("SG-SQ"))
    assert in_print(squared) == "Birdsnap 18 of 18, Food101 18 of 18, ImageNet 18 of 18"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "not measured"),
        ({"a": np.array([-0.2])}, "too few seeds"),
        ({"a": np.array([-0.20, -0.21, -0.22])}, "holds"),
        ({"a": np.array([-0.20, -0.21, -0.22]), "b": np.array([0.20, 0.21, 0.22])}, "does not hold"),
        ({"a": np.array([-0.20, 0.21, -0.22])}, "too few seeds"),
    ],
)
def test_a_verdict_needs_intervals_on_one_side(values: dict, expected: str) -> None:
    assert verdict(values, -np.inf, 0.0) == expected
