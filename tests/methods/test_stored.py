"""Maps from files: found by position, compared with the data, and equal to the explainer that they came from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from roarbench.benchmark.execution import session
from roarbench.benchmark.execution.export import export
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.results.store import Row, Store
from roarbench.datasets.base import Card, Dataset, Split
from roarbench.methods.base import Skip
from roarbench.methods.stored import Stored, opened

CARD = Card("made", "here", "none", "none")


@pytest.fixture(autouse=True)
def afresh() -> None:
    opened.cache_clear()


def data(channels: int = 3) -> Dataset:
    inputs, labels = torch.rand(9, channels, 4, 5), torch.arange(9) % 2
    parts = (slice(0, 5), slice(5, 5), slice(5, 9))
    return Dataset(*(Split(inputs[part], labels[part]) for part in parts), num_classes=2, card=CARD)


def written(folder: Path, form: str, **arrays: np.ndarray) -> Path:
    if form == "folder":
        (folder / "maps").mkdir()
        for name, array in arrays.items():
            np.save(folder / "maps" / f"{name}.npy", array)
        return folder / "maps"
    if form == "safetensors":
        save_file(arrays, folder / "maps.safetensors")
        return folder / "maps.safetensors"
    np.savez(folder / "maps.npz", **arrays)
    return folder / "maps.npz"


@pytest.mark.parametrize("form", ["npz", "safetensors", "folder"])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 4, 5), (4, 5)])
def test_maps_are_found_by_position(tmp_path: Path, form: str, shape: tuple[int, ...]) -> None:
    maps = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    explainer = Stored(written(tmp_path, form, test=maps))
    explainer.check(data())
    lookup = explainer.prepare(nn.Identity(), data().train)
    assert np.array_equal(lookup.at("test", torch.tensor([2, 0])).numpy(), maps[[2, 0]])
    with pytest.raises(Skip, match="no maps of the train split"):
        lookup.at("train", torch.tensor([0]))
    with pytest.raises(Skip, match="other inputs have none"):
        lookup(data().test.inputs, data().test.labels)


def _one_is_nan(maps: np.ndarray) -> np.ndarray:
    maps[1, 0, 0, 0] = np.nan
    return maps


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: {"test": a[:3]}, "test must have 4 maps, one for each example, got 3"),
        (
            lambda a: {"test": a[:, :2]},
            "must hold numbers of shape (3, 4, 5) or (1, 4, 5) or (4, 5) each, got float64 of",
        ),
        (lambda a: {"test": a.transpose(0, 2, 3, 1)}, "got float64 of (4, 5, 3)"),
        (lambda a: {"test": _one_is_nan(a)}, "test must be finite, got NaN or infinity in 1 of 4 maps"),
        (lambda a: {"test": a, "test_labels": np.array([0, 1, 0, 1])}, "labels differ, first in example 0"),
        (lambda a: {"test": a, "test_labels": np.array([1, 0])}, "labels differ, first in their number"),
        (lambda a: {"maps": a}, "must have an array test, one map for each test example; got maps"),
        (lambda a: {"test": a.astype(complex)}, "must hold numbers of shape"),
    ],
)
def test_what_does_not_fit_the_data_is_one_line(
    tmp_path: Path, change: Callable[[np.ndarray], dict[str, np.ndarray]], said: str
) -> None:
    path = written(tmp_path, "npz", **change(np.ones((4, 3, 4, 5))))
    with pytest.raises(ValueError, match=r"^stored\[path=") as error:
        Stored(path).check(data())
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("content", "said"), [(None, "it is not there"), (b"no archive", "cannot be read")])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "maps.npz").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        Stored(tmp_path / "maps.npz").check(data())


def matrix(*explainers: str) -> Matrix:
    return Matrix(
        datasets=("blocks[train=60,test=40]",), classifiers=("mlp",), explainers=explainers, seeds=1,
        fractions=(0.5,), recipe=Recipe(epochs=1, batch_size=32), measures=("standard", "idsds", "infidelity"),
    )  # fmt: skip


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_stored_maps_do_what_their_explainer_did(tmp_path: Path, form: str) -> None:
    """Cell for cell, with and without retraining; what asks for other inputs is skipped, or has no value in a group."""
    resources, folder, file = Resources(tmp_path, device="cpu", workers=0), tmp_path / "run", tmp_path / f"maps.{form}"
    session.run(matrix("gradient"), folder, resources)
    assert export(folder, "gradient", file, resources)[0] == "train float32 (54, 1, 16, 8)"
    session.run(matrix("gradient", f"stored[path={file}]"), folder, resources)
    rows = Store(folder).rows()
    theirs, ours = (cells(rows, name) for name in ("gradient", "stored"))
    assert len(theirs) == len(ours) > 8
    for cell, row in ours.items():
        assert row.outcome
        assert theirs[cell].outcome
        if cell[0] != "attribution":
            assert row.outcome.metrics == theirs[cell].outcome.metrics, cell  # type: ignore[union-attr]
    by_measure = {cell[-1]: row.outcome for cell, row in ours.items() if cell[0] == "attribution" and row.outcome}
    assert (
        by_measure[""].metrics["gini"] == theirs[("attribution", False, None, "morf", 0.0, "")].outcome.metrics["gini"]
    )  # type: ignore[union-attr]
    assert by_measure[""].metrics["max_sensitivity"] is None
    assert by_measure["idsds"].status == "skipped"
    assert by_measure["infidelity"].status == "done"


def cells(rows: list[Row], name: str) -> dict[tuple[object, ...], Row]:
    """The rows of an explainer, by what they measure."""
    found = {}
    for row in rows:
        cell = row.specification
        if cell["ranking"] and cell["ranking"]["explainer"]["name"] == name:
            fill, measure = cell["fill"] and cell["fill"]["text"], (cell.get("measure") or {}).get("text", "")
            found[cell["probe"], cell["retrain"], fill, cell["order"], cell["removal_fraction"], measure] = row
    return found


def test_export_says_what_it_cannot_do(tmp_path: Path) -> None:
    resources, folder = Resources(tmp_path, device="cpu", workers=0), tmp_path / "run"
    session.run(matrix("gradient"), folder, resources)
    (tmp_path / "there.npz").touch()
    for explainer, file, seed, said in [
        ("gradients", "maps.npz", 0, "did you mean 'gradient'"),
        ("gradient", "maps.npy", 0, r"file must end with .npz or .safetensors"),
        ("gradient", "there.npz", 0, "must not be there yet"),
        ("gradient", "maps.npz", 7, "seed must be one of 0, got 7"),
    ]:
        with pytest.raises(ValueError, match=said):
            export(folder, explainer, tmp_path / file, resources, seed=seed)
    assert (tmp_path / "there.npz").stat().st_size == 0
    crossed = replace(matrix("gradient"), attribution_folds=2)
    session.run(crossed, tmp_path / "crossed", resources)
    with pytest.raises(ValueError, match="explains training images by 2 folds, whose maps are not kept"):
        export(tmp_path / "crossed", "gradient", tmp_path / "maps.npz", resources)
