"""Galleries of the images that a run kept."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.reports.pictures.gallery import _mosaic, galleries
from roarbench.reports.rows.load import read

Stored = Callable[..., Path]


def keep(
    folder: Path,
    explainer: str,
    *,
    views: tuple[str, ...] = ("ranks", "morf mean"),
    channels: int = 1,
    **more: np.ndarray,
) -> None:
    """Three images of 4x4 pixels as the benchmark keeps them."""
    images = np.arange(3 * channels * 16, dtype=np.uint8).reshape(3, channels, 4, 4)
    about = {
        "dataset": "digits", "classifier": "cnn_small", "explainer": explainer, "unit": "pixel", "magnitude": True,
        "target": "predicted", "fraction": 0.9,
    }  # fmt: skip
    arrays = {view: images[:, :1] if view == "ranks" else images for view in views}
    place = folder / "gallery"
    place.mkdir(exist_ok=True)
    np.savez_compressed(
        place / f"{explainer}.npz", allow_pickle=False, name=np.array(json.dumps(about)), images=images,
        labels=np.array([1, 2, 3]), predicted=np.array([1, 2, 7]), **arrays, **more,
    )  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_for_each_explainer_under_the_images(stored: Stored, matrix: Matrix, channels: int) -> None:
    folder = stored(matrix)
    for name in ("gradient", "random"):
        keep(folder, name, channels=channels)
    ranks, removed = galleries(read(folder))
    assert (ranks.name, removed.name) == ("gallery-ranks", "gallery-morf-mean")
    (axis,) = removed.figure.axes
    assert [text.get_text() for text in axis.get_yticklabels()] == ["Input", "Random", "GRAD"]  # in the run's order
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "2", "3 → 7"]
    assert "2 test images that the network classifies right, 1 wrong" in removed.caption


def test_classes_are_called_by_their_names(stored: Stored, matrix: Matrix) -> None:
    folder, long = stored(matrix), "a name of more letters"
    keep(folder, "gradient", views=("ranks",), class_names=np.array(["0", "T-shirt", long, "Coat", *"4567"]))
    (picture,) = galleries(read(folder))
    (axis,) = picture.figure.axes
    assert [text.get_text() for text in axis.get_xticklabels()] == ["T-shirt", "a name of m…", "Coat\n→ 7"]
    assert picture.caption.endswith(f" From the left: T-shirt, {long}, Coat taken for 7.")


def test_names_of_classes_do_not_overlap() -> None:
    heads = ["MMMMMMMM", "Ankle boot\n→ T-shirt/top", "Ankle boot"]
    figure = _mosaic([np.zeros((4, 12, 3))] * 2, ["Input", "GRAD"], heads)
    FigureCanvasAgg(figure).draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_xticklabels()]
    assert all(one.x1 <= other.x0 for one, other in pairwise(boxes))
    assert all(box.y1 <= figure.bbox.y1 for box in boxes)


@pytest.mark.parametrize("name", ["GRAD", "ClaDec[alpha=0.5,layer=dense,score=kept]"])
def test_long_names_are_not_cut_off(name: str) -> None:
    figure = _mosaic([np.zeros((4, 12, 3))] * 2, ["Input", name], ["1", "2", "3"])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert all(text.get_window_extent().x0 >= 0 for text in figure.axes[0].get_yticklabels())


def test_views_that_an_explainer_lacks_are_left_out(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix)
    keep(folder, "random", views=("ranks",))
    keep(folder, "gradient", views=("ranks", "lerf mean"))
    assert [picture.name for picture in galleries(read(folder))] == ["gallery-ranks", "gallery-lerf-mean"]


def test_runs_without_images_have_no_gallery(stored: Stored, matrix: Matrix) -> None:
    assert list(galleries(read(stored(replace(matrix, seeds=1))))) == []
