"""The user's own torch data sets: what is read as what, and how mistakes are named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset, TensorDataset

from roarbench.benchmark.matrix.contents import files
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.datasets.base import Dataset
from roarbench.datasets.check import check
from roarbench.datasets.torch_dataset import class_names, torch_dataset

INPUTS, LABELS = torch.rand(30, 3, 4, 5, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 3


class Pairs:
    """Pairs of inputs and labels, whatever these are, with names of classes."""

    classes = ("ant", "bee", "cat")

    def __init__(self, inputs: Any = INPUTS, labels: Any = LABELS) -> None:
        self.pairs = list(zip(inputs, labels, strict=True))

    def __getitem__(self, i: int) -> Any:
        return self.pairs[i]

    def __len__(self) -> int:
        return len(self.pairs)


def load(make: Callable[..., Any], **parameters: Any) -> Dataset:
    return check(torch_dataset(Path(), build=make, **({"validation": 0.0} | parameters)))


def both(part: Any, other: Any = None) -> Callable[[bool], Any]:
    """A function that gives one data set for training, and the same or another one for test."""
    return lambda train: part if train or other is None else other


@pytest.mark.parametrize("in_memory", [True, False])
def test_examples_and_names_are_those_of_the_data_set(in_memory: bool) -> None:
    data = load(both(Pairs(), Subset(Pairs(), range(9))), in_memory=in_memory)  # type: ignore[arg-type]
    assert torch.equal(data.train.at(torch.arange(30)).inputs, INPUTS)
    assert torch.equal(data.test.labels, LABELS[:9])
    assert (data.num_classes, data.class_names) == (3, ("ant", "bee", "cat"))


def test_a_stream_gives_what_memory_gives() -> None:
    held, streamed = (load(both(Pairs()), validation=0.2, in_memory=in_memory) for in_memory in (True, False))
    for one, other in zip(held.splits.values(), streamed.splits.values(), strict=True):
        assert torch.equal(one.inputs, other.at(torch.arange(len(other))).inputs)
        assert torch.equal(one.labels, other.labels)
    assert held.card == streamed.card


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([Image.fromarray(np.full((4, 5, 3), 51, np.uint8))] * 30, (3, 4, 5)),
        ([Image.fromarray(np.full((4, 5), 51, np.uint8))] * 30, (1, 4, 5)),
        ([Image.fromarray(np.full((4, 5, 3), 51, np.uint8)).quantize(2)] * 30, (3, 4, 5)),
        (np.full((30, 4, 5, 3), 51, np.uint8), (3, 4, 5)),
        (torch.full((30, 4, 5), 0.2), (1, 4, 5)),
        (torch.full((30, 7), 0.2), (7,)),
    ],
)
def test_images_rows_and_pictures_of_pillow_are_read(inputs: Any, expected: tuple[int, ...]) -> None:
    data = load(both(Pairs(inputs)))
    assert data.feature_shape == expected
    torch.testing.assert_close(data.train.inputs, torch.full((30, *expected), 0.2))


def test_a_layout_is_that_of_arrays_not_of_pictures() -> None:
    picture = Image.fromarray(np.full((4, 6, 3), 51, np.uint8))
    assert load(both(Pairs([picture] * 30)), layout="last").feature_shape == (3, 4, 6)
    assert load(both(Pairs(np.full((30, 4, 6, 5), 51, np.uint8))), layout="last").feature_shape == (5, 4, 6)


def test_labels_may_be_numbers_of_any_kind() -> None:
    for labels in (LABELS.tolist(), LABELS, LABELS[:, None], LABELS.float(), LABELS.numpy()):
        assert load(both(Pairs(labels=labels))).train.labels.tolist() == LABELS.tolist()


def test_a_pair_of_data_sets_and_a_class_will_do() -> None:
    class Mine(Pairs):
        def __init__(self, train: bool) -> None:
            super().__init__(INPUTS[: 30 if train else 6], LABELS[: 30 if train else 6])

    for make in (lambda: (Pairs(), Subset(Pairs(), range(6))), Mine):  # type: ignore[arg-type]
        data = load(make)
        assert (len(data.train), len(data.test)) == (30, 6)


def test_names_that_do_not_fit_are_left_out() -> None:
    assert class_names(Pairs(), 2) == class_names(TensorDataset(INPUTS), 3) == class_names(object(), 0) == ()


class Noisy(Pairs):
    """Augmented."""

    def __getitem__(self, i: int) -> Any:
        return torch.rand(3, 4, 5), self.pairs[i][1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pairs(), r"build must take train, or return training and test data, got Pairs"),
        (both(None), r"train must have a length and give examples by position, got NoneType"),
        (both(iter(())), r"train must have a length and give examples by position, got tuple_iterator"),
        (both(Pairs(), Pairs([], [])), r"test must hold at least one example, got none"),
        (both(TensorDataset(INPUTS)), r"train must give pairs \(input, label\), got tuple of 1; return such a pair"),
        (both([{"image": INPUTS[0]}]), r"train must give pairs \(input, label\), got dict"),
        (both(Noisy()), r"train must give the same inputs .*; leave random transforms out, and train with --augment"),
        (both(Pairs([*INPUTS[1:], INPUTS[0, :, :3]])), r"one shape, got \(3, 3, 5\) and \(3, 4, 5\); resize them"),
        (both(Pairs(), Pairs(INPUTS[..., :4])), r"inputs of train and inputs of test must have examples of one shape"),
        (both(Pairs((INPUTS - 0.5) / 0.2)), r"inputs of train must lie in \[0, 1\], .*; undo the standardisation"),
        (both(Pairs(INPUTS * torch.nan)), r"inputs of train has NaN in 30 of 30 examples"),
        (both(Pairs((INPUTS * 255).int())), r"inputs of train must be uint8 .*; divide by 255"),
        (both(Pairs(torch.rand(30, 2, 2, 4, 4, 5))), r"inputs of train must have 2 \(table\), .* axes"),
        (both(Pairs(labels=["a", "b", "c"] * 10)), r"labels of train must be integers .*, got text"),
        (both(Pairs(labels=LABELS + 1)), r"labels of train must hold every integer of 0 ... 2 .* subtract 1"),
        (both(Pairs(), Pairs(labels=LABELS + 1)), r"labels of test must hold only the classes of labels of train"),
    ],
)
@pytest.mark.parametrize("in_memory", [True, False])
def test_what_does_not_fit_is_named_with_a_remedy(make: Callable[..., Any], message: str, in_memory: bool) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        load(make, in_memory=in_memory)
    assert "\n" not in str(caught.value)


def test_blocks_of_other_shapes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roarbench.datasets.torch_dataset.AT_ONCE", 10)
    with pytest.raises(ValueError, match=r"train must give inputs of one shape, got \(3, 3, 5\) and \(3, 4, 5\)"):
        load(both(Pairs([*INPUTS[:20], *INPUTS[20:, :, :3]])))


CODE = (
    "from tests.datasets.test_torch_dataset import Pairs\n\ndef make(train, *, factor: float = 1.0):\n    return {}\n"
)


def test_the_identity_follows_the_users_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    identities = []
    for name, body in (("own_a", "Pairs()"), ("own_b", "Pairs()  # a comment"), ("own_c", "(Pairs(), 3)[0]")):
        (tmp_path / f"{name}.py").write_text(CODE.format(body))
        identities.append(plugin(f"torch_dataset[build={name}:make]", "dataset"))
    one, same, other = (dict(identity.parameters)["build"] for identity in identities)
    assert one.source == same.source != other.source
    assert set(files(identities[0])) == {"own_a.py"}
    assert len(build(identities[0], "dataset")(tmp_path).train) == 27
    assert plugin("torch_dataset[build=own_a:make[factor=2]]", "dataset") != identities[0]
    with pytest.raises(ValueError, match=r"module 'own_a' has no class or function 'mak'"):
        plugin("torch_dataset[build=own_a:mak]", "dataset")
