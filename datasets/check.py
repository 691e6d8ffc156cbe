"""Whether data are what a data set must be: arrays of a file and splits of anyone, by one code and in one language."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Integer, Shaped
from torch import Tensor

from roarbench.datasets.base import Card, Dataset, Split
from roarbench.datasets.stream import Stream

MARGIN = 1e-4
"""How far values may lie outside [0, 1]: rounding, such as 1.0000001."""

FEW = 2
"""Examples of a stream that are looked at."""

UNEVEN = 0.9
"""Share of the test examples in one class above which it is worth a note."""


class Part(NamedTuple):
    """Examples of one split, and what its inputs and labels are called where they come from."""

    inputs: Shaped[np.ndarray, "n *feature"]
    labels: Integer[np.ndarray, "n"]
    names: tuple[str, str]


def check(data: object) -> Dataset:
    """The data set that was given, once it is known to be one.

    All inputs that are in memory are looked at, of streams the first examples.

    Raises:
        ValueError: it is no `Dataset`, or one whose splits, labels, values or card are not as `datasets.base` says.
    """
    if not isinstance(data, Dataset):
        raise ValueError(
            f"a data set must be a Dataset, got {_kind(data)}; return roarbench.datasets.base.Dataset(...)"
        )
    if not isinstance(data.card, Card):
        raise ValueError(f"card must be a Card, got {_kind(data.card)}; say where the data come from")
    if not isinstance(data.card.checksums, dict):
        raise ValueError(f"card.checksums must be a dict, got {_kind(data.card.checksums)}; give file name -> checksum")
    if not isinstance(data.num_classes, int | np.integer) or data.num_classes < 1:
        raise ValueError(f"num_classes must be a positive integer, got {data.num_classes!r}; count the classes")
    train, validation, test = (_part(name, getattr(data, name)) for name in ("train", "validation", "test"))
    check_shapes((train, validation, test))
    for part in (train, test):
        check_not_empty(part)
    for part in (train, validation, test):
        check_values(part.inputs, part.names[0])
    check_classes((train, validation, test), int(data.num_classes))
    check_names(data.class_names, int(data.num_classes))
    for name, split in data.splits.items():
        _check_truth(name, split)
    return data


def remarks(data: Dataset) -> tuple[str, ...]:
    """Notes of a data set, and a warning where its test split has hardly more than one class."""
    classes, counts = data.test.labels.unique(return_counts=True)
    most = int(counts.argmax())
    share = int(counts[most]) / len(data.test)
    if share <= UNEVEN:
        return data.card.notes
    number = int(classes[most])
    name = f" ({data.class_names[number]})" if data.class_names else ""
    majority = f"class {number}{name} holds {int(counts[most])} of {len(data.test)} test examples"
    return (*data.card.notes, f"chance is {100 * share:.1f} %: {majority}")


def check_values(values: Shaped[np.ndarray, "n *feature"], name: str) -> None:
    """Raises ValueError unless all values are finite and in [0, 1], give or take `MARGIN`."""
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} has {_not_finite(values)} of {len(values)} examples; drop or impute them")
    if low < -MARGIN or high > 1 + MARGIN:
        raise ValueError(f"{name} must lie in [0, 1], got values in [{low:g}, {high:g}]; {_rescaling(low, high)}")


def check_relevance(values: Shaped[np.ndarray, "n *feature"], name: str) -> None:
    """Raises ValueError unless all values are bool, or finite numbers that are not negative."""
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be bool or numbers, above 0 where relevant, got {values.dtype}; convert it")
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} has {_not_finite(values)} of {len(values)} examples; 0 says that nothing is relevant")
    if low < 0:
        raise ValueError(f"{name} must not be negative, got {low:g}; take its magnitude, or 0 for what is irrelevant")


def check_shapes(parts: Sequence[Part]) -> None:
    """Raises ValueError unless examples of all splits have one shape: rows `(d,)`, or channels and up to three axes."""
    for part in parts:
        name, shape = part.names[0], part.inputs.shape
        if not 2 <= len(shape) <= 5:
            kinds = "2 (table), 3 (signals), 4 (images) or 5 (volumes)"
            raise ValueError(f"{name} must have {kinds} axes, got shape {shape}; reshape it")
        if not math.prod(shape[1:]):
            raise ValueError(f"{name} must have examples of at least one feature, got shape {shape}; save it anew")
    first = parts[0]
    for part in parts[1:]:
        if part.inputs.shape[1:] != first.inputs.shape[1:]:
            shapes = f"{first.inputs.shape[1:]} and {part.inputs.shape[1:]}"
            names = f"{first.names[0]} and {part.names[0]}"
            raise ValueError(f"{names} must have examples of one shape, got {shapes}; resize them alike")


def check_aligned(part: Part) -> None:
    """Raises ValueError unless there is one label for each example."""
    if len(part.labels) != len(part.inputs):
        inputs, labels = part.names
        counts = f"{len(part.labels)} and {len(part.inputs)}"
        raise ValueError(f"{labels} must have one label for each of the rows of {inputs}, got {counts}; align them")


def check_not_empty(part: Part) -> None:
    """Raises ValueError where there are no examples."""
    if not len(part.labels):
        raise ValueError(f"{part.names[0]} must hold at least one example, got none; add some")


def check_classes(parts: Sequence[Part], num_classes: int | None = None) -> int:
    """The number of classes, once labels fit together.

    Args:
        parts: train comes first.
        num_classes: how many there should be; None takes those of train.

    Raises:
        ValueError: train lacks a class or has one alone, or another split has a class that train lacks.
    """
    train = parts[0]
    classes = np.unique(train.labels)
    expected = np.arange(len(classes) if num_classes is None else num_classes)
    if not np.array_equal(classes, expected):
        raise ValueError(_numbering(train.names[1], classes, expected))
    if len(classes) < 2:
        raise ValueError(
            f"{train.names[1]} must hold two classes or more, got {classes.tolist()}; add examples of another class: "
            "accuracy would be 100 % everywhere"
        )
    for part in parts[1:]:
        extra = np.setdiff1d(part.labels, classes)
        if len(extra):
            names = f"{part.names[1]} must hold only the classes of {train.names[1]}"
            raise ValueError(f"{names}, got {_some(extra)} besides; add or drop them")
    return len(classes)


def check_names(names: object, num_classes: int) -> None:
    """Raises ValueError unless classes have no names, or each one of its own."""
    if not isinstance(names, tuple) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f"class_names must be a tuple of text, got {names!r}; leave it out where there are none")
    if names and len(names) != num_classes:
        raise ValueError(f"class_names must be {num_classes}, one for each class, got {len(names)}; name all or none")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"class_names must differ, got {twice[0]!r} twice; give each class a name of its own")


def _part(name: str, split: object) -> Part:
    """A split as arrays, once it holds tensors as it should; of a stream the first examples."""
    if not isinstance(split, Split):
        raise ValueError(f"{name} must be a Split, got {_kind(split)}; return roarbench.datasets.base.Split(...)")
    names = f"{name}.inputs", f"{name}.labels"
    labels = _array(split.labels, names[1], torch.int64)
    if labels.ndim != 1:
        raise ValueError(f"{names[1]} must have shape (n,), got {labels.shape}; give one class index an example")
    if isinstance(split, Stream):
        return Part(_array(split.at(torch.arange(min(FEW, len(split)))).inputs, names[0], torch.float32), labels, names)
    part = Part(_array(split.inputs, names[0], torch.float32), labels, names)
    check_aligned(part)
    return part


def _check_truth(name: str, split: Split) -> None:
    """Raises ValueError unless the ground truth of the first examples, if there is one, fits these."""
    if not split.has_truth or not len(split):
        return
    few = split.at(torch.arange(min(FEW, len(split))))
    name, shape = f"the ground truth of {name}", tuple(few.inputs.shape)
    try:
        relevance = few.relevance()
        came = str(tuple(relevance.shape))
    except (RuntimeError, AttributeError) as error:  # they cannot be expanded, or are no tensors
        came = " ".join(str(error).split())
    if came != str(shape):
        raise ValueError(f"{name} must be a tensor of the shape of the inputs, {shape}, got {came}; reshape it")
    check_relevance(relevance.detach().cpu().numpy(), name)


def _array(values: object, name: str, dtype: torch.dtype) -> Shaped[np.ndarray, "..."]:
    """A tensor of the right type as an array that shares its memory where it can."""
    if not isinstance(values, Tensor):
        raise ValueError(f"{name} must be a torch tensor, got {_kind(values)}; convert it with torch.as_tensor")
    if values.dtype != dtype:
        expected, got = (str(kind).removeprefix("torch.") for kind in (dtype, values.dtype))
        remedy = ".float() / 255" if (dtype, values.dtype) == (torch.float32, torch.uint8) else f".to(torch.{expected})"
        raise ValueError(f"{name} must be {expected}, got {got}; convert it with {remedy}")
    if values.layout is not torch.strided or values.is_meta:
        raise ValueError(f"{name} must be dense and in memory, got {values.layout} on {values.device}; use .to_dense()")
    if values.requires_grad:
        raise ValueError(f"{name} must not require gradients; use .detach()")
    return values.cpu().numpy()


def _not_finite(values: Shaped[np.ndarray, "n *feature"]) -> str:
    """How many examples have what: "NaN in 12 and infinity in 3"."""
    axes = tuple(range(1, values.ndim))
    counts = {"NaN": np.isnan(values).any(axes).sum(), "infinity": np.isinf(values).any(axes).sum()}
    return " and ".join(f"{kind} in {count}" for kind, count in counts.items() if count)


def _rescaling(low: float, high: float) -> str:
    """How values that were given may be brought to [0, 1]."""
    if low < 0:
        return (
            "undo the standardisation or scale by the range of the training data: the classifier standardises by itself"
        )
    return "scale by the range of the training data" + (", or divide pixels of 8 bits by 255" if high <= 255 else "")


def _numbering(name: str, classes: Integer[np.ndarray, "m"], expected: Integer[np.ndarray, "k"]) -> str:
    lacks, extra = np.setdiff1d(expected, classes), np.setdiff1d(classes, expected)
    wrong = [f"{word} {_some(numbers)}" for word, numbers in (("lacks", lacks), ("has", extra)) if len(numbers)]
    remedy = "subtract 1 from all labels" if np.array_equal(classes, expected + 1) else "renumber the classes"
    remedy = remedy if len(extra) else "leave examples of all classes to train on"
    requirement = f"every integer of 0 ... {len(expected) - 1}" + (" and no other" if len(extra) else "")
    return f"{name} must hold {requirement}, {' and '.join(wrong)}; {remedy}"


def _some(classes: Integer[np.ndarray, "k"]) -> str:
    return f"{classes.tolist()[:20]}{' ...' if len(classes) > 20 else ''}"


def _kind(value: object) -> str:
    """What something is, in a word: a type with its module where that is not Python's own."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
