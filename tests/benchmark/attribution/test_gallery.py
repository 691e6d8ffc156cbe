"""Images that are kept to be looked at."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roarbench.benchmark.execution.session import Resources, run
from roarbench.benchmark.matrix.plan import Matrix


def exhibits(folder: Path) -> list[dict[str, np.ndarray]]:
    return [dict(np.load(path)) for path in sorted((folder / "gallery").glob("*.npz"))]


def test_the_same_images_under_all_explainers(small_matrix: Callable[..., Matrix], tmp_path: Path) -> None:
    matrix = replace(small_matrix(explainers=("random", "gradient")), seeds=2)
    run(matrix, tmp_path, Resources(tmp_path, workers=0))
    one, other = exhibits(tmp_path)
    assert {json.loads(str(found["name"]))["explainer"] for found in (one, other)} == {"random", "gradient"}
    for name in ("images", "labels", "predicted"):
        assert (one[name] == other[name]).all()
    right = one["labels"] == one["predicted"]
    assert right[:5].all() and not right[5:].any()


def test_names_of_classes_are_kept_with_their_images(small_matrix: Callable[..., Matrix], tmp_path: Path) -> None:
    data = "tetrominoes[train=40,test=20]"
    run(small_matrix(datasets=(data,), explainers=("gradient",)), tmp_path, Resources(tmp_path, workers=0))
    (found,) = exhibits(tmp_path)
    assert found["class_names"].tolist() == ["T", "L"]


def test_a_tenth_stays_as_it_was(small_matrix: Callable[..., Matrix], tmp_path: Path) -> None:
    run(small_matrix(explainers=("gradient",)), tmp_path, Resources(tmp_path, workers=0))
    (found,) = exhibits(tmp_path)
    flat = found["ranks"].reshape(len(found["ranks"]), -1)
    assert (np.sort(flat) == np.arange(64)).all()
    for view in ("morf mean", "morf noisy_linear", "lerf mean"):
        stays = found["ranks"] >= 58 if view.startswith("morf") else found["ranks"] < 6
        assert (found[view][stays] == found["images"][stays]).all()
        assert (found[view][~stays] != found["images"][~stays]).mean() > 0.5


@pytest.mark.parametrize(
    ("dataset", "unit", "units", "shape"),
    [
        ("bursts[train=40,test=20,steps=20]", "pixel", 20, (1, 2, 20)),
        ("cubes[train=30,test=12,size=6]", "pixel", 216, (1, 6, 6)),
        ("digits", "patch[size=4]", 4, (1, 8, 8)),
    ],
)
def test_signals_volumes_and_patches_are_shown_as_images(
    dataset: str, unit: str, units: int, shape: tuple[int, ...], small_matrix: Callable[..., Matrix], tmp_path: Path
) -> None:
    matrix = replace(
        small_matrix(datasets=(dataset,), classifiers=("cnn_nd[width=2]",), explainers=("gradient",)), unit=unit
    )
    run(matrix, tmp_path, Resources(tmp_path, workers=0))
    (found,) = exhibits(tmp_path)
    assert json.loads(str(found["name"]))["units"] == units
    assert found["images"].shape[1:] == found["morf mean"].shape[1:] == shape
    assert found["ranks"].shape[2:] == shape[1:] and found["ranks"].max() < units


def test_rows_of_a_table_have_no_gallery(small_matrix: Callable[..., Matrix], tmp_path: Path) -> None:
    run(
        small_matrix(datasets=("roar_toy[train=100,test=50]",), explainers=("gradient",)),
        tmp_path,
        Resources(tmp_path, workers=0),
    )
    assert exhibits(tmp_path) == []
