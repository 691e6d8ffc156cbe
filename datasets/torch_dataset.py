"""Data sets of torch, which give one example at a time: of a function of the user's own, or in memory."""

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from roarbench.datasets.base import Card, Dataset, Split
from roarbench.datasets.check import FEW, Part, check_classes, check_shapes
from roarbench.datasets.npz import Layout, channels_first, class_indices, unit_values
from roarbench.datasets.split import Amounts, Examples, partition, scaled
from roarbench.datasets.stream import Stream, divided

AT_ONCE = 256
"""Examples that are read together where they do not stay in memory."""

PIXELS = ("1", "L", "I", "I;16", "F", "RGB")
"""Modes of PIL images whose values are intensities; others are turned into RGB."""


@runtime_checkable
class Maker(Protocol):
    """A function or class of the user's own, by dotted path."""

    def __call__(self, train: bool) -> object:
        """The training data, or those for test: whatever has a length and gives pairs (input, label) by position."""
        ...


def torch_dataset(
    data_root: Path,
    *,
    build: Maker,
    layout: Layout = "auto",
    validation: float = 0.1,
    seed: int = 0,
    in_memory: bool = True,
) -> Dataset:
    """Your torch data set: "my_file:make", a function or class of yours that takes `train`, true or false.

    What it returns has a length and gives pairs (input, label) by position. A function without a parameter `train`
    returns both data sets, for training and for test. Names of classes are those of an attribute `classes`.

    Inputs are tensors `(c, h, w)`, arrays, PIL images or rows `(d,)`, of one shape, and the same whenever read.
    uint8 means 0..255 and is divided by 255. bool means 0 and 1, and floats must lie in [0, 1]. `layout` is that of
    arrays, as for `arrays`. Labels are the whole numbers 0 ... k-1.

    With `in_memory` false examples are read whenever they are used.

    Raises:
        ValueError: it gives something else.
    """
    parts = dict(zip(("train", "test"), _both(build), strict=True))
    read = {name: _read(part, name, layout, keep=in_memory) for name, part in parts.items()}
    known = [part for part, _ in read.values()]
    check_shapes(known)
    num_classes = check_classes(known)
    splits: Sequence[Split]
    if in_memory:
        train, test = (Examples(part.inputs, part.labels) for part in known)
        splits = partition(train, test, Amounts(validation=validation, seed=seed))
    else:
        streams = (_stream(parts[name], name, layout, part) for name, (part, _) in read.items())
        splits = divided(*streams, validation=validation, seed=seed)
    made: Any = getattr(build, "func", build)
    checksums = {name: digest for name, (_, digest) in read.items()}
    card = Card(
        f"{made.__qualname__} of {made.__module__}", made.__module__, "as given by its owner", "none", checksums
    )
    return Dataset(*splits, num_classes, card, class_names=class_names(parts["train"], num_classes))


def positions(part: Any, name: str) -> range:
    """All positions of a torch data set.

    Args:
        name: of the data, for messages.

    Raises:
        ValueError: it has no length, gives nothing by position, or is empty.
    """
    if not hasattr(part, "__len__") or not hasattr(part, "__getitem__"):
        raise ValueError(f"{name} must have a length and give examples by position, got {type(part).__name__}")
    if not len(part):
        raise ValueError(f"{name} must hold at least one example, got none; add some")
    return range(len(part))


def examples(part: Any, name: str, index: Sequence[int]) -> Examples:
    """Some examples of a torch data set as they come, PIL images with channels first.

    Args:
        name: of the data, for messages.

    Raises:
        ValueError: it gives no pairs of input and label, or inputs of more than one shape.
    """
    pairs = [_pair(part[i], name) for i in index]
    inputs, labels = [array(x) for x, _ in pairs], np.array([array(y) for _, y in pairs])
    _check_one_shape(inputs, name)
    return Examples(np.stack(inputs), labels.reshape(len(index)) if labels.size == len(index) else labels)


