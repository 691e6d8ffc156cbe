"""What holds for every data set in the table."""

import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from roarbench.datasets import DATASETS
from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.check import check_names
from roarbench.datasets.stream import streamed
from tests.values import types

FILES = {
    "mnist": ("real_data", "data_root"),
    "fashion_mnist": ("real_data", "data_root"),
    "cifar10": ("cifar10_root", "data_root"),
    "cifar100": ("cifar100_root", "data_root"),
    "image_folder": ("images_root", "root"),
    "arrays": ("npz", "path"),
    "compas": ("real_data", "data_root"),
    "hf": ("saved", "path"),
    "torch_dataset": ("maker", "build"),
}
"""Data sets that need files: the fixture that gives them, and the argument that takes it."""

SLOW = "cifar10_root"
SMALL = {"train": 300, "test": 100, "size": 8, "in_memory": True}
"""Parameters that make a data set small, wherever it has them."""

Load = Callable[..., Dataset]


def function(name: str) -> Callable[..., Dataset]:
    module, _, attribute = DATASETS[name].partition(":")
    return getattr(import_module(module), attribute)


def seed_name(name: str) -> str:
    return "seed" if "seed" in inspect.signature(function(name)).parameters else "draw"


def small(name: str) -> dict[str, Any]:
    """The parameters that make a data set small; a share of all is none of them."""
    hints = types(DATASETS[name])
    return {key: value for key, value in SMALL.items() if type(value) in (hints.get(key), *get_args(hints.get(key)))}


def marks(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow] if SLOW in FILES.get(name, ()) else []


@pytest.fixture(params=[pytest.param(name, marks=marks(name)) for name in DATASETS])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def load_afresh(name: str, request: pytest.FixtureRequest) -> Load:
    fixture, argument = FILES.get(name, ("tmp_path", "data_root"))
    places = {"data_root": Path()} | {argument: request.getfixturevalue(fixture)}
    return lambda **parameters: function(name)(**places, **(small(name) | parameters))


@pytest.fixture(scope="module")
def loaded() -> dict[str, Dataset]:
    return {}


@pytest.fixture
def load(name: str, load_afresh: Load, loaded: dict[str, Dataset]) -> Load:
    """Each data set is read once per set of parameters: most laws look at the same tensors."""

    def cached(**parameters: Any) -> Dataset:
        key = f"{name}{sorted(parameters.items())}"
        if key not in loaded:
            loaded[key] = load_afresh(**parameters)
        return loaded[key]

    return cached


def splits(dataset: Dataset) -> tuple[Split, Split, Split]:
    return dataset.train, dataset.validation, dataset.test


def rows(split: Split) -> Counter[bytes]:
    """How often each example occurs."""
    return Counter(example.numpy().tobytes() for example in split.inputs)


def test_parameters_are_keyword_only_and_typed(name: str) -> None:
    data_root, *parameters = inspect.signature(function(name)).parameters.values()
    assert data_root.name == "data_root"
    assert parameters
    assert all(p.kind is p.KEYWORD_ONLY and p.annotation is not p.empty for p in parameters)


def test_inputs_are_float32_in_the_unit_interval(load: Load) -> None:
    for split in splits(load(validation=0.1)):
        assert split.inputs.dtype == torch.float32
        assert 0 <= split.inputs.min() <= split.inputs.max() <= 1
        assert split.inputs.is_contiguous()


def test_labels_are_int64_class_indices_and_train_has_every_class(load: Load) -> None:
    dataset = load()
    for split in splits(dataset):
        assert split.labels.dtype == torch.int64
        assert len(split.labels) == len(split.inputs)
        assert set(split.labels.tolist()) <= set(range(dataset.num_classes))
    assert set(dataset.train.labels.tolist()) == set(range(dataset.num_classes))


def test_splits_share_the_shape_of_an_example(load: Load) -> None:
    dataset = load()
    assert len(dataset.feature_shape) in (1, 2, 3, 4)
    assert {tuple(split.inputs.shape[1:]) for split in splits(dataset)} == {dataset.feature_shape}
    assert len(dataset.feature_names) in (0, *dataset.feature_shape)


def test_classes_have_a_name_each_or_none(load: Load) -> None:
    dataset = load()
    check_names(dataset.class_names, dataset.num_classes)


def test_no_example_is_in_two_splits(load: Load) -> None:
    """Where the training split by itself has equal examples, others may have them: only grouping parts these."""
    train, validation, test = map(rows, splits(load(validation=0.2)))
    assert validation.total() > 0
    if max(train.values()) == 1:
        assert len(train | validation | test) == (train + validation + test).total()


def test_validation_is_the_asked_share_of_train(load: Load) -> None:
    train, validation, test = splits(load(validation=0.2))
    assert len(validation) == round(0.2 * (len(train) + len(validation)))
    assert len(test) == len(load(validation=0.0).test)


def test_validation_zero_gives_an_empty_split(load: Load) -> None:
    dataset = load(validation=0.0)
    assert dataset.validation.inputs.shape == (0, *dataset.feature_shape)
    assert dataset.validation.labels.shape == (0,)


def test_two_loads_are_identical(load_afresh: Load) -> None:
    first, second = load_afresh(), load_afresh()
    for a, b in zip(splits(first), splits(second), strict=True):
        assert torch.equal(a.inputs, b.inputs)
        assert torch.equal(a.labels, b.labels)
    assert first.card == second.card


def test_another_seed_gives_other_examples(name: str, load: Load) -> None:
    first, second = (load(validation=0.2, **{seed_name(name): seed}) for seed in (0, 1))
    assert not torch.equal(first.validation.inputs, second.validation.inputs)


def test_truth_is_shaped_like_the_inputs_and_not_negative(load: Load) -> None:
    for split in splits(load(validation=0.1)):
        if split.has_truth:
            truth = replace(split.at(torch.arange(5)), inputs=split.inputs[:5].double()).relevance()
            assert truth.shape == split.inputs[:5].shape
            assert truth.dtype == torch.float64
            assert truth.min() == 0 < truth.max()


def test_truth_stays_with_its_examples(load: Load) -> None:
    """Whichever way examples are chosen, and as a stream."""
    for split in (part for part in splits(load(validation=0.1)) if part.has_truth):
        order = torch.arange(len(split)).flip(0)[::2]
        expected = split.relevance()[order]
        assert torch.equal(split.take(order).relevance(), expected)
        for source in (split.take(order), streamed(split).take(order)):
            for parts in (source.chunks(7), source.batches(torch.arange(len(order)).split(7))):
                assert torch.equal(torch.cat([part.relevance() for part in parts]), expected)


def test_a_percentage_for_a_share_is_refused_with_a_hint(load: Load) -> None:
    with pytest.raises(ValueError, match=r"validation must lie in \[0, 1\), got 10.0; did you mean 0.1\?"):
        load(validation=10.0)


def test_the_card_is_filled_in(load: Load) -> None:
    card = load().card
    assert all((card.title, card.source, card.licence, card.reference))
    assert all(value.startswith(("md5:", "sha256:")) for value in card.checksums.values())
