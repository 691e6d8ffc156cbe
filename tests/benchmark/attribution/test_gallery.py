"""Images that are kept to be looked at."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

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


def test_rows_of_a_table_have_no_gallery(small_matrix: Callable[..., Matrix], tmp_path: Path) -> None:
    run(
        small_matrix(datasets=("roar_toy[train=100,test=50]",), explainers=("gradient",)),
        tmp_path,
        Resources(tmp_path, workers=0),
    )
    assert exhibits(tmp_path) == []
