"""Arrays of one .npz file: what they are called, and what is made of them."""

import io
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Integer, Shaped
from numpy.lib.npyio import NpzFile

from roarbench.datasets.check import (
    Part,
    check_aligned,
    check_classes,
    check_not_empty,
    check_relevance,
    check_shapes,
    check_values,
)
from roarbench.datasets.download import checksum
from roarbench.datasets.split import Examples

Layout = Literal["auto", "first", "last"]
"""Where arrays have their channels: as their shape shows, on axis 1, on the last one."""

NAMES = (("x_{}", "y_{}"), ("{}_images", "{}_labels"))
"""What inputs and labels of a split are called; the second as in MedMNIST."""

TRUTH = "truth_{}"
"""What the ground truth of a split is called, beside either."""

CLASSES = "class_names"
"""What names of classes are called."""

SPLITS = {"train": "train", "validation": "val", "test": "test"}

USUAL_CHANNELS = (1, 3)
"""Grey and RGB: where one of axis 1 and axis 3 is so long, and the other is not, it holds the channels."""

FEW_CHANNELS = 4
"""Heights and widths are more than this."""

NPY = b"\x93NUMPY"
"""How a file of a single array begins."""

EXACT = 2**53
"""Floats below it are exact where they are whole."""


@dataclass(frozen=True)
class Arrays:
    """What was read from a file.

    Attributes:
        splits: "train", "test" and, where the file has it, "validation"; images with channels first.
        checksum: checksum of the file.
        notes: lines on how the file was read.
        class_names: names of the classes; empty where the file has none.
    """

    splits: dict[str, Examples]
    num_classes: int
    checksum: str
    notes: tuple[str, ...]
    class_names: tuple[str, ...] = ()


def read(path: Path, layout: Layout) -> Arrays:
    """Examples of an .npz file, whose inputs become uint8, or float32 in [0, 1].

    Raises:
        ValueError: the file or an array is missing, or an array is not what it should be.
    """
    raw, names, digest = _load(path)
    parts = {}
    for split, (inputs, labels) in names.items():
        first = channels_first(raw[inputs], inputs, layout)
        parts[split] = Part(unit_values(first, inputs), class_indices(raw[labels], labels), (inputs, labels))
    num_classes = _check(parts)
    truth = {split: _relevance(raw, split, parts[split], layout) for split in names}
    shape, name = raw[names["train"][0]].shape, names["train"][0]
    notes = [_reading(shape, name, layout)]
    if raw[name].dtype == np.uint8 and raw[name].max(initial=0) == 1:
        notes.append(f"{name} is uint8 with 0 and 1 alone, read as 0 and 1/255; if 1 is meant, store bool or float32")
    if "validation" in names:
        key = names["validation"][0]
        notes.append(f"{key} is the validation split: the parameter validation is not used")
    return Arrays(
        {split: Examples(part.inputs, part.labels, truth[split]) for split, part in parts.items()},
        num_classes,
        digest,
        tuple(note for note in notes if note),
        tuple(raw[CLASSES].ravel().astype(str).tolist()) if CLASSES in raw else (),
    )


def channels_first(values: np.ndarray, name: str, layout: Layout) -> Shaped[np.ndarray, "n *feature"]:
    """Rows `(n, d)`, or channels first: `(n, c, ...)` with up to three axes of places.

    Three axes are grey images `(n, h, w)`, unless the layout says that they are signals.

    Raises:
        ValueError: another number of axes, channels that could be on axis 1 as well as on the last one.
    """
    if not 2 <= values.ndim <= 5:
        kinds = "2 (table), 3 (grey images or signals), 4 (images) or 5 (volumes)"
        raise ValueError(f"{name} must have {kinds} axes, got shape {values.shape}; reshape it")
    if values.ndim == 2 and layout != "auto":
        raise ValueError(f"layout says where channels are, got {name} of shape {values.shape}; leave it out")
    if values.ndim == 2 or (values.ndim == 3 and layout == "auto"):
        return values if values.ndim == 2 else values[:, None]
    axis = _channel_axis(values.shape, layout)
    if axis is None:
        raise ValueError(
            f"{name} has shape {values.shape}, whose channels could be on axis 1 or on axis {values.ndim - 1}; "
            "add layout=first or layout=last"
        )
    return values if axis == 1 else np.ascontiguousarray(np.moveaxis(values, -1, 1))


