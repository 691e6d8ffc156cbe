"""Data sets of Hugging Face's package `datasets` that lie in a folder: images, arrays and tables."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from roarbench.datasets.arrow import NUMBERS, Contents, Kind, contents, entries, values
from roarbench.datasets.base import Card, Dataset
from roarbench.datasets.check import Part, check_classes, check_values
from roarbench.datasets.images import decoded, form
from roarbench.datasets.npz import Layout, channels_first, class_indices, unit_values
from roarbench.datasets.split import carve, choose, scaled
from roarbench.datasets.stream import Stream

AT_ONCE = 256
"""Images whose files are in memory together."""

LABELS: tuple[Kind, ...] = ("class", "whole", "text")
"""What columns of labels hold; real numbers only where such a column is asked for."""

Fetch = Callable[[Int[np.ndarray, "b"]], Shaped[np.ndarray, "b *feature"]]
"""Positions of rows -> their inputs, uint8 or float32 in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Source:
    """Examples of one split: rows at some positions of a table.

    Attributes:
        fetch: reads rows.
        labels: of all rows of the table.
        index: positions of the examples.
    """

    fetch: Fetch
    labels: Int[np.ndarray, "n"]
    index: Int[np.ndarray, "m"]

    def at(self, index: Int[np.ndarray, "k"]) -> "Source":
        """The examples at some positions of these."""
        return replace(self, index=self.index[index])

    @property
    def own_labels(self) -> Int[np.ndarray, "m"]:
        """Labels of the examples."""
        return self.labels[self.index]

    def stream(self, shape: tuple[int, ...]) -> Stream:
        """The examples, read when they are used."""

        def read(index: Int[Tensor, "b"]) -> Tensor:
            return scaled(self.fetch(self.index[index.numpy()]))

        return Stream(torch.from_numpy(self.own_labels), read=read, shape=shape)


def hf(
    data_root: Path,
    *,
    path: Path,
    inputs: str = "",
    label: str = "",
    size: int = 0,
    channels: int = 0,
    layout: Layout = "auto",
    train: int | None = None,
    test: int | None = None,
    test_share: float = 0.2,
    validation: float = 0.1,
    seed: int = 0,
    in_memory: bool = True,
) -> Dataset:
    """A Hugging Face data set in a folder: one of `save_to_disk`, or of .parquet or .arrow files; never downloaded.

    `inputs` and `label` are columns; without them, they are found where only one fits. Inputs are a column of images,
    or one of arrays or lists of one length, read as `arrays` reads them, with `layout`. Without either they are all
    columns of numbers, the features of a table. Labels are classes, whole numbers 0 ... k-1, or text, whose sorted
    values are the classes.

    Images are turned upright. `size` resizes them to squares (bilinear, antialiased), 0 leaves them as they are.
    `channels` is 1 (grey) or 3 (RGB); 0 takes 1 where all images are grey.

    Splits are train, test and, if it is there, validation, in place of the share `validation` of train. Without test,
    validation is the test split; without both, a stratified share `test_share` of train is. `train` and `test` take
    stratified subsets. With `in_memory` false images are decoded whenever they are used.

    Raises:
        ValueError: the extra is not installed, nothing of that kind is there, or a column is not as described.
    """
    if channels not in (0, 1, 3):
        raise ValueError(f"channels must be 1 (grey), 3 (RGB) or 0 (as the images are), got {channels}; use channels=3")
    if size < 0:
        raise ValueError(f"size must be 0 (as the images are) or more, got {size}; 224 is usual for photographs")
    content = contents(path)
    labelled = _label_column(content, label, inputs)
    columns = _input_columns(content, labelled, inputs)
    labels, class_names = _labels(content, labelled)
    num_classes = _check_classes(labels, class_names)
    fetches, shape = _fetches(content, columns, size, channels, layout)
    sources = {role: Source(fetches[role], labels[role], np.arange(len(labels[role]))) for role in content.rows}
    sources = _divided(sources, (train, test), (test_share, validation), seed)
    streams = {role: source.stream(shape) for role, source in sources.items()}
    splits = {role: stream.at(torch.arange(len(stream))) if in_memory else stream for role, stream in streams.items()}
    notes = (*content.notes, *_notes(content, [labelled, *columns], test_share))
    card = Card(f"Data set in {path.name}", str(path), "as given by its owner", "none", content.checksums, notes)
    names = tuple(columns) if content.kinds[columns[0]] in NUMBERS else ()
    return Dataset(**splits, num_classes=num_classes, card=card, feature_names=names, class_names=class_names)


