"""The user's own images and arrays: what is read, and how mistakes are named."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.folder import arrays, image_folder


def folder(root: Path, **parameters: Any):
    return image_folder(Path(), root=root, **({"size": 8} | parameters))


def save(path: Path, **changes: np.ndarray) -> Path:
    """Rewrites an .npz file with some arrays changed; None drops one."""
    with np.load(path) as archive:
        content = dict(archive) | changes
    np.savez(path, **{name: values for name, values in content.items() if values is not None})
    return path


def test_every_suffix_is_read_in_any_case(images_root: Path) -> None:
    dataset = folder(images_root, validation=0.0)
    assert dataset.train.inputs.shape == (20, 3, 8, 8)
    assert dataset.test.inputs.shape == (4, 3, 8, 8)


def test_classes_are_numbered_in_sorted_order(images_root: Path) -> None:
    Image.new("RGB", (4, 4), "white").save(images_root / "test/ant/white.png")
    dataset = folder(images_root)
    white = dataset.test.inputs.flatten(1).min(dim=1).values == 1
    assert dataset.test.labels[white].tolist() == [0]


def test_one_channel_gives_grey_images(images_root: Path) -> None:
    assert folder(images_root, channels=1).feature_shape == (1, 8, 8)


def test_shrinking_averages_instead_of_picking_pixels(images_root: Path) -> None:
    stripes = np.zeros((64, 64), dtype=np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(images_root / "test/bee/zz.png")
    inputs = folder(images_root, size=8).test.inputs[-1]
    assert (inputs - 0.5).abs().max() < 0.15


def test_other_and_hidden_files_are_passed_over(images_root: Path) -> None:
    expected = len(folder(images_root).test)
    (images_root / "test/ant/notes.txt").write_text("no image")
    (images_root / "test/ant/._0.png").write_bytes(b"macOS")
    (images_root / "test/.cache").mkdir()
    assert len(folder(images_root).test) == expected


def test_a_relative_root_starts_at_the_current_folder(images_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(images_root.parent)
    assert len(folder(Path("images")).test) == 4


def test_the_checksum_follows_the_images(images_root: Path) -> None:
    before = folder(images_root).card.checksums
    Image.new("RGB", (4, 4)).save(images_root / "test/ant/0.png")
    after = folder(images_root).card.checksums
    assert before["train/*"] == after["train/*"]
    assert before["test/*"] != after["test/*"]


def test_a_missing_split_folder_is_named(images_root: Path) -> None:
    shutil.rmtree(images_root / "test")
    with pytest.raises(ValueError, match=f"root must hold the folders train and test, found no {images_root / 'test'}"):
        folder(images_root)


def test_a_class_in_one_split_only_is_named(images_root: Path) -> None:
    (images_root / "test/wasp").mkdir()
    with pytest.raises(ValueError, match=r"same class folders in train and test, got \['wasp'\] in only one"):
        folder(images_root)


def test_an_empty_class_is_named(images_root: Path) -> None:
    for part in ("train", "test"):
        (images_root / part / "wasp").mkdir()
    with pytest.raises(ValueError, match=f"found none in {images_root / 'train/wasp'}"):
        folder(images_root)


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n half"])
def test_an_unreadable_image_is_named(images_root: Path, content: bytes) -> None:
    (images_root / "train/ant/0.png").write_bytes(content)
    with pytest.raises(ValueError, match=f"{images_root / 'train/ant/0.png'} must be a readable image"):
        folder(images_root)


def test_a_16_bit_image_is_refused_rather_than_clipped(images_root: Path) -> None:
    Image.fromarray(np.full((4, 4), 30000, dtype=np.uint16)).save(images_root / "train/ant/0.png")
    with pytest.raises(ValueError, match=r"0.png must have 8 bits per channel, got mode I;16"):
        folder(images_root)


@pytest.mark.parametrize(
    ("parameters", "message"), [({"channels": 4}, "channels must be 1"), ({"size": 0}, "size must be 1")]
)
def test_an_impossible_format_is_refused(images_root: Path, parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        folder(images_root, **parameters)


def test_uint8_arrays_are_divided_by_255(npz: Path) -> None:
    dataset = arrays(Path(), path=npz, validation=0.0)
    with np.load(npz) as archive:
        expected = torch.from_numpy(archive["x_test"][:, None] / 255).float()
    torch.testing.assert_close(dataset.test.inputs, expected)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((7,), (7,)), ((6, 5), (1, 6, 5)), ((3, 6, 5), (3, 6, 5)), ((6, 5, 3), (3, 6, 5)), ((6, 5, 1), (1, 6, 5))],
)
def test_the_axis_of_the_channels_is_found(npz: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    save(npz, x_train=np.zeros((40, *shape)), x_test=np.ones((20, *shape), dtype=np.float16))
    assert arrays(Path(), path=npz).feature_shape == expected


def test_channels_last_images_are_transposed_not_reshaped(npz: Path) -> None:
    pixels = np.random.default_rng(0).random((20, 6, 5, 3)).astype(np.float32)
    save(npz, x_train=np.zeros((40, 6, 5, 3)), x_test=pixels)
    assert arrays(Path(), path=npz).test.inputs[2, 1, 4, 3] == pixels[2, 4, 3, 1].item()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, r"must hold x_train, y_train, x_test, y_test, lacks y_test"),
        ({"x_train": np.full((40, 4), 255.0)}, r"x_train must lie in \[0, 1\], got values in \[255, 255\]; scale"),
        ({"x_train": np.full((40, 4), np.nan)}, r"x_train must lie in \[0, 1\], got values in \[nan, nan\]"),
        (
            {"x_train": np.zeros((40, 4), dtype=int)},
            r"x_train must be uint8 \(0..255\) or float in \[0, 1\], got int64",
        ),
        (
            {"x_train": np.zeros((40, 3, 6, 3))},
            r"x_train must have its channels on axis 1, got shape .* axis 3 could be meant",
        ),
        ({"x_train": np.zeros(40)}, r"x_train must have 2 \(table\), 3 or 4 \(images\) axes, got shape \(40,\)"),
        ({"x_train": np.zeros((40, 9))}, r"must have examples of one shape, got \(9,\) and \(1, 6, 5\)"),
        ({"x_train": np.zeros((39, 6, 5))}, r"one label for each of the rows of x_train .* got 40 and 39"),
        ({"y_train": np.zeros(40)}, r"y_train must be integers of shape \(n,\), got float64"),
        ({"y_train": np.eye(40, 2, dtype=int)}, r"y_train must be integers .* not one-hot rows"),
        ({"y_train": np.arange(40) % 2 + 1}, r"y_train must hold every integer of 0 ... k-1, got \[1, 2\]"),
        ({"y_test": np.arange(20) % 3}, r"y_test must hold only the classes of y_train, got \[2\] besides"),
        ({"x_train": np.array([{}] * 40)}, r"must be an .npz file of plain arrays"),
    ],
)
def test_a_wrong_array_is_named_with_a_remedy(npz: Path, changes: dict[str, np.ndarray], message: str) -> None:
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