def _channel_axis(shape: tuple[int, ...], layout: Layout) -> int | None:
    """The axis of the channels, 1 or the last; None where the shape does not show it."""
    last = len(shape) - 1
    if layout != "auto":
        return {"first": 1, "last": last}[layout]
    usual = [axis for axis in (1, last) if shape[axis] in USUAL_CHANNELS]
    return usual[0] if len(usual) == 1 else _guessed(shape, layout)


def _guessed(shape: tuple[int, ...], layout: Layout) -> int | None:
    """The axis of channels that are neither grey nor RGB: that beside a square, or that too short for a height."""
    if len(shape) != 4 or layout != "auto" or sum(shape[axis] in USUAL_CHANNELS for axis in (1, 3)) == 1:
        return None
    _, first, middle, last = shape
    hints = {3} if first == middle != last else {1} if middle == last != first else set()
    short = [axis for axis in (1, 3) if shape[axis] <= FEW_CHANNELS]
    if len(short) == 1:
        hints |= {*short}
    return hints.pop() if len(hints) == 1 else None


def _reading(shape: tuple[int, ...], name: str, layout: Layout) -> str:
    """How inputs are understood, where that need not be what was meant."""
    axis = _guessed(shape, layout)
    if axis:
        height, width = shape[2:] if axis == 1 else shape[1:3]
        channels = f"{shape[axis]} channels, which are on axis {axis}"
        return f"{name} {shape} is read as {shape[0]} images of {height}x{width} with {channels}"
    if len(shape) == 3 and layout == "auto":
        return f"{name} {shape} is read as {shape[0]} grey images of {shape[1]}x{shape[2]}"
    return ""


def _load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, str]], str]:
    """Arrays by name, the names of inputs and labels of each split, and the checksum of the file."""
    if not path.is_file():
        raise ValueError(f"path must be an .npz file, found nothing at {path.absolute()}; write it with numpy.savez")
    data = path.read_bytes()
    try:
        if data.startswith(NPY):
            raise ValueError("a single array, as .npy holds it")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            keys = list(archive)
            names = _names(keys)
            truth = [TRUTH.format(SPLITS[split]) for split in names]
            wanted = [name for pair in names.values() for name in pair]
            wanted += [name for name in (*truth, CLASSES) if name in keys]
            raw = {name: _plain(archive, name) for name in wanted}
    except (ValueError, OSError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} must be an .npz file of plain arrays, got: {error}; write it with numpy.savez"
        ) from error
    if not names:
        raise ValueError(f"{path} {_missing(keys)}")
    for pair in ((schema[0].format(SPLITS["validation"]), schema[1].format(SPLITS["validation"])) for schema in NAMES):
        if len(lone := sorted({*pair} & {*keys})) == 1:
            (other,) = {*pair} - {*lone}
            raise ValueError(f"{path} holds {lone[0]} without {other}: add {other}, or leave {lone[0]} out")
    if extra := {key for key in keys if key.startswith(TRUTH.format(""))} - {*raw}:
        raise ValueError(
            f"{path} holds {min(extra)}, the ground truth of no split: call it {' or '.join(truth)}, or leave it out"
        )
    return raw, names, checksum(data)


def _plain(archive: NpzFile, name: str) -> np.ndarray:
    try:
        return archive[name]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _names(keys: Collection[str]) -> dict[str, tuple[str, str]]:
    """Split -> names of its inputs and labels; nothing where train or test is not complete."""
    for schema in NAMES:
        pairs = {split: (schema[0].format(word), schema[1].format(word)) for split, word in SPLITS.items()}
        complete = {split: pair for split, pair in pairs.items() if set(pair) <= set(keys)}
        if {"train", "test"} <= complete.keys():
            return complete
    return {}


