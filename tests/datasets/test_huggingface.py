"""Data sets of Hugging Face in a folder: what is read as what, and how mistakes are named."""

import builtins
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from roarbench.datasets import arrow
from roarbench.datasets.base import Dataset
from roarbench.datasets.check import check
from roarbench.datasets.huggingface import hf
from tests.conftest import hugging_face
from tests.datasets.conftest import png
from tests.imports import PROJECT

Save = Callable[..., Path]

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 6, 5, 3), dtype=np.uint8)
LABELS = [i % 3 for i in range(30)]


@pytest.fixture
def package() -> Any:
    return hugging_face()


@pytest.fixture
def save(package: Any, tmp_path: Path) -> Save:
    """Writes columns of train, and of other splits, to a folder; without `form` by `save_to_disk`."""
    package.disable_progress_bars()

    def write(form: str = "", *, features: Any = None, alone: bool = False, **splits: Any) -> Path:
        folder = tmp_path / f"data{len([*tmp_path.iterdir()])}"
        parts = {name: package.Dataset.from_dict(columns, features) for name, columns in splits.items()}
        for name, part in parts.items() if form else ():
            folder.mkdir(exist_ok=True)
            place = str(folder / f"{name}-00000-of-00001.{form}")
            part.to_parquet(place) if form == "parquet" else _write_arrow(part, place)
        if not form:
            (parts["train"] if alone else package.DatasetDict(parts)).save_to_disk(folder)
        return folder

    return write


def _write_arrow(part: Any, place: str) -> None:
    from pyarrow import ipc

    table = part.data.table
    with ipc.new_stream(place, table.schema) as stream:
        stream.write_table(table)


def pictures(pixels: Any = PIXELS, labels: Any = LABELS, **more: Any) -> dict[str, Any]:
    """Columns of images and labels."""
    return {"image": [{"bytes": png(one)} for one in pixels], "label": list(labels), **more}


def rows(**more: Any) -> dict[str, Any]:
    """Columns of a table."""
    return {"age": [i / 30 for i in range(30)], "member": [i % 2 == 0 for i in range(30)], "label": LABELS, **more}


def load(path: Path, **parameters: Any) -> Dataset:
    return check(hf(Path(), path=path, **({"validation": 0.0} | parameters)))


def expected(pixels: np.ndarray = PIXELS) -> torch.Tensor:
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2) / 255).float()


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("form", ["", "parquet", "arrow"])
def test_images_are_those_of_the_folder(package: Any, save: Save, form: str, in_memory: bool) -> None:
    features = package.Features({"image": package.Image(), "label": package.ClassLabel(names=["a", "b", "c"])})
    path = save(form, features=features, train=pictures(), test=pictures(PIXELS[:9], LABELS[:9]))
    data = load(path, in_memory=in_memory)
    torch.testing.assert_close(data.train.at(torch.arange(30)).inputs, expected())
    torch.testing.assert_close(data.test.at(torch.arange(9)).inputs, expected(PIXELS[:9]))
    assert data.test.labels.tolist() == LABELS[:9]
    assert (data.class_names, data.card.notes) == (("a", "b", "c"), ())
    assert all(digest.startswith("sha256:") for digest in data.card.checksums.values())
    assert {Path(name).suffix for name in data.card.checksums} <= {".arrow", ".json", ".parquet"}


def test_images_are_found_where_files_do_not_say_so(save: Save) -> None:
    for entry in (lambda one: {"bytes": one, "path": None}, lambda one: one):
        train = {"picture": [entry(png(one)) for one in PIXELS], "label": LABELS}
        torch.testing.assert_close(load(save("parquet", train=train, test=train)).train.inputs, expected())


def test_a_folder_is_the_same_on_disk_and_in_memory(saved: Path) -> None:
    held, streamed = (
        load(saved, validation=0.2, train=90, test=30, size=4, in_memory=memory) for memory in (True, False)
    )
    for one, other in zip(held.splits.values(), streamed.splits.values(), strict=True):
        assert torch.equal(one.inputs, other.at(torch.arange(len(other))).inputs)
        assert torch.equal(one.labels, other.labels)
    assert [len(split) for split in held.splits.values()] == [72, 18, 30]
    assert held.card == streamed.card


def test_without_a_test_split_a_stratified_share_is_one(save: Save) -> None:
    path = save(alone=True, train=rows(unique=[i / 100 for i in range(30)]))
    data, again, other = (load(path, seed=seed, test_share=0.3) for seed in (0, 0, 1))
    assert torch.equal(data.test.inputs, again.test.inputs)
    assert not torch.equal(data.test.inputs, other.test.inputs)
    assert data.test.labels.bincount().tolist() == [3, 3, 3]
    both = torch.cat([data.train.inputs, data.test.inputs])[:, 2]
    torch.testing.assert_close(both.sort().values, torch.arange(30) / 100)
    assert data.card.notes == ("a stratified share of 0.3 of train is the test split: there is no other",)


