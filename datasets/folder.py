"""The user's own data: folders of images, and arrays in one .npz file."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, Shaped

from roarbench.datasets.base import Card, Dataset, Read, Split
from roarbench.datasets.images import fingerprint, mask, pixels
from roarbench.datasets.listing import Listing, listing
from roarbench.datasets.masks import FOLDER, masks
from roarbench.datasets.npz import Layout, read
from roarbench.datasets.split import Amounts, Examples, partition, to_split
from roarbench.datasets.stream import Stream, divided


def image_folder(
    data_root: Path,
    *,
    root: Path,
    size: int = 224,
    channels: int = 3,
    validation: float = 0.1,
    seed: int = 0,
    in_memory: bool = True,
) -> Dataset:
    """Your own images: ROOT/train/<class>/* and ROOT/test/<class>/*, resized to squares.

    Classes are the sorted names of the folders, images all files of a class, also in its subfolders, whose suffix the
    installed Pillow decodes. Hidden files and folders are passed over. A folder `val`, `valid` or `validation` is the
    validation split, in place of the share `validation` of train. If there is no `test`, it is the test split.

    Every image is rotated as its EXIF orientation says. It is converted to `channels` (1 grey or 3 RGB) and resized to
    `size` x `size` (bilinear, antialiased, aspect ratio not kept): inputs `(n, channels, size, size)`. A relative
    `root` starts at the current folder.

    ROOT/masks/train/<class>/* and ROOT/masks/test/<class>/* are the ground truth, if they are there. They are not black
    where a pixel of the upright image of the same name is relevant, and are resized to the nearest pixel. A split has
    a mask for each of its images, or no folder of masks.

    With `in_memory` false the images stay on disk and are decoded whenever they are used: for folders that do not fit.

    Raises:
        ValueError: a folder is missing, a class is empty or in one split only, an image can not be read or lacks its
            mask.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (RGB), got {channels}; use channels=3 for colour")
    if size < 1:
        raise ValueError(f"size must be 1 pixel or more, got {size}; 224 is usual for photographs")
    files = listing(root)
    truth = masks(root, files)
    splits: Sequence[Split]
    if in_memory:
        examples = {
            split: _examples(images, truth.paths.get(split), size, channels) for split, images in files.images.items()
        }
        splits = _in_memory(examples, validation, seed)
    else:
        streams = {
            split: _stream(images, truth.paths.get(split), size, channels) for split, images in files.images.items()
        }
        splits = _on_disk(streams, validation, seed)
    checksums = _checksums(files, truth.paths, root, look=not in_memory)
    notes = files.notes + truth.notes
    card = Card(f"Images in {root.name}", str(root), "as given by their owner", "none", checksums, notes)
    return Dataset(*splits, len(files.classes), card, class_names=tuple(files.classes))


def arrays(data_root: Path, *, path: Path, layout: Layout = "auto", validation: float = 0.1, seed: int = 0) -> Dataset:
    """Your own arrays: x_train, y_train, x_test and y_test in one .npz file.

    Also x_val and y_val, which are the validation split in place of the share `validation` of train; or train_images,
    train_labels, val_images, ... as in MedMNIST.

    Images are `(n, c, h, w)`, `(n, h, w, c)` or `(n, h, w)`; tables are `(n, d)`. `layout` is the place of the channels
    in images of four axes: `first` is axis 1, `last` is axis 3. `auto` decides by their shape, and refuses shapes that
    could mean both. uint8 means 0..255 and is divided by 255, bool means 0 and 1. Floats must lie in [0, 1]; they are
    clipped if they are outside by at most 1e-4. Labels are the whole numbers 0 ... k-1, `(n,)` or `(n, 1)`. Nothing is
    unpickled. A relative `path` starts at the current folder.

    truth_train, truth_test and truth_val are the ground truth, each if it is there: bool, or numbers above 0 where a
    feature is relevant. They have the shape of the inputs; `(n, h, w)` or `(n, 1, h, w)` where all channels share it.
    class_names, if it is there, is an array of text with the name of each class.

    Raises:
        ValueError: the file or an array is missing, or an array is not as described.
    """
    contents = read(path, layout)
    splits = _in_memory(contents.splits, validation, seed)
    checksums = {path.name: contents.checksum}
    card = Card(f"Arrays in {path.name}", str(path), "as given by their owner", "none", checksums, contents.notes)
    return Dataset(*splits, contents.num_classes, card, class_names=contents.class_names)


def _in_memory(examples: Mapping[str, Examples], validation: float, seed: int) -> tuple[Split, Split, Split]:
    """Train, validation and test; a share of train is carved for validation unless that is given."""
    given = examples.get("validation")
    amounts = Amounts(validation=validation if given is None else 0.0, seed=seed)
    train, carved, test = partition(examples["train"], examples["test"], amounts)
    return train, carved if given is None else to_split(given, np.arange(len(given.labels))), test


def _on_disk(streams: Mapping[str, Stream], validation: float, seed: int) -> tuple[Stream, Stream, Stream]:
    """The streams of the splits that they would be in memory."""
    given = streams.get("validation")
    share = validation if given is None else 0.0
    train, carved, test = divided(streams["train"], streams["test"], validation=share, seed=seed)
    return train, carved if given is None else given, test


def _examples(images: Sequence[Sequence[Path]], truth: Sequence[Path] | None, size: int, channels: int) -> Examples:
    inputs = np.stack([pixels(path, size, channels) for members in images for path in members])
    relevant = None if truth is None else np.stack([mask(path, size) for path in truth])
    return Examples(inputs, _class_of_each(images), relevant)


def _stream(images: Sequence[Sequence[Path]], truth: Sequence[Path] | None, size: int, channels: int) -> Stream:
    """Images, and masks, that are decoded when they are used."""
    read = _reader([path for members in images for path in members], lambda path: pixels(path, size, channels))
    return Stream(
        torch.from_numpy(_class_of_each(images)),
        read=lambda index: read(index).to(torch.float32).div_(255),
        shape=(channels, size, size),
        masks=None if truth is None else _reader(truth, lambda path: mask(path, size)),
    )


def _reader(paths: Sequence[Path], decode: Callable[[Path], Shaped[np.ndarray, "c h w"]]) -> Read:
    # One array: a list of a million paths would be copied by each process that reads them.
    names = np.array([str(path.absolute()) for path in paths])
    return lambda index: torch.from_numpy(np.stack([decode(Path(name)) for name in names[index.numpy()]]))


def _class_of_each(images: Sequence[Sequence[Path]]) -> Int[np.ndarray, "n"]:
    return np.repeat(np.arange(len(images)), [len(members) for members in images])


def _checksums(content: Listing, truth: Mapping[str, Sequence[Path]], root: Path, *, look: bool) -> dict[str, str]:
    """Folder -> checksum of its images."""
    checksums = {}
    for split, folder in content.folders.items():
        images = [path for members in content.images[split] for path in members]
        checksums[f"{folder.name}/*"] = _digest(root, images, look=look)
        if split in truth:
            checksums[f"{FOLDER}/{folder.name}/*"] = _digest(root, truth[split], look=look)
    return checksums


def _digest(root: Path, images: Sequence[Path], *, look: bool) -> str:
    """One checksum over names and contents of images; on the way one may look whether they open."""
    digest = hashlib.sha256()
    for path in images:
        digest.update(f"{path.relative_to(root).as_posix()} {fingerprint(path, look=look)}\n".encode())
    return f"sha256:{digest.hexdigest()}"
