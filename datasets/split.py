"""Seeded, stratified choices of examples: which go to train, validation and test."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from roarbench.datasets.base import Split, Truth


class Examples(NamedTuple):
    """Examples before they are divided.

    Attributes:
        inputs: uint8 mean 0..255, others are in [0, 1] already.
        labels: of one kind that can be ordered.
        masks: relevance of the features of each example, bool or numbers; None where nobody knows it.
    """

    inputs: Shaped[np.ndarray, "n *feature"]
    labels: Shaped[np.ndarray, "n"]
    masks: Shaped[np.ndarray, "n *mask"] | None = None


@dataclass(frozen=True)
class Amounts:
    """How many examples of the official splits are used.

    Attributes:
        train: examples taken from the official train split; None takes all.
        test: examples taken from the official test split; None takes all.
        validation: share of those `train` examples that is carved off for validation, in [0, 1).
        seed: decides which examples are taken; other seeds give other subsets.
    """

    train: int | None = None
    test: int | None = None
    validation: float = 0.1
    seed: int = 0


def partition(
    train: Examples, test: Examples, amounts: Amounts, *, truth: Truth | None = None
) -> tuple[Split, Split, Split]:
    """Train, validation and test splits; validation is carved from the examples chosen for train."""
    chosen = choose(train.labels, amounts.train, name="train", seed=amounts.seed)
    rest, held = carve(train.labels[chosen], amounts.validation, name="validation", seed=amounts.seed)
    chosen_test = choose(test.labels, amounts.test, name="test", seed=amounts.seed)
    return (
        to_split(train, chosen[rest], truth=truth),
        to_split(train, chosen[held], truth=truth),
        to_split(test, chosen_test, truth=truth),
    )


def to_split(examples: Examples, index: Int[np.ndarray, "m"], *, truth: Truth | None = None) -> Split:
    """The indexed examples as tensors: float32 inputs in [0, 1], int64 labels."""
    inputs = scaled(examples.inputs[index])
    labels = torch.from_numpy(examples.labels[index].astype(np.int64))
    masks = None if examples.masks is None else torch.from_numpy(examples.masks[index]).__getitem__
    return Split(inputs, labels, truth, masks)


def scaled(inputs: Shaped[np.ndarray, "m *feature"]) -> Float[Tensor, "m *feature"]:
    """Inputs as float32 in [0, 1]: uint8 mean 0..255, others are in [0, 1] already."""
    scale = 255 if inputs.dtype == np.uint8 else 1
    return torch.from_numpy(np.ascontiguousarray(inputs)).to(torch.float32).div_(scale)


def choose(labels: Shaped[np.ndarray, "n"], size: int | None, *, name: str, seed: int) -> Int[np.ndarray, "m"]:
    """Ascending indices of a stratified random subset of exactly `size` examples; all of them for None.

    The class shares are as close to those of `labels` as whole examples allow (largest remainders).

    Args:
        name: the caller's argument, for the message; subsets under different names are independent.

    Raises:
        ValueError: `size` is not between 1 and the number of examples.
    """
    if size is None:
        return np.arange(len(labels))
    if not 1 <= size <= len(labels):
        raise ValueError(f"{name} must lie in [1, {len(labels)}], the examples there are, got {size}; ask for fewer")
    return _stratified(labels, size, _generator(seed, name))


def carve(
    labels: Shaped[np.ndarray, "n"],
    share: float,
    *,
    name: str,
    seed: int,
    groups: Int[np.ndarray, "n"] | None = None,
) -> tuple[Int[np.ndarray, "r"], Int[np.ndarray, "m"]]:
    """Divides the examples in two: ascending indices of the rest, and of a random `share` of them.

    Without `groups` the share is stratified by class and exact up to rounding. With `groups`, examples of one group
    stay together; the share is then met from below as closely as whole groups in random order allow.

    Args:
        name: the caller's argument, for the message; choices under different names are independent.

    Raises:
        ValueError: `share` is outside [0, 1), or leaves nothing.
    """
    if not 0 <= share < 1:
        hint = f"; did you mean {share / 100}?" if 1 <= share < 100 else "; give a share of the examples, such as 0.1"
        raise ValueError(f"{name} must lie in [0, 1), got {share}{hint}")
    size = round(share * len(labels))
    if size and size == len(labels):
        raise ValueError(
            f"{name} must leave examples to train on, got {share} of {len(labels)}; ask for a smaller share"
        )
    generator = _generator(seed, name)
    held = _stratified(labels, size, generator) if groups is None else _whole_groups(groups, size, generator)
    return np.setdiff1d(np.arange(len(labels)), held), held


def folds(labels: Shaped[np.ndarray, "n"], count: int, *, seed: int) -> Int[np.ndarray, "n"]:
    """The number of the fold of each example, 0 ... count - 1, at random.

    Sizes of folds differ by one at most, and so do the numbers of examples of each class in them.
    """
    shuffled = _generator(seed, "folds").permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    numbers = np.empty(len(labels), dtype=np.int64)
    numbers[by_class] = np.arange(len(labels)) % count
    return numbers


def _stratified(labels: Shaped[np.ndarray, "n"], size: int, generator: np.random.Generator) -> Int[np.ndarray, "m"]:
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    quota = size * counts / max(len(labels), 1)
    sizes = np.floor(quota).astype(int)
    # Equal remainders are broken at random: always favouring the first classes would bias many small subsets alike.
    by_remainder = np.lexsort((generator.random(len(counts)), sizes - quota))
    sizes[by_remainder[: size - sizes.sum()]] += 1
    members = [generator.permutation(np.flatnonzero(classes == k))[: sizes[k]] for k in range(len(counts))]
    return np.sort(np.concatenate([np.arange(0), *members]))


def _whole_groups(groups: Int[np.ndarray, "n"], size: int, generator: np.random.Generator) -> Int[np.ndarray, "m"]:
    names, counts = np.unique(groups, return_counts=True)
    members, total = [], 0
    for group in generator.permutation(len(names)):
        if total + counts[group] <= size:
            members.append(names[group])
            total += counts[group]
    return np.flatnonzero(np.isin(groups, members))


def _generator(seed: int, name: str) -> np.random.Generator:
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}; any non-negative integer will do")
    return np.random.default_rng([seed, *name.encode()])


def check_least(arguments: dict[str, tuple[int, int]]) -> None:
    """Raises ValueError unless generated data can be had.

    Args:
        arguments: name -> value that came and least value allowed.
    """
    for name, (value, least) in arguments.items():
        if value < least:
            raise ValueError(
                f"{name} must be {least} or more, got {value}; every class needs an example, a draw is 0, 1, ..."
            )
