"""Several runs of one protocol in one folder."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.merging import merge
from roarbench.benchmark.results.store import Outcome, Store
from tests.reports.conftest import outcome

pytestmark = pytest.mark.usefixtures("unillustrated")

Stored = Callable[..., Path]


def test_explainers_of_two_runs_become_one(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    one = stored(replace(matrix, explainers=("random", "gradient")), name="one")
    other = stored(replace(matrix, explainers=("random", "sobel"), seeds=5), name="other")
    merge([one, other], tmp_path / "all")
    store = Store(tmp_path / "all")
    assert store.matrix()["explainers"] == ["random", "gradient", "sobel"]
    assert store.matrix()["seeds"] == 5
    keys = [{row.key for row in Store(folder).rows()} for folder in (one, other)]
    assert {row.key for row in store.rows()} == keys[0] | keys[1]
    assert store.counts() == {"done": len(keys[0] | keys[1])}


def test_a_cell_comes_from_where_it_is_finished(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    def half(cell: Cell) -> Outcome | None:
        return outcome(cell) if cell.training.seed else None

    def failed(cell: Cell) -> Outcome | None:
        return Outcome("failed", {}, "no luck") if cell.training.seed else outcome(cell)

    folders = [stored(matrix, half, "half"), stored(matrix, failed, "failed")]
    merge(folders, tmp_path / "forth")
    merge(folders[::-1], tmp_path / "back")
    for name in ("forth", "back"):
        assert set(Store(tmp_path / name).counts()) == {"done"}


def other_accuracy(cell: Cell) -> Outcome:
    return Outcome("done", {"test_accuracy": 0.5})


@pytest.mark.parametrize(
    ("changes", "judge", "message"),
    [
        ({"recipe": Recipe(epochs=99)}, outcome, "differ in recipe.epochs"),
        ({"target": "label"}, outcome, "differ in target"),
        ({}, other_accuracy, "cannot tell which result is right"),
    ],
)
def test_what_is_not_the_same_is_refused(
    stored: Stored, matrix: Matrix, tmp_path: Path, changes: dict, judge: Callable, message: str
) -> None:
    folders = [stored(matrix, name="one"), stored(replace(matrix, **changes), judge, "other")]
    with pytest.raises(ValueError, match=message):
        merge(folders, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_other_data_is_refused(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    folders = [stored(matrix, name="one"), stored(matrix, name="other")]
    for folder, checksum in zip(folders, ("a", "b"), strict=True):
        Store(folder).check_data("digits", {"digits.csv": checksum})
    with pytest.raises(ValueError, match=r"the same data and code: digits\.csv of digits"):
        merge(folders, tmp_path / "all")


def test_data_at_two_paths_are_one_data_set(
    stored: Stored, matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("here.npz", x=np.zeros(3))
    shutil.copy("here.npz", "there.npz")
    folders = [
        stored(replace(matrix, datasets=(f"arrays[path={name}.npz]",), explainers=explainers), name=name)
        for name, explainers in (("here", ("random",)), ("there", ("random", "gradient")))
    ]
    merge(folders, tmp_path / "all")
    store = Store(tmp_path / "all")
    assert store.matrix()["datasets"] == ["arrays[path=here.npz]"]
    assert {row.specification["training"]["dataset"]["text"] for row in store.rows()} == {"arrays[path=here.npz]"}


def test_other_versions_are_refused(
    stored: Stored, matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stored(matrix, name="one")
    monkeypatch.setattr("roarbench.methods.gradient.Gradient.version", 2)
    other = stored(matrix, name="other")
    with pytest.raises(ValueError, match="different versions of gradient on digits"):
        merge([one, other], tmp_path / "all")


def test_a_folder_with_a_run_is_kept(stored: Stored, matrix: Matrix) -> None:
    one, other = stored(matrix, name="one"), stored(matrix, name="other")
    with pytest.raises(ValueError, match="holds a run already"):
        merge([one, other], one)
    with pytest.raises(ValueError, match="at least two"):
        merge([one], other)