def array(value: Any) -> Shaped[np.ndarray, "..."]:
    """A tensor, array or number as an array; a PIL image with channels first."""
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy()
    if hasattr(value, "getbands"):
        pixels = np.asarray(value if value.mode in PIXELS else value.convert("RGB"))
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return np.asarray(value)


def class_names(part: Any, num_classes: int) -> tuple[str, ...]:
    """The names of classes that a torch data set tells, or the one that it is a part of; none unless there are k."""
    while hasattr(part, "dataset") and not hasattr(part, "classes"):
        part = part.dataset
    names = getattr(part, "classes", ())
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name.strip() for name in names):
        return ()
    return tuple(names) if len(names) == len({*names}) == num_classes else ()


def _both(build: Maker) -> tuple[Any, Any]:
    """Training and test data as the user's function gives them."""
    if "train" in inspect.signature(build).parameters:
        return build(train=True), build(train=False)
    both = build()  # type: ignore[call-arg]
    if not isinstance(both, Sequence) or len(both) != 2:
        raise ValueError(f"build must take train, or return training and test data, got {type(both).__name__}")
    return both[0], both[1]


def _pair(item: Any, name: str) -> tuple[Any, Any]:
    if not isinstance(item, tuple | list) or len(item) != 2:
        kind = type(item).__name__ + (f" of {len(item)}" if isinstance(item, tuple | list) else "")
        raise ValueError(f"{name} must give pairs (input, label), got {kind}; return such a pair")
    return item[0], item[1]


def _read(part: Any, name: str, layout: Layout, *, keep: bool) -> tuple[Part, str]:
    """All labels of a data set with all inputs, or the first ones, and a checksum of everything."""
    digest, everything = hashlib.sha256(), positions(part, name)
    inputs: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for start in everything[::AT_ONCE]:
        block = _block(part, name, layout, everything[start : start + AT_ONCE])
        _check_one_shape([*(kept[0] for kept in inputs[:1]), block.inputs[0]], name)
        digest.update(block.inputs.tobytes() + block.labels.tobytes())
        inputs += [block.inputs] if keep or not inputs else []
        labels.append(block.labels)
    whole = Part(np.concatenate(inputs), np.concatenate(labels), (f"inputs of {name}", f"labels of {name}"))
    _check_repeats(part, name, layout, whole.inputs)
    return whole, f"sha256:{digest.hexdigest()}"


def _check_one_shape(inputs: Sequence[Shaped[np.ndarray, "..."]], name: str) -> None:
    shapes = sorted({x.shape for x in inputs})
    if len(shapes) > 1:
        raise ValueError(f"{name} must give inputs of one shape, got {shapes[0]} and {shapes[1]}; resize them alike")


def _block(part: Any, name: str, layout: Layout, index: Sequence[int]) -> Examples:
    """Some examples with channels first, uint8 or float32 in [0, 1], and labels as integers."""
    raw = examples(part, name, index)
    photographs = hasattr(_pair(part[index[0]], name)[0], "getbands")
    inputs = channels_first(raw.inputs, f"inputs of {name}", "first" if photographs else layout)
    return Examples(
        unit_values(inputs, f"inputs of {name}"), class_indices(raw.labels, f"labels of {name}").astype(np.int64)
    )


def _check_repeats(part: Any, name: str, layout: Layout, inputs: Shaped[np.ndarray, "n *feature"]) -> None:
    """Raises ValueError where the first examples are others the second time: random transforms would never repeat."""
    again = _block(part, name, layout, positions(part, name)[:FEW]).inputs
    if not np.array_equal(again, inputs[: len(again)]):
        remedy = "leave random transforms out, and train with --augmentation"
        raise ValueError(f"{name} must give the same inputs whenever it is read, got others the second time; {remedy}")


def _stream(part: Any, name: str, layout: Layout, known: Part) -> Stream:
    """Examples that are read when they are used."""

    def read(index: Int[Tensor, "b"]) -> Tensor:
        return scaled(_block(part, name, layout, index.tolist()).inputs)

    return Stream(torch.from_numpy(known.labels), read=read, shape=tuple(known.inputs.shape[1:]))