def _missing(keys: Collection[str]) -> str:
    """Which names a file lacks, of those that it comes nearest to, and which it has."""
    schemas = [[name.format(split) for split in ("train", "test") for name in schema] for schema in NAMES]
    nearest = min(schemas, key=lambda names: len(set(names) - set(keys)))
    lacks = ", ".join(name for name in nearest if name not in keys)
    choice = " or ".join(", ".join(names) for names in schemas)
    return f"must hold {choice}, lacks {lacks}; it has {', '.join(keys) or 'nothing'}: add them with numpy.savez"


def unit_values(values: np.ndarray, name: str) -> Shaped[np.ndarray, "n *feature"]:
    """uint8 as it is; bool, and floats once they are known to lie in [0, 1], as float32.

    Raises:
        ValueError: other numbers, or no numbers.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "bf":
        raise ValueError(f"{name} must be uint8 (0..255), bool or float in [0, 1], got {_integers(values)}")
    if values.dtype.kind == "f":
        check_values(values, name)
        if values.size and (values.min() < 0 or values.max() > 1):  # by rounding alone
            values = values.clip(0, 1)
    return values.astype(np.float32)


def _relevance(
    raw: Mapping[str, np.ndarray], split: str, part: Part, layout: Layout
) -> Shaped[np.ndarray, "n *mask"] | None:
    """Ground truth of a split with channels first, or with one channel; None where the file has none."""
    name, inputs = TRUTH.format(SPLITS[split]), part.names[0]
    if name not in raw:
        return None
    values, n, places = raw[name], len(part.inputs), part.inputs.shape[2:]
    if values.shape == raw[inputs].shape:
        values = channels_first(values, name, layout)
    elif places and values.shape in ((n, *places), (n, 1, *places), (n, *places, 1)):
        values = values.reshape(n, 1, *places)
    else:
        shape = raw[inputs].shape
        other = f", or {(n, 1, *places) if shape == (n, *places) else (n, *places)}" if places else ""
        raise ValueError(
            f"{name} must have the shape {shape} of {inputs}{other}, got {values.shape}; give the relevance of each of "
            "its examples"
        )
    check_relevance(values, name)
    return values if values.dtype == bool else values.astype(np.float32)


def _integers(values: np.ndarray) -> str:
    """What came instead of values of a known scale, and how to scale it."""
    if values.dtype.kind not in "iu" or not values.size:
        return f"{values.dtype}; convert it"
    low, high = values.min(), values.max()
    if low >= 0 and high <= 1:
        remedy = "save them as bool"
    elif low >= 0 and high <= 255:
        remedy = "divide by 255"
    else:
        remedy = "divide by the largest value that there can be (65535 for 16 bits)"
    return f"{values.dtype} of {low} ... {high}; {remedy}"


def class_indices(values: np.ndarray, name: str) -> Integer[np.ndarray, "n"]:
    """Labels as integers `(n,)`: also bool, whole floats, and one column.

    Raises:
        ValueError: text, fractions, or more than one number an example.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        kind = "text" if values.dtype.kind in "US" else values.dtype
        remedy = _renumbering(values, name)
        raise ValueError(f"{name} must be integers of shape (n,), got {kind} of shape {values.shape}; {remedy}")
    if values.dtype.kind not in "bf":
        return values
    odd = values[~(np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < EXACT))]
    if len(odd):
        raise ValueError(f"{name} must be whole numbers, got {odd[0]:g}; give class indices")
    return values.astype(np.int64)


def _renumbering(values: np.ndarray, name: str) -> str:
    """How class indices are made of other labels."""
    if values.dtype.kind in "US":
        return f"number them: numpy.unique({name}, return_inverse=True)[1]"
    if values.ndim == 2 and values.dtype.kind in "biuf" and set(np.unique(values)) <= {0, 1}:
        return f"of one-hot rows save {name}.argmax(1)"
    return "give one class index an example"


def _check(parts: Mapping[str, Part]) -> int:
    """The number of classes, once lengths, shapes and labels fit together."""
    for split, part in parts.items():
        check_aligned(part)
        if split != "validation":
            check_not_empty(part)
    check_shapes(list(parts.values()))
    return check_classes(list(parts.values()))