def _label_column(content: Contents, asked: str, inputs: str) -> str:
    """The column of labels: as asked, or "label", or the only one of classes, or the only one that could be."""
    kinds = {name: kind for name, kind in content.kinds.items() if name not in inputs.split(",")}
    fitting = [name for name, kind in kinds.items() if kind in LABELS]
    if asked:
        _require(content, asked, (*LABELS, "real"), "label")
        return asked
    classes = [name for name in fitting if kinds[name] == "class"]
    for choice in (["label"] if "label" in fitting else [], classes, fitting):
        if len(choice) == 1:
            return choice[0]
    raise ValueError(f"label must be a column, which could be {_listed(content, classes or fitting)}; add label=NAME")


def _input_columns(content: Contents, label: str, asked: str) -> list[str]:
    """The column of images or arrays, or all columns of numbers."""
    if asked:
        names = asked.split(",")
        for name in names:
            _require(content, name, NUMBERS if len(names) > 1 else ("image", "array", *NUMBERS), "inputs")
        return names
    others = {name: kind for name, kind in content.kinds.items() if name != label}
    for wanted in ("image", "array"):
        names = [name for name, kind in others.items() if kind == wanted]
        if len(names) > 1:
            raise ValueError(f"inputs must be a column, which could be {' or '.join(names)}; add inputs=NAME")
        if names:
            return names
    if numbers := [name for name, kind in others.items() if kind in NUMBERS]:
        return numbers
    raise ValueError(f"inputs must be a column of images, arrays or numbers, got {_listed(content, [])}; add one")


def _require(content: Contents, name: str, kinds: tuple[Kind, ...], parameter: str) -> None:
    if content.kinds.get(name) not in kinds:
        raise ValueError(f"{parameter} must be a column of {' or '.join(kinds)}, got {name!r}; {_listed(content, [])}")


def _listed(content: Contents, names: list[str]) -> str:
    """Some columns, or all of them with what they hold."""
    return " or ".join(names) or "the columns " + ", ".join(f"{name} ({kind})" for name, kind in content.kinds.items())


def _labels(content: Contents, column: str) -> tuple[dict[str, Int[np.ndarray, "n"]], tuple[str, ...]]:
    """Class indices of all rows of each split, and the names of the classes."""
    raw = {role: values(rows, column) for role, rows in content.rows.items()}
    if content.kinds[column] != "text":
        indices = {role: class_indices(of, f"labels of {role}").astype(np.int64) for role, of in raw.items()}
        return indices, content.class_names.get(column, ())
    for role, of in raw.items():
        if lacking := sum(name is None for name in of):
            raise ValueError(f"labels of {role} must be there, {lacking} of {len(of)} rows lack one; drop these")
    names = sorted({*raw["train"]})
    known = {name: number for number, name in enumerate(names)}
    for role, of in raw.items():
        if extra := sorted({*of} - {*names}):
            raise ValueError(f"labels of {role} must be among those of train, got {extra[0]!r} besides; add or drop it")
    return {role: np.array([known[name] for name in of], dtype=np.int64) for role, of in raw.items()}, tuple(names)


def _check_classes(labels: Mapping[str, Int[np.ndarray, "n"]], names: tuple[str, ...]) -> int:
    """The number of classes, once the labels of all splits fit together."""
    roles = ("train", *(role for role in labels if role != "train"))
    parts = [Part(labels[role], labels[role], (f"inputs of {role}", f"labels of {role}")) for role in roles]
    return check_classes(parts, len(names) or None)


def _fetches(
    content: Contents, columns: list[str], size: int, channels: int, layout: Layout
) -> tuple[dict[str, Fetch], tuple[int, ...]]:
    """How the rows of each split are read, and the shape of an example."""
    kind = content.kinds[columns[0]]
    if kind == "image":
        return _images(content.rows, columns[0], size, channels)
    arrays = {
        role: _table(rows, columns, role) if kind in NUMBERS else _arrays(rows, columns[0], role, layout)
        for role, rows in content.rows.items()
    }
    shapes = sorted({array.shape[1:] for array in arrays.values()})
    if len(shapes) > 1:
        raise ValueError(f"column {columns[0]} must have one shape in all splits, got {shapes[0]} and {shapes[1]}")
    return {role: array.__getitem__ for role, array in arrays.items()}, shapes[0]


