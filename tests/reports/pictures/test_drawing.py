"""Pictures: the same bytes twice, the numbers of the tables, and honest gaps."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome, Status
from roarbench.hns.metrics import fii, fir
from roarbench.reports.page.page import page
from roarbench.reports.pictures.cost import cost_plots, front
from roarbench.reports.pictures.curves import plots
from roarbench.reports.pictures.differences import difference_plots
from roarbench.reports.pictures.drawing import NARROWEST, Margins, Picture, panels, write, writing
from roarbench.reports.pictures.forest import COARSE, forests
from roarbench.reports.pictures.leaks import leak_plots, paired_with_masks
from roarbench.reports.pictures.looks import DASHES, LEGIBLE, looks, varied
from roarbench.reports.pictures.plane import fii_line, fir_line, planes
from roarbench.reports.pictures.tiles import tiles
from roarbench.reports.rows.load import curves, drawable, load, read
from roarbench.reports.tables.curves import tables
from tests.reports.conftest import outcome

Stored = Callable[..., Path]
Judge = Callable[[Cell], Outcome | None]


def drawn(folder: Path) -> list[Picture]:
    frame = load(folder)
    return [picture for draw in (plots, difference_plots, planes, leak_plots, cost_plots) for picture in draw(frame)]


@pytest.mark.usefixtures("all_formats")
def test_two_writings_have_the_same_bytes_here_and_by_workers(
    stored: Stored, matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = [partial(draw, load(stored(matrix))) for draw in (plots, planes)]
    folders = [tmp_path / name for name in ("here", "by_workers")]
    said = []
    for folder, least in zip(folders, (10_000, 0), strict=True):
        folder.mkdir()
        monkeypatch.setattr("roarbench.reports.pictures.drawing.MANY", least)
        said.append(writing(draws, folder, num_rows=5000)())
    assert said[0] == said[1]
    paths = [path for caption in said[0] for path in caption.paths(folders[0])]
    assert {path.suffix for path in paths} == {".svg", ".pdf", ".png"}
    assert all(path.read_bytes() == (folders[1] / path.name).read_bytes() for path in paths)


def of_gradient(**metrics: float | None) -> Judge:
    def judge(cell: Cell) -> Outcome:
        made = outcome(cell)
        hit = cell.ranking is not None and cell.ranking.explainer.name == "gradient"
        return replace(made, metrics=made.metrics | metrics) if hit else made

    return judge


def failing(cell: Cell) -> Outcome:
    lost = cell.ranking is not None and cell.ranking.explainer.name == "gradient"
    return Outcome("failed", reason="no <i>$luck") if lost else outcome(cell)


def nothing(cell: Cell) -> Outcome | None:
    return None


@pytest.mark.parametrize("judge", [nothing, failing, of_gradient(test_accuracy=math.nan)])
@pytest.mark.parametrize("seeds", [1, 2])
def test_gaps_are_drawn(stored: Stored, matrix: Matrix, tmp_path: Path, judge: Judge, seeds: int) -> None:
    pictures = drawn(stored(replace(matrix, seeds=seeds), judge))
    assert pictures and len(write(pictures, tmp_path)) == len(pictures)
    assert all(f"n = {seeds} seed" in picture.caption and picture.alt for picture in pictures)


@pytest.mark.parametrize("orders", [("morf", "lerf"), ("morf",)])
def test_long_names_are_not_cut_off(stored: Stored, matrix: Matrix, orders: tuple[str, ...]) -> None:
    def judge(cell: Cell) -> Outcome:
        made = outcome(cell)
        return replace(made, metrics=made.metrics | {"passes": 3.0}) if cell.probe == "attribution" else made

    names = ("random", "gradient", "cladec[alpha=0.5,layer=dense,score=kept]")
    more = {"explainers": names, "mask_fractions": (0.5,), "measures": ("standard",), "orders": orders}
    pictures = drawn(stored(replace(matrix, **more), judge))
    assert len(pictures) == len(orders) + 3
    for picture in pictures:
        canvas, width = FigureCanvasAgg(picture.figure), picture.figure.bbox.width
        canvas.draw()
        shown = [text for text in picture.figure.findobj(Text) if "layer=dense" in text.get_text()]
        assert shown, picture.name
        ends = [text.get_window_extent() for text in shown]
        assert all(end.x0 >= 0 and end.x1 <= width for end in ends), picture.name


def test_one_explainer_is_drawn(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    for name in ("random", "gradient"):
        pictures = drawn(stored(replace(matrix, explainers=(name,)), name=name))
        assert write(pictures, tmp_path)


def test_the_plane_has_the_numbers_of_the_fidelity_table(stored: Stored, matrix: Matrix) -> None:
    frame = load(stored(matrix))
    (table,) = (made for made in tables(frame) if made.name == "fidelity")
    (picture,) = planes(frame)
    lines = [line for line in picture.figure.axes[0].lines if line.get_marker() not in ("", "None")]
    assert len(lines) == 2
    for line, name in zip(lines, ("Random", "GRAD"), strict=True):
        assert list(np.asarray(line.get_xdata())) == [0.0, 0.5, 1.0]
        shown = [table.numbers.loc[name, (f"F h={h}", "mean")] for h in ("0.5", "1")]
        assert list(np.asarray(line.get_ydata()))[1:] == shown


def test_iso_lines_hold_their_values() -> None:
    hidden = np.array([0.1, 0.5, 0.9])
    assert [fir(f, i) for f, i in zip(fir_line(0.7, hidden), hidden, strict=True)] == pytest.approx([0.7] * 3)
    assert [fii(f, i) for f, i in zip(fii_line(0.4, hidden), hidden, strict=True)] == pytest.approx([0.4] * 3)


def test_gains_are_positive_where_better_whatever_the_order(stored: Stored, matrix: Matrix) -> None:
    """Accuracy of gradient falls half as fast as that of random: worse first, better last; by 20 points at t = 0.5."""
    (picture,) = difference_plots(load(stored(matrix)))
    for axis, gain in zip(picture.figure.axes, (-20.0, 20.0), strict=True):
        marks = [line for line in axis.lines if line.get_marker() == "o"]
        assert [list(np.asarray(line.get_xdata())) for line in marks] == [pytest.approx([gain])]


def test_the_pareto_front_holds_what_nothing_beats_in_both() -> None:
    assert front({"x": (1, 5), "y": (2, 5), "z": (3, 6), "w": (1, 4), "v": (9, 0)}) == ["x", "z"]
    assert front({}) == []


def test_masks_meet_images_at_the_same_fraction(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    frame = load(stored(replace(matrix, fractions=(0.3, 0.5), mask_fractions=(0.5, 0.9))))
    rows = curves(frame)
    own = rows[(rows.probe == "image") & (rows.order == "lerf")]
    pairs = paired_with_masks(own, rows)
    assert {e: [t for t, *_ in of] for e, of in pairs.items()} == {"random": [0.5], "gradient": [0.5]}
    (picture,) = leak_plots(frame)
    assert len(write([picture], tmp_path)) == 1


def test_cost_is_passes_where_they_are_known(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    def judge(cell: Cell) -> Outcome:
        made = outcome(cell)
        if cell.probe != "attribution":
            return made
        passes = 0.0 if cell.ranking and cell.ranking.explainer.name == "random" else 3.0
        return replace(made, metrics={"passes": passes})

    (picture,) = cost_plots(load(stored(replace(matrix, measures=("standard",)), judge)))
    assert "forward passes" in picture.caption and "1 explainer." in picture.alt
    assert write([picture], tmp_path)


@pytest.mark.parametrize("status", ["skipped", "failed"])
def test_an_explainer_without_a_measured_point_has_no_panel(status: Status, stored: Stored, matrix: Matrix) -> None:
    def skipping(cell: Cell) -> Outcome:
        copy = cell.ranking is not None and cell.ranking.explainer.name == "squared" and cell.probe != "attribution"
        return Outcome(status, reason="ranks as its base does") if copy else outcome(cell)

    explainers = ("random", "gradient", "squared[base=gradient]")
    folder = stored(replace(matrix, explainers=explainers, measures=("standard",)), skipping)
    frame = load(folder)
    assert set(drawable(frame).explainer.dropna()) == {"random", "gradient"}
    (picture,) = plots(drawable(frame))
    assert not [text for text in picture.figure.findobj(Text) if "SQ" in text.get_text()]
    legend = page(read(folder), [], list).partition('class="legend"')[2].partition("</ul>")[0]
    assert "GRAD" in legend and "SQ-GRAD" not in legend


MANY = ("random", *(f"lrp[epsilon={i}]" for i in range(1, 38)))
"""38 explainers, 37 of them of one family."""


def test_keys_of_many_explainers_fit_and_tell_them_apart(stored: Stored, matrix: Matrix) -> None:
    def judge(cell: Cell) -> Outcome:
        made = outcome(cell)
        return replace(made, metrics=made.metrics | {"passes": 3.0}) if cell.probe == "attribution" else made

    wide = replace(matrix, explainers=MANY, seeds=1, mask_fractions=(0.5,), measures=("standard",))
    pictures = drawn(stored(wide, judge))
    assert len(pictures) == 5
    for picture in pictures:
        canvas, (width, height) = FigureCanvasAgg(picture.figure), picture.figure.bbox.size
        canvas.draw()
        named = [text for text in picture.figure.findobj(Text) if "epsilon" in text.get_text()]
        boxes = sorted((text.get_window_extent() for text in named), key=lambda box: box.y0)
        boxes = [box for box in boxes if box.width > 1]  # second axes keep texts that they do not show
        assert len(boxes) == 37, picture.name
        assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes), picture.name
        assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(boxes)), picture.name


def test_members_of_a_large_family_look_different() -> None:
    rows = pd.DataFrame({"explainer": list(MANY)})
    marks = [(look.colour, look.marker) for look in looks(rows).values()]
    assert len(set(marks)) == len(MANY)
    assert len(set(varied(36, LEGIBLE, DASHES))) == 36


def test_a_leaderboard_says_where_groups_are_too_many_for_their_brackets(
    stored: Callable[..., Path], matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = read(stored(matrix))
    (fine,) = forests(run)
    monkeypatch.setattr("roarbench.reports.statistics.groups.MOST_LETTERS", 0)
    (coarse,) = forests(run)
    assert COARSE in coarse.caption and COARSE not in fine.caption


@pytest.mark.parametrize("letters", [5, 60, 400])
def test_panels_stay_wide_enough_beside_names_of_any_length(letters: int) -> None:
    margins = Margins(left=0.1).holding(["x" * letters], "left")
    figure, (axes,) = panels(1, 3, width=5.5, height=1.0, margins=margins)
    width, _ = figure.get_size_inches()
    assert width >= 5.5
    assert all(axis.get_position().width * width >= NARROWEST - 1e-6 for axis in axes)


def test_tiles_of_images_stay_square() -> None:
    figure = tiles({"image": np.zeros((4, 1, 8, 8))}, size=0.5)
    width, height = figure.get_size_inches()
    boxes = [axis.get_position(original=True) for axis in figure.axes]
    assert all(box.width * width == pytest.approx(box.height * height, rel=0.05) for box in boxes)
