"""Explainers that rank as another does are measured, and counted, once."""

from collections.abc import Callable

import pandas as pd
import pytest
import torch

from roarbench import run_benchmark
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.copies import copies
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.ranks import rank

Build = Callable[..., Matrix]
DIGITS = plugin("digits", "dataset")
ONE, THREE, ROW = (1, 8, 8), (3, 8, 8), (12,)


def skipped(matrix: Matrix, shape: tuple[int, ...]) -> set[tuple[str, str]]:
    found = copies(plan.cells(matrix), {DIGITS: shape})
    return {(cell.ranking.explainer.text, cell.probe) for cell in found if cell.ranking}


@pytest.mark.parametrize("shape", [ONE, ROW])
def test_squares_of_single_values_rank_as_their_base(small_matrix: Build, shape: tuple[int, ...]) -> None:
    matrix = small_matrix(
        explainers=("gradient", "squared", "squared[base=vargrad]"), mask_fractions=(0.5,), measures=("standard",)
    )
    assert skipped(matrix, shape) == {("squared", "image"), ("squared", "mask")}  # vargrad itself is not measured


@pytest.mark.parametrize(
    ("change", "shape"),
    [({}, THREE), ({"magnitude": False}, ONE), ({"explainers": ("squared",)}, ONE)],
)
def test_what_may_rank_otherwise_or_alone_is_measured(
    small_matrix: Build, change: dict, shape: tuple[int, ...]
) -> None:
    assert not skipped(small_matrix(**({"explainers": ("gradient", "squared")} | change)), shape)


def test_single_features_of_colour_images_are_copies_too(small_matrix: Build) -> None:
    matrix = small_matrix(explainers=("gradient", "squared"), unit="feature")
    assert skipped(matrix, THREE) == {("squared", "image")}


def test_squares_have_the_ranks_of_their_base() -> None:
    attributions = torch.randn(20, 1, 8, 8, generator=generator("a"))
    ranks = [
        rank(values, unit="pixel", magnitude=True, generator=generator("ties"))
        for values in (attributions, attributions.square())
    ]
    assert torch.equal(*ranks)


def test_a_run_records_copies_as_skipped_with_the_reason(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    words = [
        "run", "--classifiers", "mlp[width=8,hidden_layers=1]", "--explainers", "gradient", "squared", "--seeds", "1",
        "--fractions", "0.5", "--epochs", "1", "--workers", "0", "--evaluator", "false", "--mask-fractions",
        "--unretrained-fills",
        "--measures", "--out", str(tmp_path),
    ]  # fmt: skip
    assert run_benchmark.main(words) == 0
    rows = pd.read_csv(tmp_path / "report" / "rows.csv").query("explainer == 'squared'")
    assert set(rows.status) == {"skipped"}
    assert rows.reason.str.startswith("same ranking as gradient:").all()
