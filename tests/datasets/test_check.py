"""Anybody's data set is what a data set must be, or is refused in the words that arrays of a file are refused in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from roarbench.datasets.base import Card, Dataset, Split
from roarbench.datasets.check import check, remarks
from roarbench.datasets.stream import Stream

CARD = Card("Mine", "here", "none", "none")
INPUTS, LABELS = torch.rand(60, 1, 4, 5), torch.arange(60) % 3


def split(inputs: Any, labels: Any = LABELS) -> Any:
    """A split whose types nobody checked, as in the code of users."""
    return unchecked(Split, inputs=inputs, labels=labels, truth=None)


def unchecked(kind: type, **fields: Any) -> Any:
    made = object.__new__(kind)
    made.__dict__.update(fields)
    return made


def dataset(inputs: Any = INPUTS, labels: Any = LABELS, **fields: Any) -> Dataset:
    """Training and test examples alike, and no validation."""
    both, empty = split(inputs, labels), split(inputs[:0], labels[:0])
    parts = {"train": both, "validation": empty, "test": both, "num_classes": 3, "card": CARD, "feature_names": ()}
    return unchecked(Dataset, **(parts | fields))


def changed(change: Callable[[Tensor], Any]) -> Any:
    """Inputs of which a copy was changed in place, or by what a change gives."""
    inputs = INPUTS.clone()
    result = change(inputs)
    return inputs if result is None else result


def setting(index: Any, value: float) -> Any:
    return changed(lambda inputs: inputs.__setitem__(index, value))


@pytest.mark.parametrize(
    "data",
    [
        dataset(),
        dataset(INPUTS.flatten(1)),
        dataset(setting((0, 0, 0, 0), 1 + 1e-5)),
        dataset(num_classes=np.int64(3)),
        dataset(class_names=("a", "b", "c")),
        dataset(validation=split(INPUTS[:5], LABELS[:5])),
    ],
)
def test_a_data_set_passes_as_it_is(data: Dataset) -> None:
    assert check(data) is data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((1, 2, 3), r"a data set must be a Dataset, got tuple; return roarbench.datasets.base.Dataset"),
        (None, r"got NoneType"),
        (torch.utils.data.TensorDataset(INPUTS), r"got torch.utils.data.dataset.TensorDataset"),
        (dataset(card=None), r"card must be a Card, got NoneType"),
        (dataset(card=unchecked(Card, checksums=None)), r"card.checksums must be a dict, got NoneType"),
        (dataset(num_classes="3"), r"num_classes must be a positive integer, got '3'"),
        (dataset(train=(INPUTS, LABELS)), r"train must be a Split, got tuple"),
        (dataset(INPUTS.numpy()), r"train.inputs must be a torch tensor, got numpy.ndarray; .* torch.as_tensor"),
        (dataset(INPUTS.double()), r"train.inputs must be float32, got float64; convert it with .to\(torch.float32\)"),
        (dataset(INPUTS.byte()), r"train.inputs must be float32, got uint8; convert it with .float\(\) / 255"),
        (
            dataset(train=split(INPUTS.to_sparse())),
            r"train.inputs must be dense and in memory, got torch.sparse_coo on cpu",
        ),
        (dataset(INPUTS.to("meta")), r"train.inputs must be dense and in memory, .* on meta"),
        (dataset(INPUTS.clone().requires_grad_()), r"train.inputs must not require gradients; use .detach\(\)"),
        (dataset(INPUTS[:, None, None]), r"2 \(table\), .* axes, got shape \(60, 1, 1, 1, 4, 5\)"),
        (dataset(INPUTS[:, 0, 0, 0]), r"got shape \(60,\)"),
        (dataset(INPUTS[..., :0]), r"train.inputs must have examples of at least one feature"),
        (dataset(test=split(INPUTS[..., :4], LABELS)), r"train.inputs and test.inputs must have examples of one shape"),
        (dataset(test=split(INPUTS[:0], LABELS[:0])), r"test.inputs must hold at least one example"),
        (dataset(setting(slice(0, 7), torch.nan)), r"train.inputs has NaN in 7 of 60 examples"),
        (dataset(setting(0, torch.inf)), r"train.inputs has infinity in 1 of 60 examples"),
        (
            dataset((INPUTS - 0.5) * 4),
            r"train.inputs must lie in \[0, 1\], got .*: the classifier standardises by itself",
        ),
        (dataset(INPUTS * 255), r"train.inputs must lie in \[0, 1\], got values .* 255"),
        (dataset(test=split(INPUTS * 2, LABELS)), r"test.inputs must lie in \[0, 1\]"),
        (dataset(labels=LABELS.int()), r"train.labels must be int64, got int32; convert it with .to\(torch.int64\)"),
        (dataset(labels=LABELS[:, None]), r"train.labels must have shape \(n,\), got \(60, 1\)"),
        (dataset(labels=LABELS[:50]), r"train.labels must have one label for each of the rows of train.inputs, got 50"),
        (dataset(labels=LABELS + 1), r"train.labels must hold every integer of 0 ... 2 .* subtract 1 from all labels"),
        (dataset(num_classes=4), r"train.labels must hold every integer of 0 ... 3, lacks \[3\]; leave examples"),
        (dataset(num_classes=2), r"every integer of 0 ... 1 and no other, has \[2\]; renumber"),
        (dataset(labels=LABELS * 0, num_classes=1), r"two classes or more, got \[0\]; .* accuracy would be 100 %"),
        (dataset(class_names=("a", "b")), r"class_names must be 3, one for each class, got 2"),
        (dataset(class_names=("a", "b", "a")), r"class_names must differ, got 'a' twice"),
        (dataset(class_names=("a", "b", 3)), r"class_names must be a tuple of text, got \('a', 'b', 3\)"),
        (dataset(class_names=("a", "b", " ")), r"class_names must be a tuple of text"),
        (dataset(class_names=["a", "b", "c"]), r"class_names must be a tuple of text, got \['a'"),
        (dataset(test=split(INPUTS, LABELS + 1)), r"test.labels must hold only the classes of train.labels, got \[3\]"),
    ],
)
def test_what_is_none_is_named_with_a_remedy(data: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        check(data)
    assert "\n" not in str(caught.value)


def truth(relevance: Callable[[Tensor], Any], field: str = "truth") -> Any:
    """A split whose ground truth nobody checked."""
    return unchecked(Split, inputs=INPUTS, labels=LABELS, **({"truth": None, "masks": None} | {field: relevance}))


@pytest.mark.parametrize(
    ("relevance", "field", "message"),
    [
        (
            lambda inputs: inputs[:, 0],
            "truth",
            r"truth of test must be a tensor of the shape of the inputs, \(2, 1, 4, 5\)",
        ),
        (lambda inputs: inputs.numpy(), "truth", r"inputs, \(2, 1, 4, 5\), got 'numpy.ndarray' object has"),
        (lambda inputs: inputs - 2, "truth", r"the ground truth of test must not be negative"),
        (lambda inputs: inputs * torch.nan, "truth", r"the ground truth of test has NaN in 2 of 2 examples"),
        (
            lambda index: INPUTS[index, :, :3],
            "masks",
            r"truth of test must be a tensor of the shape of the inputs, \(2, 1, 4, 5\)",
        ),
        (lambda index: -INPUTS[index], "masks", r"the ground truth of test must not be negative"),
    ],
)
def test_a_ground_truth_that_does_not_fit_is_refused(relevance: Any, field: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        check(dataset(test=truth(relevance, field)))
    assert "\n" not in str(caught.value)


def test_a_ground_truth_of_inputs_or_positions_passes() -> None:
    for relevance, field in ((lambda inputs: inputs > 0.5, "truth"), (lambda index: INPUTS[index] > 0.5, "masks")):
        data = dataset(test=truth(relevance, field))
        assert check(data) is data


def stream(read: Callable[[Tensor], Tensor], labels: Tensor = LABELS) -> Stream:
    return Stream(labels, read=read, shape=(1, 4, 5))


def test_of_a_stream_the_first_examples_are_looked_at() -> None:
    asked: list[int] = []

    def read(index: Tensor) -> Tensor:
        asked.extend(index.tolist())
        return INPUTS[index]

    check(dataset(train=stream(read), test=stream(read)))
    assert asked == [0, 1, 0, 1]
    with pytest.raises(ValueError, match=r"train.inputs must lie in \[0, 1\]"):
        check(dataset(train=stream(lambda index: INPUTS[index] + 7)))
    with pytest.raises(ValueError, match=r"train.labels must hold every integer"):
        check(dataset(train=stream(read, LABELS + 1)))


def test_a_test_split_of_one_class_is_told_by_its_chance() -> None:
    even, uneven = torch.arange(60) % 2, (torch.arange(60) > 4).long()
    assert remarks(dataset(labels=even, num_classes=2)) == ()
    told = replace(CARD, notes=("passed over 1 file: 1 .txt",))
    assert remarks(dataset(labels=uneven, num_classes=2, card=told)) == (
        "passed over 1 file: 1 .txt",
        "chance is 91.7 %: class 1 holds 55 of 60 test examples",
    )
    (named,) = remarks(dataset(labels=uneven, num_classes=2, class_names=("cat", "dog")))
    assert named == "chance is 91.7 %: class 1 (dog) holds 55 of 60 test examples"


def test_the_extent_names_the_classes_that_have_names() -> None:
    numbers = "60 + 60 examples of 1x4x5, 3 classes"
    assert dataset().extent == numbers
    assert dataset(class_names=("ant", "bee", "cat")).extent == f"{numbers}: ant, bee, cat"
