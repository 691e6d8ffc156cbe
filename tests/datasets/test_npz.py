"""The user's own arrays: what is read as what, and how mistakes are named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from roarbench.datasets.check import remarks
from roarbench.datasets.folder import arrays


def save(path: Path, **changes: np.ndarray | None) -> Path:
    """Rewrites an .npz file with some arrays changed; None drops one."""
    with np.load(path) as archive:
        content = dict(archive) | changes
    np.savez(path, **{name: values for name, values in content.items() if values is not None})
    return path


def zeros(*shape: int) -> dict[str, np.ndarray]:
    """Black training and test examples of one shape."""
    return {"x_train": np.zeros((40, *shape)), "x_test": np.zeros((20, *shape))}


def test_names_of_classes_are_read_where_they_are(npz: Path) -> None:
    assert arrays(Path(), path=npz).class_names == ()
    assert arrays(Path(), path=save(npz, class_names=np.array(["cat", "dog"]))).class_names == ("cat", "dog")
    with pytest.raises(ValueError, match=r"must be an .npz file of plain arrays, got: class_names: Object arrays"):
        arrays(Path(), path=save(npz, class_names=np.array(["cat", "dog"], dtype=object)))


def test_uint8_arrays_are_divided_by_255(npz: Path) -> None:
    dataset = arrays(Path(), path=npz, validation=0.0)
    with np.load(npz) as archive:
        expected = torch.from_numpy(archive["x_test"][:, None] / 255).float()
    torch.testing.assert_close(dataset.test.inputs, expected)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((7,), (7,)),
        ((6, 5), (1, 6, 5)),
        ((3, 6, 5), (3, 6, 5)),
        ((6, 5, 3), (3, 6, 5)),
        ((6, 5, 1), (1, 6, 5)),
        ((3, 3, 24), (3, 3, 24)),
        ((24, 24, 4), (4, 24, 24)),
        ((4, 24, 24), (4, 24, 24)),
        ((24, 24, 13), (13, 24, 24)),
        ((13, 24, 24), (13, 24, 24)),
        ((6, 5, 2), (2, 6, 5)),
        ((2, 6, 5), (2, 6, 5)),
        ((30, 20, 4), (4, 30, 20)),
    ],
)
def test_the_axis_of_the_channels_is_found(npz: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    save(npz, x_train=np.zeros((40, *shape)), x_test=np.ones((20, *shape), dtype=np.float16))
    assert arrays(Path(), path=npz).feature_shape == expected


@pytest.mark.parametrize("shape", [(3, 6, 3), (1, 6, 1), (4, 6, 2), (5, 5, 5), (6, 5, 7), (13, 24, 30), (2, 2, 24)])
def test_channels_that_could_be_on_either_axis_are_a_question_with_two_answers(
    npz: Path, shape: tuple[int, ...]
) -> None:
    save(npz, **zeros(*shape))
    with pytest.raises(ValueError, match="on axis 1 or on axis 3; add layout=first or layout=last"):
        arrays(Path(), path=npz)
    assert arrays(Path(), path=npz, layout="first").feature_shape == shape
    assert arrays(Path(), path=npz, layout="last").feature_shape == (shape[2], *shape[:2])


def test_layout_wins_over_the_shape(npz: Path) -> None:
    save(npz, **zeros(3, 6, 5))
    assert arrays(Path(), path=npz, layout="last").feature_shape == (5, 3, 6)


def test_layout_without_channels_is_refused(npz: Path) -> None:
    save(npz, x_train=np.zeros((40, 6)), x_test=np.zeros((20, 6)))
    with pytest.raises(ValueError, match=r"layout says where channels are, got x_train of shape \(40, 6\)"):
        arrays(Path(), path=npz, layout="last")


def test_three_axes_are_grey_images_or_signals_as_the_layout_says(npz: Path) -> None:
    values = np.random.default_rng(0).random((20, 6, 5)).astype(np.float32)
    save(npz, x_train=np.zeros((40, 6, 5)), x_test=values)
    loaded = {layout: arrays(Path(), path=npz, layout=layout).test.inputs for layout in ("auto", "first", "last")}
    assert np.array_equal(loaded["auto"], values[:, None])
    assert np.array_equal(loaded["first"], values)
    assert np.array_equal(loaded["last"], values.transpose(0, 2, 1))


@pytest.mark.parametrize("shape", [(20, 1, 4, 5, 6), (20, 4, 5, 6, 1)])
def test_five_axes_are_volumes(npz: Path, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    save(npz, x_train=np.zeros((40, *shape[1:])), x_test=values)
    loaded = arrays(Path(), path=npz).test.inputs
    assert np.array_equal(loaded, values.reshape(20, 1, 4, 5, 6))


@pytest.mark.parametrize("channels", [3, 4])
def test_channels_last_images_are_transposed_not_reshaped(npz: Path, channels: int) -> None:
    pixels = np.random.default_rng(0).random((20, 6, 6, channels)).astype(np.float32)
    save(npz, x_train=np.zeros((40, 6, 6, channels)), x_test=pixels)
    assert arrays(Path(), path=npz).test.inputs[2, 1, 5, 3] == pixels[2, 5, 3, 1].item()


@pytest.mark.parametrize(
    ("shape", "note"),
    [
        ((6, 64), ("x_train (40, 6, 64) is read as 40 grey images of 6x64",)),
        (
            (24, 20, 4),
            ("x_train (40, 24, 20, 4) is read as 40 images of 24x20 with 4 channels, which are on axis 3",),
        ),
        ((3, 24, 20), ()),
        ((7,), ()),
    ],
)
def test_a_reading_that_may_not_be_meant_is_told(npz: Path, shape: tuple[int, ...], note: tuple[str, ...]) -> None:
    save(npz, **zeros(*shape))
    assert remarks(arrays(Path(), path=npz)) == note


def test_bytes_of_0_and_1_are_told(npz: Path) -> None:
    save(npz, x_train=np.arange(40 * 30, dtype="u1").reshape(40, 1, 6, 5) % 2)
    assert "x_train is uint8 with 0 and 1 alone, read as 0 and 1/255" in remarks(arrays(Path(), path=npz))[0]


def test_half_of_a_validation_split_is_named(npz: Path) -> None:
    save(npz, x_val=np.zeros((4, 1, 6, 5), dtype="u1"))
    with pytest.raises(ValueError, match="holds x_val without y_val: add y_val, or leave x_val out"):
        arrays(Path(), path=npz)


@pytest.mark.parametrize(
    "labels",
    [np.arange(40)[:, None] % 2, np.arange(40) % 2 == 1, np.arange(40) % 2 * 1.0, np.arange(40, dtype="u1") % 2],
)
def test_labels_are_whole_numbers_of_any_kind(npz: Path, labels: np.ndarray) -> None:
    expected = arrays(Path(), path=npz)
    found = arrays(Path(), path=save(npz, y_train=labels))
    assert found.train.labels.equal(expected.train.labels)
    assert found.num_classes == 2


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4", "longdouble", "?"])
def test_floats_of_any_width_and_bool_are_taken_as_they_are(npz: Path, kind: str) -> None:
    values = np.arange(20 * 30).reshape(20, 6, 5) % 2
    found = arrays(Path(), path=save(npz, x_test=values.astype(kind)))
    assert found.test.inputs.equal(torch.from_numpy(values[:, None]).float())


def test_what_rounding_puts_outside_of_the_unit_interval_is_clipped(npz: Path) -> None:
    values = np.full((20, 6, 5), 0.5)
    values[:, 0, 0], values[:, 0, 1] = 1.00005, -0.00005
    inputs = arrays(Path(), path=save(npz, x_test=values)).test.inputs
    assert (inputs.min(), inputs.max(), inputs.unique().numel()) == (0, 1, 3)


@pytest.mark.parametrize("names", [("x_{}", "y_{}"), ("{}_images", "{}_labels")])
def test_arrays_for_validation_are_the_validation_split(npz: Path, names: tuple[str, str]) -> None:
    before = arrays(Path(), path=npz, validation=0.0)
    with np.load(npz) as archive:
        kept = dict(archive)
    content = {"train": (kept["x_train"], kept["y_train"]), "test": (kept["x_test"], kept["y_test"])}
    content["val"] = (content["test"][0][:7] // 2, content["test"][1][:7, None])
    np.savez(npz, **{n.format(s): values for s, pair in content.items() for n, values in zip(names, pair, strict=True)})
    found = arrays(Path(), path=npz)
    assert found.train.inputs.equal(before.train.inputs)
    assert found.test.inputs.equal(before.test.inputs)
    assert (len(found.validation), found.validation.labels.tolist()) == (7, [0, 1, 0, 1, 0, 1, 0])
    given = names[0].format("val")
    assert f"{given} is the validation split: the parameter validation is not used" in remarks(found)


@pytest.mark.parametrize("validation", [0.0, 0.25])
def test_each_example_keeps_its_truth(npz: Path, validation: float) -> None:
    """The truth is where an image is bright, so that each image tells which one should be its own."""
    with np.load(npz) as archive:
        bright = {split: archive[f"x_{split}"] > 127 for split in ("train", "test")}
    data = arrays(Path(), path=save(npz, truth_train=bright["train"], truth_test=bright["test"]), validation=validation)
    for split in data.splits.values():
        assert split.has_truth
        assert torch.equal(split.relevance().bool(), split.inputs > 127.5 / 255)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda truth: truth,
    "one channel": lambda truth: truth[:, None],
    "channels first": lambda truth: truth.transpose(0, 3, 1, 2),
}


@pytest.mark.parametrize(
    ("shape", "truth", "change"),
    [
        ((6, 5), (6, 5), "one channel"),
        ((6, 5), (1, 6, 5), "as it is"),
        ((3, 6, 5), (6, 5), "one channel"),
        ((3, 6, 5), (1, 6, 5), "as it is"),
        ((3, 6, 5), (3, 6, 5), "as it is"),
        ((6, 5, 3), (6, 5, 3), "channels first"),
        ((6, 5, 3), (6, 5, 1), "channels first"),
        ((7,), (7,), "as it is"),
    ],
)
@pytest.mark.parametrize("kind", ["?", "i8", "u1", "f2", "f8"])
def test_truth_of_any_shape_and_kind_has_that_of_the_inputs(
    npz: Path, shape: tuple[int, ...], truth: tuple[int, ...], change: str, kind: str
) -> None:
    given = np.random.default_rng(0).integers(0, 2, (20, *truth)).astype(kind)
    data = arrays(Path(), path=save(npz, **zeros(*shape), truth_test=given))
    found = data.test.relevance()
    assert (found.shape, found.dtype) == (data.test.inputs.shape, torch.float32)
    assert np.array_equal(found.numpy(), np.broadcast_to(CHANGES[change](given), found.shape))


def test_a_split_without_truth_knows_none(npz: Path) -> None:
    data = arrays(Path(), path=save(npz, truth_test=np.ones((20, 6, 5))))
    assert [split.has_truth for split in data.splits.values()] == [False, False, True]
    with pytest.raises(ValueError, match="relevance is known of data with ground truth, got data without"):
        data.train.relevance()


def test_truth_of_a_validation_split_is_its_own(npz: Path) -> None:
    with np.load(npz) as archive:
        x, y = archive["x_test"][::-1], archive["y_test"][::-1]
    data = arrays(Path(), path=save(npz, x_val=x, y_val=y, truth_val=x > 127))
    assert torch.equal(data.validation.relevance().bool(), data.validation.inputs > 127.5 / 255)


def with_value(value: float, count: int) -> np.ndarray:
    """Grey training images some of which hold a value."""
    values = np.zeros((40, 6, 5))
    values[:count, 2, 3] = value
    return values


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"y_test": None},
            r"must hold x_train, .* or train_images, .*, lacks y_test; it has x_train, y_train, x_test:",
        ),
        (
            {"x_train": np.full((40, 4), 255.0)},
            r"x_train must lie in \[0, 1\], got values in \[255, 255\]; scale .* 255",
        ),
        ({"x_train": np.full((40, 4), 1e6)}, r"\[1e\+06, 1e\+06\]; scale by the range of the training data$"),
        ({"x_train": with_value(-1.5, 3)}, r"got values in \[-1.5, 0\]; .*: the classifier standardises by itself"),
        ({"x_train": with_value(np.nan, 12)}, r"x_train has NaN in 12 of 40 examples; drop"),
        ({"x_train": with_value(-np.inf, 1)}, r"x_train has infinity in 1 of 40 examples; drop"),
        ({"x_train": np.zeros((40, 4), dtype=int)}, r"must be uint8 \(0..255\), bool or float in \[0, 1\], got int64"),
        ({"x_train": np.full((40, 4), 200)}, r"got int64 of 200 ... 200; divide by 255"),
        ({"x_train": np.full((40, 4), 60000, "u2")}, r"got uint16 of 60000 ... 60000; divide by .*65535 for 16 bits"),
        ({"x_train": np.zeros((40, 4), complex)}, r"got complex128; convert it"),
        ({"x_train": np.zeros(40)}, r"x_train must have 2 \(table\), .* axes, got shape \(40,\)"),
        ({"x_train": np.zeros((40, 9))}, r"must have examples of one shape, got \(9,\) and \(1, 6, 5\)"),
        (zeros(0), r"x_train must have examples of at least one feature, got shape \(40, 0\)"),
        ({"x_train": np.zeros((39, 6, 5))}, r"one label for each of the rows of x_train, got 40 and 39"),
        ({"x_test": np.zeros((0, 6, 5)), "y_test": np.zeros(0, int)}, r"x_test must hold at least one example"),
        ({"y_train": np.arange(40) % 2 / 2}, r"y_train must be whole numbers, got 0.5"),
        ({"y_train": np.full(40, np.nan)}, r"y_train must be whole numbers, got nan"),
        (
            {"y_train": np.eye(40, 2, dtype=int)},
            r"y_train must be integers .*; of one-hot rows save y_train.argmax\(1\)",
        ),
        ({"y_train": np.full((40, 3), 2)}, r"y_train must be integers .* \(40, 3\); give one class index an example"),
        ({"y_train": np.array(["cat", "dog"] * 20)}, r"got text of shape \(40,\); number them: numpy.unique\(y_train"),
        (
            {"y_train": np.arange(40) % 2 + 1},
            r"y_train must hold every integer of 0 ... 1 .* has \[2\]; subtract 1 from",
        ),
        ({"y_train": np.arange(40) % 2 * 2}, r"lacks \[1\] and has \[2\]; renumber the classes"),
        ({"y_train": np.arange(40) % 2 - 1}, r"lacks \[1\] and has \[-1\]; renumber the classes"),
        ({"y_train": np.zeros(40, int), "y_test": np.zeros(20, int)}, r"two classes or more, got \[0\]; .* be 100 %"),
        ({"y_test": np.arange(20) % 3}, r"y_test must hold only the classes of y_train, got \[2\] besides"),
        (
            {"truth_train": np.ones((39, 6, 5))},
            r"truth_train must have the shape \(40, 6, 5\) of x_train, or \(40, 1, 6, 5\), got \(39, 6, 5\); give the",
        ),
        (
            {"truth_test": np.ones((20, 30))},
            r"truth_test must have the shape \(20, 6, 5\) of x_test, .* got \(20, 30\)",
        ),
        ({"truth_test": np.full((20, 6, 5), -1)}, r"truth_test must not be negative, got -1; take its magnitude"),
        ({"truth_test": np.full((20, 6, 5), np.nan)}, r"truth_test has NaN in 20 of 20 examples; 0 says that nothing"),
        ({"truth_test": np.full((20, 6, 5), "a")}, r"truth_test must be bool or numbers, above 0 where relevant, got"),
        ({"truth_val": np.ones((20, 6, 5))}, r"holds truth_val, the ground truth of no split: call it truth_train or"),
        ({"x_train": np.array([{}] * 40)}, r"must be an .npz file of plain arrays, got: x_train: Object arrays"),
    ],
)
def test_a_wrong_array_is_named_with_a_remedy(npz: Path, changes: dict[str, Any], message: str) -> None:
    save(npz, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        arrays(Path(), path=npz)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 half"])
def test_a_file_that_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} must be an .npz file of plain arrays"):
        arrays(Path(), path=path)


def test_a_lone_npy_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"must be an .npz file of plain arrays"):
        arrays(Path(), path=tmp_path / "own.npy")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"path must be an .npz file, found nothing at {tmp_path / 'no.npz'}"):
        arrays(Path(), path=tmp_path / "no.npz")