def test_validation_is_the_test_split_where_there_is_no_other(save: Save) -> None:
    data = load(save("parquet", train=rows(), validation=rows()), validation=0.2)
    assert [len(split) for split in data.splits.values()] == [24, 6, 30]
    assert data.card.notes == ("the split validation is the test split: there is no split test",)
    data = load(save("parquet", train=rows(), validation=rows(), test=rows()), validation=0.2)
    assert [len(split) for split in data.splits.values()] == [30, 30, 30]


def test_columns_of_numbers_are_a_table(save: Save) -> None:
    data = load(save(train=rows(name=["x"] * 30), test=rows(name=["x"] * 30)))
    assert data.feature_names == ("age", "member")
    torch.testing.assert_close(data.train.inputs[:, 1], (torch.arange(30) % 2 == 0).float())
    assert data.card.notes == ("inputs are age, member, labels label; left out: name",)
    assert load(save(train=rows(), test=rows()), inputs="member").feature_names == ("member",)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (lambda i: [i / 255, 0.5], (2,)),
        (lambda i: [[i / 255, 0.5], [0.0, 1.0], [1.0, 0.0]], (1, 3, 2)),
        (lambda i: np.full((3, 4, 5), i, np.uint8), (3, 4, 5)),
        (lambda i: np.full((4, 5, 1), i, np.uint8), (1, 4, 5)),
    ],
)
def test_lists_and_arrays_are_rows_and_images(save: Save, value: Callable[[int], Any], shape: tuple[int, ...]) -> None:
    columns = {"x": [value(i) for i in range(30)], "label": LABELS}
    data = load(save(train=columns, test=columns))
    assert data.feature_shape == shape
    torch.testing.assert_close(data.train.inputs.flatten(1)[:, 0], torch.arange(30) / 255)


def test_fixed_arrays_are_images(package: Any, save: Save) -> None:
    features = package.Features({"x": package.Array2D((2, 3), "float32"), "label": package.Value("int64")})
    columns = {"x": [np.full((2, 3), i / 30) for i in range(30)], "label": LABELS}
    data = load(save(features=features, train=columns, test=columns))
    torch.testing.assert_close(data.train.inputs[:, 0, 1, 2], torch.arange(30) / 30)


def test_labels_are_the_only_column_that_is_no_real_number(save: Save) -> None:
    columns = {"width": rows()["age"], "height": rows()["age"], "species": ["b", "a", "c"] * 10}
    data = load(save(train=columns, test=columns))
    assert (data.feature_names, data.class_names) == (("width", "height"), ("a", "b", "c"))


def test_text_is_numbered_in_its_order(save: Save) -> None:
    columns = rows(label=["dog", "ant", "cat"] * 10)
    data = load(save(train=columns, test=columns))
    assert (data.class_names, data.train.labels.tolist()[:3]) == (("ant", "cat", "dog"), [2, 0, 1])


def test_size_and_channels_are_as_asked(save: Save) -> None:
    mixed = [PIXELS[i, :, :, 0] if i % 2 else PIXELS[i, : 4 + i % 3] for i in range(30)]
    path = save(train=pictures(mixed), test=pictures(mixed))
    assert load(path, size=4).feature_shape == (3, 4, 4)
    assert load(path, size=4, channels=1).feature_shape == (1, 4, 4)
    grey = pictures(PIXELS[..., 0])
    assert load(save("parquet", train=grey, test=grey), inputs="image").feature_shape == (1, 6, 5)


@pytest.mark.parametrize("part", ["train", "test"])
def test_images_of_several_sizes_are_named(save: Save, part: str) -> None:
    parts = {"train": pictures(), "test": pictures()} | {part: pictures([*PIXELS[:29], PIXELS[29, :4]])}
    with pytest.raises(ValueError, match=r"images of column image must have one size, got 4x5 and 6x5; resize them"):
        load(save(**parts))


Columns = dict[str, Any]


