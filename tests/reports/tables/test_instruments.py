"""Instruments beside their bases: pairs by name, differences by seed, better and worse by order."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.rows.load import load
from roarbench.reports.statistics.family import Difference
from roarbench.reports.tables.evidence import family
from roarbench.reports.tables.instruments import base_of, beside_base, instrument_tables, verdict
from roarbench.reports.tables.table import Table
from tests.reports.conftest import outcome

pytestmark = pytest.mark.usefixtures("unillustrated")

Stored = Callable[..., Path]
SHIFTS = {"blurred": (-0.10, -0.11, -0.12), "random_class": (-0.10, 0.10, 0.02), "random_per_epoch": (0.2, 0.21, 0.22)}


@pytest.fixture
def instruments(matrix: Matrix) -> Matrix:
    explainers = ("random", "random_per_epoch", "gradient", "blurred", "random_class", "randomized[base=sobel]")
    return replace(matrix, explainers=explainers, mask_fractions=(0.5,))


def judge(cell: Cell) -> Outcome:
    """Each is apart from a straight line by its shift of the seed; masks are read in 0.3 of the images."""
    if cell.probe == "mask":
        return Outcome("done", {"test_accuracy": 0.3, "chance": 0.1})
    shifts = SHIFTS.get(cell.ranking.explainer.name, (0.0,) * 3) if cell.ranking else (0.0,) * 3
    accuracy = 0.6 - 0.3 * cell.removal_fraction + 0.01 * cell.training.seed + shifts[cell.training.seed]
    return Outcome("done", {"test_accuracy": accuracy, "share_removed": cell.removal_fraction})


def named(folder: Path) -> dict[str, Table]:
    return {table.name: table for table in instrument_tables(load(folder))}


def test_instruments_know_their_bases() -> None:
    assert base_of("max_filtered[base=vargrad[base=gradient,samples=5],size=3]") == "vargrad[base=gradient,samples=5]"
    assert base_of("random_class") == "gradient"
    assert base_of("random_per_epoch") == "random"
    assert base_of("degraded[base=truth]") is None is base_of("random")
    assert beside_base(["gradient", "blurred", "blurred[base=sobel]"]) == {"blurred": "gradient"}


def test_differences_are_to_the_base_by_seed(stored: Stored, instruments: Matrix) -> None:
    folder = stored(instruments, judge)
    roar = named(folder)["instruments-roar"]
    assert list(roar.shown.index) == ["Random, every epoch", "GRAD, blurred", "GRAD of a random class"]
    assert roar.shown.base.tolist() == ["Random", "GRAD", "GRAD"]
    assert roar.shown.difference["GRAD, blurred"].startswith("-11.0 ± ")
    compared = family(load(folder).query("order == 'morf' and probe == 'image'"))
    pairs = [("random_per_epoch", "random"), ("blurred", "gradient"), ("random_class", "gradient")]
    assert roar.numbers.p.tolist() == [compared.difference(*pair).p for pair in pairs]
    assert roar.shown["mask"].tolist()[1] == roar.shown["mask of base"].tolist()[1] == "30.0 ± 0.0"


def test_lower_is_better_under_roar_and_higher_under_kar(stored: Stored, instruments: Matrix) -> None:
    made = named(stored(instruments, judge))
    assert made["instruments-roar"].shown["instrument is"].tolist() == ["worse", "better", "–"]
    assert made["instruments-kar"].shown["instrument is"].tolist() == ["better", "worse", "–"]
    assert verdict(Difference(-0.1, math.nan, 2, math.nan), lower_is_better=True) == "–"


def test_curves_that_are_not_whole_are_not_compared(stored: Stored, instruments: Matrix) -> None:
    def unfinished(cell: Cell) -> Outcome | None:
        blurred = cell.ranking and cell.ranking.explainer.name == "blurred"
        return None if blurred and cell.removal_fraction == 0.9 else judge(cell)

    wide = replace(instruments, fractions=(0.5, 0.9))
    assert "GRAD, blurred" not in named(stored(wide, unfinished))["instruments-roar"].shown.index


def test_instruments_of_retrained_networks_are_read_first(stored: Stored, instruments: Matrix, matrix: Matrix) -> None:
    folder = stored(replace(instruments, retrain=(True, False)), judge)
    assert named(folder)["instruments-roar"].printed
    assert not named(folder)["instruments-roar-unretrained"].printed
    assert named(stored(matrix, outcome, "none")) == {}
