"""The user's own folders of images: what is read, what is passed over, and how mistakes are named."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from roarbench.datasets.check import remarks
from roarbench.datasets.folder import image_folder


def folder(root: Path, **parameters: Any):
    return image_folder(Path(), root=root, **({"size": 8} | parameters))


def test_every_suffix_is_read_in_any_case(images_root: Path) -> None:
    dataset = folder(images_root, validation=0.0)
    assert dataset.train.inputs.shape == (20, 3, 8, 8)
    assert dataset.test.inputs.shape == (4, 3, 8, 8)


def test_classes_are_numbered_in_sorted_order(images_root: Path) -> None:
    Image.new("RGB", (4, 4), "white").save(images_root / "test/ant/white.png")
    dataset = folder(images_root)
    white = dataset.test.inputs.flatten(1).min(dim=1).values == 1
    assert dataset.test.labels[white].tolist() == [0]
    assert dataset.class_names == ("ant", "bee")


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
    with pytest.raises(ValueError, match=r"0.png must have 8 bits per channel, got mode I"):
        folder(images_root)


@pytest.mark.parametrize(
    ("parameters", "message"), [({"channels": 4}, "channels must be 1"), ({"size": 0}, "size must be 1")]
)
def test_an_impossible_format_is_refused(images_root: Path, parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        folder(images_root, **parameters)


@pytest.mark.parametrize("in_memory", [True, False])
def test_images_in_subfolders_of_a_class_are_its_images(images_root: Path, in_memory: bool) -> None:
    """White images, so that they are told from those beside them."""
    for place in ("session 2", "session 2/part", ".hidden"):
        (images_root / "test/ant" / place).mkdir()
        Image.new("RGB", (4, 4), "white").save(images_root / "test/ant" / place / "0.png")
    test = folder(images_root, in_memory=in_memory).test
    examples = test.at(torch.arange(len(test)))
    white = examples.inputs.flatten(1).min(dim=1).values == 1
    assert (len(test), int(white.sum()), examples.labels[white].tolist()) == (6, 2, [0, 0])


def test_a_link_back_is_followed_once(images_root: Path) -> None:
    (images_root / "test/ant/again").symlink_to(images_root / "test/ant")
    assert len(folder(images_root).test) == 4


def test_a_linked_class_is_read(images_root: Path) -> None:
    (images_root / "test/ant").rename(images_root.parent / "elsewhere")
    (images_root / "test/ant").symlink_to(images_root.parent / "elsewhere")
    assert len(folder(images_root).test) == 4


def test_files_that_are_passed_over_are_counted_by_why(images_root: Path) -> None:
    assert folder(images_root).card.notes == ()
    for name in ("a.txt", "b.TXT", "c.csv", "README", ".DS_Store"):
        (images_root / "test/ant" / name).touch()
    (images_root / "train/loose.png").touch()
    assert folder(images_root).card.notes == (
        "passed over 6 files: 1 .csv, 2 .txt, 1 hidden, 1 outside the folders of the classes, 1 without a suffix",
    )


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_without_a_test_folder_validation_images_are_the_test_split(images_root: Path, name: str) -> None:
    expected = folder(images_root)
    (images_root / "test").rename(images_root / name)
    renamed = folder(images_root)
    assert renamed.test.inputs.equal(expected.test.inputs)
    assert len(renamed.validation) == len(expected.validation) == 2
    assert renamed.card.notes == (f"the folder {name} is the test split: there is no folder test",)


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_validation_folder_beside_test_is_the_validation_split(images_root: Path, in_memory: bool) -> None:
    shutil.copytree(images_root / "test", images_root / "val")
    given = folder(images_root, in_memory=in_memory, validation=0.5)
    assert [len(split) for split in (given.train, given.validation, given.test)] == [20, 4, 4]
    every = torch.arange(4)
    assert given.validation.at(every).inputs.equal(given.test.at(every).inputs)
    assert given.card.notes == ("the folder val is the validation split: the parameter validation is not used",)
    assert given.card.checksums.keys() == {"train/*", "val/*", "test/*"}


def test_two_validation_folders_are_a_question(images_root: Path) -> None:
    for name in ("val", "validation"):
        shutil.copytree(images_root / "test", images_root / name)
    with pytest.raises(ValueError, match="one folder of validation images, got val and validation"):
        folder(images_root)


def test_a_class_without_a_folder_in_validation_is_named(images_root: Path) -> None:
    shutil.copytree(images_root / "test", images_root / "val")
    shutil.rmtree(images_root / "val/bee")
    with pytest.raises(ValueError, match=r"train and validation and test, got \['bee'\] in only some of them"):
        folder(images_root)


def test_a_folder_of_something_else_is_described(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    with pytest.raises(ValueError, match="which holds cats"):
        folder(tmp_path)


def test_images_outside_of_class_folders_alone_are_not_enough(images_root: Path) -> None:
    for part in ("train", "test"):
        shutil.rmtree(images_root / part)
        (images_root / part).mkdir()
        Image.new("RGB", (4, 4)).save(images_root / part / "0.png")
    with pytest.raises(ValueError, match="must hold a folder for each class in train and test, found none"):
        folder(images_root)


def test_a_class_of_other_files_says_which(images_root: Path) -> None:
    for part in ("train", "test"):
        (images_root / part / "wasp").mkdir()
        (images_root / part / "wasp/0.npy").touch()
    with pytest.raises(ValueError, match=r"found none in .*train/wasp but 1 .npy"):
        folder(images_root)


@pytest.mark.parametrize("name", ["my data/ünï", "a,b", "v[2]", "x=1", "50% & #1_", "it's"])
def test_a_folder_may_have_any_name(images_root: Path, name: str) -> None:
    expected = folder(images_root).train.inputs
    (images_root.parent / name).parent.mkdir(exist_ok=True)
    images_root.rename(images_root.parent / name)
    assert folder(images_root.parent / name).train.inputs.equal(expected)


def test_uneven_classes_are_told_by_the_accuracy_of_always_saying_one(images_root: Path) -> None:
    for number in range(28):
        shutil.copy(images_root / "test/ant/0.png", images_root / f"test/ant/more{number}.png")
    assert remarks(folder(images_root)) == ("chance is 93.8 %: class 0 (ant) holds 30 of 32 test examples",)


@pytest.fixture
def masked_root(images_root: Path) -> Path:
    """Every image has a mask: a black PNG whose top left quarter is not, with the number of the image in its colour."""
    for path in sorted(images_root.glob("*/*/*")):
        mask = images_root / "masks" / path.relative_to(images_root).with_suffix(".png")
        mask.parent.mkdir(parents=True, exist_ok=True)
        values = np.zeros((16, 16, 3), dtype=np.uint8)
        values[:8, : 8 if path.stem == "0" else 16, int(path.stem) % 3] = 1
        Image.fromarray(values).save(mask)
    return images_root


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_the_mask_of_an_image_is_that_of_its_name(masked_root: Path, in_memory: bool, validation: float) -> None:
    """White images are number 0 of their class, whose masks are narrow."""
    for path in masked_root.glob("t*/*/0.png"):
        Image.new("RGB", (4, 4), "white").save(path)
    data = folder(masked_root, in_memory=in_memory, validation=validation)
    white = 0
    for split in data.splits.values():
        for part in split.chunks(3):
            assert part.relevance().shape == part.inputs.shape
            for image, relevance in zip(part.inputs, part.relevance(), strict=True):
                narrow = image.min() == 1
                expected = torch.zeros(8, 8)
                expected[:4, : 4 if narrow else 8] = 1
                assert torch.equal(relevance, expected.expand(3, 8, 8))
                white += int(narrow)
    assert white == 4


def test_masks_are_part_of_the_checksums(masked_root: Path) -> None:
    before = folder(masked_root).card.checksums
    assert before.keys() == {"train/*", "masks/train/*", "test/*", "masks/test/*"}
    Image.new("L", (4, 4)).save(masked_root / "masks/test/ant/0.png")
    after = folder(masked_root).card.checksums
    assert {name for name in before if before[name] != after[name]} == {"masks/test/*"}


def test_a_split_without_masks_knows_no_truth(masked_root: Path) -> None:
    shutil.rmtree(masked_root / "masks/train")
    data = folder(masked_root)
    assert [split.has_truth for split in data.splits.values()] == [False, False, True]
    assert data.card.notes == ()


def test_masks_of_a_validation_folder_are_its_truth(masked_root: Path) -> None:
    for place in ("", "masks/"):
        (masked_root / f"{place}test").rename(masked_root / f"{place}val")
    assert folder(masked_root).test.has_truth


def test_what_is_no_mask_of_an_image_is_told(masked_root: Path) -> None:
    shutil.copy(masked_root / "masks/test/ant/0.png", masked_root / "masks/test/ant/7.png")
    (masked_root / "masks/test/ant/.hidden.png").touch()
    assert folder(masked_root).card.notes == ("passed over masks of no image in masks/test: 1",)
    (masked_root / "masks").rename(masked_root / "elsewhere")
    (masked_root / "masks/maps").mkdir(parents=True)
    assert folder(masked_root).card.notes == ("passed over the folder masks: it holds none of the folders train, test",)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "masks/test/ant/1.png").unlink(), r"found none for ant/1.JPG; add one, black where"),
        (
            lambda root: shutil.copy(root / "masks/test/ant/1.png", root / "masks/test/ant/1.bmp"),
            r"1.(bmp|png) must be the only mask of its name, got 1.(png|bmp) beside it; remove one",
        ),
        (
            lambda root: shutil.copy(root / "test/ant/0.png", root / "test/ant/0.webp"),
            r"0.png must be the only image of its name, got 0.webp beside it; rename one",
        ),
        (lambda root: (root / "masks/test/ant/1.png").write_bytes(b"no"), r"1.png must be a readable image"),
        (
            lambda root: Image.new("I;16", (4, 4)).save(root / "masks/test/ant/1.png"),
            r"1.png must have 8 bits per channel",
        ),
    ],
)
@pytest.mark.parametrize("in_memory", [True, False])
def test_a_wrong_mask_is_named(masked_root: Path, spoil: Any, message: str, in_memory: bool) -> None:
    spoil(masked_root)
    with pytest.raises(ValueError, match=message) as caught:
        folder(masked_root, in_memory=in_memory)
    assert "\n" not in str(caught.value)
