"""The user's own data: folders of images, and arrays in one .npz file."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor

from datasets.base import Card, Dataset
from datasets.download import checksum
from datasets.split import Amounts, Examples, partition
from datasets.stream import Stream, divided

SUFFIXES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


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
    """Your images: ROOT/train/<class>/* and ROOT/test/<class>/*, resized to squares.

    Classes are the sorted names of the folders. Every image is converted to `channels` (1 grey or 3 RGB) and resized to
    `size` x `size` (bilinear, antialiased, aspect ratio not kept): inputs `(n, channels, size, size)`. Files with
    other suffixes and names that begin with a dot are passed over. A relative `root` starts at the current folder.

    With `in_memory` false the images stay on disk and are decoded whenever they are used: for folders that do not fit.

    Raises:
        ValueError: a folder is missing, a class is empty or in one split only, an image can not be read.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (RGB), got {channels}; use channels=3 for colour")
    if size < 1:
        raise ValueError(f"size must be 1 pixel or more, got {size}; 224 is usual for photographs")
    classes = _classes(root)
    paths = {part: [_images(root / part / name) for name in classes] for part in ("train", "test")}
    if in_memory:
        train, test = (_read_images(paths[part], size, channels) for part in ("train", "test"))
        splits = partition(train, test, Amounts(validation=validation, seed=seed))
    else:
        streams = (_stream(paths[part], size, channels) for part in ("train", "test"))
        splits = divided(*streams, validation=validation, seed=seed)
    checksums = {f"{part}/*": _digest(root, paths[part], look=not in_memory) for part in ("train", "test")}
    card = Card(f"Images in {root.name}", str(root), "as given by their owner", "none", checksums)
    return Dataset(*splits, len(classes), card)


def arrays(data_root: Path, *, path: Path, validation: float = 0.1, seed: int = 0) -> Dataset:
    """Your arrays: x_train, y_train, x_test and y_test in one .npz file.

    Images are `(n, c, h, w)` or `(n, h, w, c)` with c in {1, 3}, or `(n, h, w)`; tables are `(n, d)`. uint8 means
    0..255 and is divided by 255; floats must lie in [0, 1]. Labels are integers 0 ... k-1. Nothing is unpickled.
    A relative `path` starts at the current folder.

    Raises:
        ValueError: the file or an array is missing, or an array is not as described.
    """
    found, digest = _read_npz(path)
    train, test = (
        Examples(_inputs(found[f"x_{part}"], f"x_{part}"), _labels(found[f"y_{part}"], f"y_{part}"))
        for part in ("train", "test")
    )
    num_classes = _check_together(train, test)
    card = Card(f"Arrays in {path.name}", str(path), "as given by their owner", "none", {path.name: digest})
    return Dataset(*partition(train, test, Amounts(validation=validation, seed=seed)), num_classes, card)


def _classes(root: Path) -> list[str]:
    names = {}
    for part in ("train", "test"):
        folder = root / part
        if not folder.is_dir():
            raise ValueError(
                f"root must hold the folders train and test, found no {folder.absolute()}; check root={root}"
            )
        names[part] = {entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    if names["train"] != names["test"] or not names["train"]:
        odd = sorted(names["train"] ^ names["test"])
        raise ValueError(
            f"root must hold the same class folders in train and test, got {odd} in only one of them in {root}"
        )
    return sorted(names["train"])


def _images(folder: Path) -> list[Path]:
    images = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
    if not images:
        raise ValueError(f"every class folder must hold images ({' '.join(sorted(SUFFIXES))}), found none in {folder}")
    return sorted(images)


def _read_images(paths: list[list[Path]], size: int, channels: int) -> Examples:
    inputs = np.stack([_image(path, size, channels) for members in paths for path in members])
    return Examples(inputs, _class_of_each(paths))


def _stream(paths: list[list[Path]], size: int, channels: int) -> Stream:
    """Images that are decoded when they are used."""
    # One array: a list of a million paths would be copied by each process that reads them.
    names = np.array([str(path.absolute()) for members in paths for path in members])

    def read(index: Int[Tensor, "b"]) -> Float[Tensor, "b c h w"]:
        pixels = np.stack([_image(Path(name), size, channels) for name in names[index.numpy()]])
        return torch.from_numpy(pixels).to(torch.float32).div_(255)

    return Stream(torch.from_numpy(_class_of_each(paths)), read=read, shape=(channels, size, size))


def _class_of_each(paths: list[list[Path]]) -> Int[np.ndarray, "n"]:
    return np.repeat(np.arange(len(paths)), [len(members) for members in paths])


def _image(path: Path, size: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    from PIL import Image

    with _readable(path), Image.open(path) as image:
        _check_depth(path, image.mode)
        converted = image.convert("L" if channels == 1 else "RGB")
        pixels = np.array(converted.resize((size, size), Image.Resampling.BILINEAR))
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    from PIL import Image

    try:
        yield
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} must be a readable image, got: {error}; replace or remove it") from error


def _check_depth(path: Path, mode: str) -> None:
    # Pillow clips 16-bit and float images at 255 when it converts them: white pictures without a word.
    if mode.startswith(("I", "F")):
        raise ValueError(f"{path} must have 8 bits per channel, got mode {mode}; convert it to 8 bits")


def _check_opens(path: Path, content: bytes) -> None:
    """Looks at headers, and at what checksums an image has of its own; decoding would take as long as an epoch."""
    from PIL import Image

    with _readable(path), Image.open(io.BytesIO(content)) as image:
        _check_depth(path, image.mode)
        image.verify()


def _digest(root: Path, paths: list[list[Path]], *, look: bool) -> str:
    """One checksum over names and contents of all images of a split; on the way one may look whether they open."""
    digest = hashlib.sha256()
    for path in (path for members in paths for path in members):
        content = path.read_bytes()
        if look:
            _check_opens(path, content)
        digest.update(f"{path.relative_to(root).as_posix()} {checksum(content)}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], str]:
    if not path.is_file():
        raise ValueError(f"path must be an .npz file, found nothing at {path.absolute()}; write it with numpy.savez")
    data = path.read_bytes()
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            missing = [name for name in ARRAYS if name not in archive]
            found = {name: archive[name] for name in ARRAYS if name in archive}
    except (ValueError, OSError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} must be an .npz file of plain arrays, got: {error}; write it with numpy.savez"
        ) from error
    if missing:
        raise ValueError(f"{path} must hold {', '.join(ARRAYS)}, lacks {', '.join(missing)}; add them with numpy.savez")
    return found, checksum(data)


def _inputs(values: np.ndarray, name: str) -> Shaped[np.ndarray, "n *feature"]:
    """Images with channels first, or rows; uint8, or float32 in [0, 1]."""
    values = _channels_first(values, name)
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"{name} must be uint8 (0..255) or float in [0, 1], got {values.dtype}; convert it")
    if values.size and not (values.min() >= 0 and values.max() <= 1):  # written so that nan fails too
        span = f"[{values.min():g}, {values.max():g}]"
        raise ValueError(f"{name} must lie in [0, 1], got values in {span}; scale by the range of the training data")
    return values.astype(np.float32)


def _channels_first(values: np.ndarray, name: str) -> np.ndarray:
    if values.ndim == 2:
        return values
    if values.ndim == 3:
        return values[:, None]
    if values.ndim != 4:
        raise ValueError(f"{name} must have 2 (table), 3 or 4 (images) axes, got shape {values.shape}; reshape it")
    first, last = values.shape[1] in (1, 3), values.shape[3] in (1, 3)
    if first and last:
        raise ValueError(
            f"{name} must have its channels on axis 1, got shape {values.shape} where axis 3 could be meant as well; "
            "give images as (n, h, w) or with channels first and more than 3 columns"
        )
    return values if first or not last else np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def _labels(values: np.ndarray, name: str) -> Shaped[np.ndarray, "n"]:
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        got = f"{values.dtype} of shape {values.shape}"
        raise ValueError(f"{name} must be integers of shape (n,), got {got}; give class indices, not one-hot rows")
    return values


def _check_together(train: Examples, test: Examples) -> int:
    """The number of classes, once lengths, shapes and labels fit together."""
    for part, examples in (("train", train), ("test", test)):
        if not len(examples.labels) == len(examples.inputs) > 0:
            got = f"{len(examples.labels)} and {len(examples.inputs)}"
            raise ValueError(
                f"y_{part} must have one label for each of the rows of x_{part} (at least one), got {got}; align them"
            )
    if train.inputs.shape[1:] != test.inputs.shape[1:]:
        got = f"{train.inputs.shape[1:]} and {test.inputs.shape[1:]}"
        raise ValueError(f"x_train and x_test must have examples of one shape, got {got}; resize them alike")
    classes = np.unique(train.labels)
    if not np.array_equal(classes, np.arange(len(classes))):
        raise ValueError(
            f"y_train must hold every integer of 0 ... k-1, got {classes.tolist()[:20]}; renumber the classes"
        )
    if not np.isin(test.labels, classes).all():
        extra = np.setdiff1d(test.labels, classes).tolist()[:20]
        raise ValueError(f"y_test must hold only the classes of y_train, got {extra} besides; add or drop them")
    return len(classes)
