"""The measurement of growth: slopes are those of logarithms, and every piece does its work."""

from dataclasses import fields
from pathlib import Path

import pytest
import torch

from roarbench.datasets.base import Split
from tests.speed import pieces
from tests.speed.growth import LINES, Point, slope, slopes
from tests.speed.growth_figure import figure
from tests.speed.pieces import Size

SMALL = Size(explainers=2, shares=1, seeds=1, images=20)


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_slope_is_the_power(power: float) -> None:
    sizes = (1, 4, 10)
    assert slope(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)


def test_what_takes_nothing_has_no_slope() -> None:
    assert str(slope((1, 2), (0.0, 1.0))) == "nan"


def test_every_axis_is_a_size_and_every_piece_is_there() -> None:
    assert {*LINES} <= {field.name for field in fields(Size)}
    assert all(hasattr(pieces, piece) for of in LINES.values() for piece in of)


@pytest.mark.parametrize("piece", ["planning", "storing", "telling", "ranking", "removing", "scoring", "retraining"])
def test_every_piece_does_its_work(piece: str) -> None:
    images = Split(torch.rand(SMALL.images, 1, 28, 28), torch.arange(SMALL.images) % 10)
    getattr(pieces, piece)(SMALL, images)()


def test_figure_and_table_hold_every_line(tmp_path: Path) -> None:
    sizes = (1, 10, 100)
    points = [Point(name, "images", n, 0.1 * n, 5.0) for name in ("ranking", "removing") for n in sizes]
    (path,) = figure(points, tmp_path)
    assert "removing" in path.read_text()
    assert [row for row in slopes(points) if "| 1 to 100 | 0.1 to 10 | 1.00 | 1.00 | 5 to 5 | 0.00 |" in row][1:]
