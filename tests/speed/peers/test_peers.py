"""Both sides of every comparison with peers do the same, on few digits; times are not looked at."""

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from roarbench.benchmark.matrix.recipe import Recipe
from tests.speed.peers import attributions, table
from tests.speed.peers.subject import Site, Subject, subject
from tests.speed.peers.ten_cells import ten_cells

SITE = Site(Path("unused"))
FEW, SMALL = "digits[test=0.02,validation=0.8]", "cnn_small[width=4]"


@pytest.fixture(scope="module")
def given() -> Iterator[Subject]:
    with subject(SITE, FEW, SMALL) as one:
        yield one


def comparison(part: str) -> ModuleType:
    """A module of the comparisons, whose peers may not be installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module, extra in (("quantus", "quantus"), ("pytorch_grad_cam", "grad-cam")):
            pytest.importorskip(module, reason=f"needs {extra}, an extra of this project")
        return importlib.import_module(f"tests.speed.peers.{part}")


@pytest.mark.filterwarnings("ignore")
def test_road_is_that_of_quantus_and_of_pytorch_grad_cam(given: Subject) -> None:
    road = comparison("road")
    assert 0 < road.gap_to_quantus(given) <= road.BOUND
    assert 0 < road.gap_to_grad_cam(given) <= road.BOUND


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("curve", ["deletion", "insertion"])
def test_curves_are_those_of_pixel_flipping(given: Subject, curve: str) -> None:
    flipping = comparison("flipping")
    assert flipping.gap(given, curve, 8) <= flipping.BOUND


def test_maps_are_those_of_captum(given: Subject) -> None:
    few = attributions.stretched(given.data.test.at(torch.arange(3)))
    for work, whole, theirs, ours in attributions.sides(given, few):
        assert attributions.apart(work, theirs, ours, few, whole=whole) <= attributions.BOUND


def test_cells_are_those_of_the_plain_loop_and_runs_have_the_same_cells() -> None:
    with ten_cells(SITE, FEW, SMALL, Recipe(epochs=1, learning_rate=1e-3), "fp32") as given:
        assert sum(table.ties(given, cell, split) for cell in given.cells for split in given.splits) == 0
        assert table.loop(given) == pytest.approx(table.cells(given), abs=1e-9)
        assert len(given.cells) == 10 and table.script(given).keys() == table.run(given).keys()
