"""Images and ranks of the gallery as the page holds them."""

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.reports.page import gallery
from roarbench.reports.page.chart import series
from roarbench.reports.page.gallery import Wall, walls
from roarbench.reports.rows.load import Run, read
from tests.reports.page.test_page import Checker, measured, rendered

Stored = Callable[..., Path]


def kept(folder: Path, explainer: str, shape: tuple[int, ...], units: int | None = None) -> None:
    """A file as a run writes it: two images, the ranks of whose pixels count up in one and down in the other."""
    units = units or int(np.prod(shape[2:]))
    up = np.arange(np.prod(shape[2:])).reshape(1, 1, *shape[2:]) * units // int(np.prod(shape[2:]))
    about = {
        "dataset": "digits", "classifier": "cnn_small", "explainer": explainer, "unit": "pixel", "magnitude": True,
        "target": "predicted", "fraction": 0.9, "units": units,
    }  # fmt: skip
    (folder / "gallery").mkdir(exist_ok=True)
    np.savez_compressed(
        folder / "gallery" / f"{explainer}.npz", name=np.array(json.dumps(about)),
        images=np.zeros(shape, np.uint8), labels=np.array([5, 1]), predicted=np.array([3, 1]),
        class_names=np.array([], dtype=str), ranks=np.concatenate([up, units - 1 - up]),
    )  # fmt: skip


def walls_of(run: Run) -> list[Wall]:
    return walls(run, {one.explainer: one for one in series(run.frame)})


@pytest.fixture
def folder(stored: Stored, wide: Matrix) -> Path:
    return stored(wide, measured)


def ranks(wall: Wall, number: int) -> np.ndarray:
    kind = np.uint8 if wall.levels <= 256 else np.dtype(">u2")
    return np.frombuffer(b64decode(dict(wall.explainers)[number]), kind).reshape(2, wall.height, wall.width)


@pytest.mark.parametrize("side", [8, 28])
def test_ranks_of_small_images_are_kept_as_they_are(folder: Path, side: int) -> None:
    kept(folder, "gradient", (2, 1, side, side))
    (wall,) = walls_of(read(folder))
    assert wall.levels == side * side
    assert ranks(wall, 1).ravel().tolist() == [*range(side * side), *reversed(range(side * side))]


def test_large_images_are_thinned_and_their_ranks_have_256_levels(folder: Path) -> None:
    kept(folder, "gradient", (2, 3, 224, 224))
    (wall,) = walls_of(read(folder))
    assert (wall.height, wall.width, wall.levels) == (56, 56, 256)
    assert ranks(wall, 1)[0, 0, 0] == 0 and ranks(wall, 1)[0, -1, -1] >= 250


def test_labels_and_predictions_are_written_in_words(folder: Path) -> None:
    kept(folder, "gradient", (2, 1, 8, 8))
    (wall,) = walls_of(read(folder))
    assert wall.titles == ["label 5, predicted 3", "label 1, predicted 1"]
    assert wall.wrong == [True, False]


def test_a_page_with_a_gallery_of_its_own_shows_no_static_one(folder: Path) -> None:
    assert 'id="gallery"' not in rendered(read(folder))
    kept(folder, "gradient", (2, 1, 8, 8))
    found = Checker(rendered(read(folder)))
    assert {"gallery", "gallery-data"} <= {*found.ids} and len(found.ids) == len(set(found.ids))


def test_too_large_a_gallery_stays_beside_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(folder, "gradient", (2, 1, 8, 8))
    monkeypatch.setattr(gallery, "BUDGET", 100)
    assert walls_of(read(folder)) == []