def _arrays(rows: Any, column: str, role: str, layout: Layout) -> Shaped[np.ndarray, "n *feature"]:
    """A column of arrays or lists, as `arrays` reads them."""
    name = f"{column} of {role}"
    return unit_values(channels_first(values(rows, column), name, layout), name)


def _table(rows: Any, columns: list[str], role: str) -> Shaped[np.ndarray, "n d"]:
    """Columns of numbers in [0, 1], beside each other."""
    table = np.column_stack([values(rows, column).astype(np.float64) for column in columns])
    for column, numbers in zip(columns, table.T, strict=True):
        check_values(numbers, f"{column} of {role}")
    return table.clip(0, 1).astype(np.float32)


def _images(rows: Mapping[str, Any], column: str, size: int, channels: int) -> tuple[dict[str, Fetch], tuple[int, ...]]:
    """How images are decoded, once all are known to become of one shape."""
    forms = {found for role, part in rows.items() for found in _forms(part, column, role)}
    depth = channels or max(channel for channel, _, _ in forms)
    sizes = sorted({(height, width) for _, height, width in forms})
    if len(sizes) > 1 and not size:
        (height, width), (other, beside) = sizes[0], sizes[-1]
        got = f"got {height}x{width} and {other}x{beside}"
        raise ValueError(f"images of column {column} must have one size, {got}; resize them with size={other}")
    shape = (depth, size, size) if size else (depth, *sizes[0])
    return {role: _decoder(part, column, role, size, depth) for role, part in rows.items()}, shape


def _decoder(rows: Any, column: str, role: str, size: int, channels: int) -> Fetch:
    def fetch(index: Int[np.ndarray, "b"]) -> Shaped[np.ndarray, "b c h w"]:
        files = _files(rows, column, role, index)
        return np.stack([decoded(content, name, size, channels) for content, name in files])

    return fetch


def _forms(rows: Any, column: str, role: str) -> set[tuple[int, int, int]]:
    return {form(content, name) for content, name in _files(rows, column, role, np.arange(len(rows)))}


def _files(rows: Any, column: str, role: str, index: Int[np.ndarray, "b"]) -> Iterator[tuple[bytes, str]]:
    """The file of each image, and what it is called in messages."""
    for block in np.split(index, range(AT_ONCE, len(index), AT_ONCE)):
        for number, entry in zip(block.tolist(), entries(rows, column, block.tolist()), strict=True):
            name = f"image {number} of {role}"
            yield _content(entry, name), name


def _content(entry: Any, name: str) -> bytes:
    """The bytes of an image, of the table or of a file beside it."""
    content = entry.get("bytes") if isinstance(entry, dict) else entry
    place = entry.get("path") if isinstance(entry, dict) else None
    if content is None and place and Path(place).is_file():
        return Path(place).read_bytes()
    if content is None:
        raise ValueError(f"{name} must be there, got {place or 'nothing'}, which is no file here; save images with it")
    return content


def _divided(
    sources: dict[str, Source], counts: tuple[int | None, int | None], shares: tuple[float, float], seed: int
) -> dict[str, Source]:
    """Train, validation and test: what is not there is carved from train, after subsets are chosen."""
    sources = dict(sources)
    if "test" not in sources:
        sources["train"], sources["test"] = _carved(sources["train"], shares[0], "test_share", seed)
    for role, count in zip(("train", "test"), counts, strict=True):
        sources[role] = sources[role].at(choose(sources[role].own_labels, count, name=role, seed=seed))
    if "validation" not in sources:
        sources["train"], sources["validation"] = _carved(sources["train"], shares[1], "validation", seed)
    return sources


def _carved(source: Source, share: float, name: str, seed: int) -> tuple[Source, Source]:
    rest, held = carve(source.own_labels, share, name=name, seed=seed)
    return source.at(rest), source.at(held)


def _notes(content: Contents, used: list[str], test_share: float) -> list[str]:
    """Lines on what was found without being asked for."""
    notes = []
    if left := [name for name in content.kinds if name not in used]:
        inputs = ", ".join(used[1:4]) + " ..." * (len(used) > 4)
        notes.append(f"inputs are {inputs}, labels {used[0]}; left out: {', '.join(left)}")
    if "validation" in content.rows:
        notes.append("the split validation is used: the parameter validation is not")
    if "test" not in content.rows:
        notes.append(f"a stratified share of {test_share:g} of train is the test split: there is no other")
    return notes