@pytest.mark.parametrize(
    ("columns", "parameters", "message"),
    [
        (
            pictures(),
            {"inputs": "img"},
            r"inputs must be a column of image or array or whole or real, got 'img'; the col",
        ),
        (
            pictures(),
            {"label": "class"},
            r"label must be a column of class or whole or text or real, got 'class'; the",
        ),
        (pictures(fine=LABELS), {}, ""),
        ({"image": pictures()["image"], "fine": LABELS, "coarse": LABELS}, {}, r"could be fine or coarse; add label=N"),
        (pictures(other=pictures()["image"]), {}, r"inputs must be a column, .* image or other; add inputs=NAME"),
        (
            {"label": LABELS, "name": ["x"] * 30},
            {},
            r"inputs must be a column of images, arrays or numbers, got the col",
        ),
        (pictures(labels=[i + 1 for i in LABELS]), {}, r"labels of train must hold every integer .* subtract 1"),
        (pictures(labels=[2 * i for i in LABELS]), {}, r"labels of train .*; renumber the classes"),
        (pictures(labels=[None, *LABELS[1:]]), {}, r"labels of train must be whole numbers, got nan"),
        (pictures(labels=[None, *"ab" * 14, "a"]), {}, r"labels of train must be there, 1 of 30 rows lack one"),
        (
            rows(age=[20.0 + i for i in LABELS]),
            {},
            r"age of train must lie in \[0, 1\], got values in \[20, 22\]; scale",
        ),
        (rows(age=[None, *[0.5] * 29]), {}, r"age of train has NaN in 1 of 30 examples; drop or impute them"),
        ({"x": [[0.5] * (2 + i % 2) for i in LABELS], "label": LABELS}, {}, r"column x must hold lists of one length"),
        ({"x": [[i, 255] for i in LABELS], "label": LABELS}, {}, r"x of train must be uint8 .*; divide by 255"),
        (
            pictures() | {"image": [{"bytes": b"text"}] * 30},
            {},
            r"image 0 of train must be a readable image, got: a fi",
        ),
        (
            pictures() | {"image": [{"bytes": None, "path": "gone.png"}] * 30},
            {},
            r"image 0 of train must be there, got gone.png, which is no file here",
        ),
        (pictures(), {"channels": 2}, r"channels must be 1 \(grey\), 3 \(RGB\) or 0 .*, got 2"),
        (pictures(), {"size": -1}, r"size must be 0 .* or more, got -1"),
        (pictures(), {"train": 31}, r"train must lie in \[1, 30\], the examples there are, got 31"),
    ],
)
def test_what_does_not_fit_is_named_with_a_remedy(
    save: Save, columns: Columns, parameters: dict[str, Any], message: str
) -> None:
    path = save("parquet", train=columns, test=columns)
    if not message:
        assert load(path, **parameters).card.notes == ("inputs are image, labels label; left out: fine",)
        return
    with pytest.raises(ValueError, match=message) as caught:
        load(path, **parameters)
    assert "\n" not in str(caught.value)


def test_labels_of_test_must_be_those_of_train(save: Save) -> None:
    for other, message in (
        ([i + 1 for i in LABELS], r"labels of test must hold only"),
        (["d"] * 30, "got 'd' besides"),
    ):
        kind = [str(i) for i in LABELS] if isinstance(other[0], str) else LABELS
        with pytest.raises(ValueError, match=message):
            load(save("parquet", train=rows(label=kind), test=rows(label=other)))


def test_a_share_of_test_must_be_one(save: Save) -> None:
    with pytest.raises(ValueError, match=r"test_share must lie in \[0, 1\), got 20.0; did you mean 0.2"):
        load(save(alone=True, train=rows()), test_share=20.0)


@pytest.mark.usefixtures("package")
def test_a_folder_of_something_else_is_described(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"path must be a folder of save_to_disk, or .* files, found nothing at"):
        load(tmp_path / "gone")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ValueError, match=r"path must be a folder .* got .*, which holds notes.txt"):
        load(tmp_path)
    (tmp_path / "train.parquet").write_text("hello")
    with pytest.raises(ValueError, match=r"train.parquet must be a readable .parquet file, got: ") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_splits_that_do_not_fit_together_are_named(save: Save) -> None:
    with pytest.raises(ValueError, match=r"must hold a split train, got one, two; rename one"):
        load(save(one=rows(), two=rows()))
    with pytest.raises(ValueError, match=r"the same columns in all splits, train and test differ"):
        load(save("parquet", train=rows(), test=pictures()))


def test_reading_writes_nothing(saved: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in saved.rglob("*")}
    load(saved, train=30)
    assert {file: file.stat().st_mtime_ns for file in saved.rglob("*")} == before


def test_nothing_is_asked_of_a_network(saved: Path, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save("parquet", train=pictures(), test=pictures())
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, lambda *_: pytest.fail("asked of a network"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("asked of a network"))
    assert len(load(saved).train) == 300
    assert len(load(path).train) == 30
    linked = {"image": [{"bytes": None, "path": "https://example.org/a.png"}] * 30, "label": LABELS}
    with pytest.raises(ValueError, match=r"image 0 of train must be there, got https://example.org/a.png, which is no"):
        load(save("parquet", train=linked, test=linked))


def test_without_the_package_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.parquet").touch()
    for found in (ImportError("No module named 'datasets'"), builtins):
        monkeypatch.setattr(arrow.importlib, "import_module", _giving(found))
        with pytest.raises(ValueError, match=r"data set hf needs the extra hf: pip install roarbench\[hf\] \(.+\)"):
            load(tmp_path)


def _giving(found: Any) -> Callable[[str], Any]:
    def import_module(name: str) -> Any:
        if isinstance(found, ImportError):
            raise found
        return found

    return import_module


@pytest.mark.whole
def test_a_checkout_reads_what_the_package_saved(saved: Path, tmp_path: Path) -> None:
    """Run as a file, the folder of the checkout comes first on the path, and has a folder of the package's name."""
    command = [
        "run", "--dry-run", "--datasets", f"hf[path={saved}]", "--classifiers", "mlp", "--explainers", "random",
        "--seeds", "1", "--evaluator", "false",
    ]  # fmt: skip
    for place in (PROJECT, tmp_path):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [sys.executable, str(PROJECT / "run_benchmark.py"), *command],
            cwd=place, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "270 + 30 + 100 examples of 1x8x8, 3 classes: ant, bee, cat" in done.stdout
