"""Tries data, classifiers and fills on a few examples: bad input fails before work starts."""

import math
import sys
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix.plugins import build
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell, PlugIn
from roarbench.benchmark.matrix.units import plural, unit_shape
from roarbench.benchmark.networks.contract import rehearse_training
from roarbench.benchmark.randomness import normal
from roarbench.benchmark.removal.ranks import num_removed, remove
from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.check import check as checked
from roarbench.datasets.check import remarks
from roarbench.datasets.stream import Stream
from roarbench.methods.base import Skip

FEW = 2
"""Examples that everything is tried on."""

LONGEST = 300
"""Characters of a foreign error that are shown; some of torch's are pages."""


class Seen(NamedTuple):
    """What is kept of a data set: the shape of an example, the checksums of its files, and what it is in words."""

    feature_shape: tuple[int, ...]
    checksums: dict[str, str]
    card: dict[str, str]


def rehearse(cells: list[Cell], place: Workplace) -> dict[PlugIn, Seen]:
    """Loads every data set and takes one training step with a few examples: bad input fails before work starts.

    What the data sets have to tell goes to stderr.

    Returns:
        What was seen of each data set.

    Raises:
        ValueError: data that cannot be read or are none, a classifier, recipe or fill that does not fit them.
    """
    facts = {}
    for dataset in dict.fromkeys(cell.training.dataset for cell in cells):
        data = loaded(dataset, place.data_root)
        for remark in remarks(data):
            print(f"{dataset.text}: {remark}", file=sys.stderr)
        for remark in _idle([cell for cell in cells if cell.training.dataset == dataset], data):
            print(f"{dataset.text}: {remark}", file=sys.stderr)
        _check_folds([cell for cell in cells if cell.training.dataset == dataset], data)
        for explainer in dict.fromkeys(
            c.ranking.explainer for c in cells if c.ranking and c.training.dataset == dataset
        ):
            _check_explainer(explainer, data)
        words = {"title": data.card.title, "extent": data.extent, "licence": data.card.licence}
        facts[dataset] = Seen(data.feature_shape, data.card.checksums, words)
        few = data.train.at(varied(data.train.labels, FEW))
        for identity, recipe in dict.fromkeys((c.training.classifier, c.training.recipe) for c in cells):
            try_classifier(identity, recipe, data, few, dataset)
        for fill in dict.fromkeys(cell.fill for cell in cells if cell.fill):
            _try_fill(fill, few, dataset)
    return facts


def loaded(dataset: PlugIn, data_root: Path, seed: int = 0) -> Dataset:
    """A data set, once it is known to be one.

    Raises:
        ValueError: it cannot be read, or is not what a data set must be: in one line, whatever went wrong.
    """
    try:
        return checked(build(dataset, "dataset", seed=seed)(data_root))
    except (Exception, SystemExit) as error:  # a data set may be the user's: whatever goes wrong in it is bad input
        raise ValueError(f"{dataset.text} cannot be loaded: {_why(error, dataset)}") from error


def varied(labels: Int[Tensor, "n"], count: int) -> Int[Tensor, "m"]:
    """Positions of so many examples, of as many classes as there can be: a label may be what does not fit.

    >>> varied(torch.tensor([0, 0, 0, 1, 1]), 3).tolist()
    [0, 1, 3]
    """
    by_class, sizes = labels.argsort(stable=True), labels.bincount()
    place_in_class = torch.arange(len(labels)) - (sizes.cumsum(0) - sizes)[labels[by_class]]
    return by_class[place_in_class.argsort(stable=True)][:count].sort().values


def _idle(cells: list[Cell], data: Dataset) -> list[str]:
    """Removal fractions that remove no unit, or all of them, although they lie between 0 and 1."""
    kinds = {(c.removal_fraction, c.order, c.ranking.unit) for c in cells if c.ranking and 0 < c.removal_fraction < 1}
    lines = {}
    for fraction, order, unit in sorted(kinds):
        units = math.prod(unit_shape(data.feature_shape, unit))
        count = num_removed(units, fraction, order)
        if count in (0, units):
            lines[fraction] = (
                f"t = {fraction:g} removes {'none' if count == 0 else 'all'} of the {units} {plural(unit)}"
            )
    return list(lines.values())


def _check_folds(cells: list[Cell], data: Dataset) -> None:
    """Raises ValueError where there are more folds than training examples."""
    most = max((cell.ranking.folds or 1 for cell in cells if cell.ranking), default=1)
    if most > len(data.train):
        count, title = len(data.train), data.card.title
        raise ValueError(f"attribution_folds must be at most {count}, the training examples of {title}, got {most}")


def _check_explainer(explainer: PlugIn, data: Dataset) -> None:
    """Raises ValueError where an explainer says that it does not fit a data set."""
    if check := getattr(build(explainer, "explainer"), "check", None):
        check(data)


def _why(error: BaseException, dataset: PlugIn) -> str:
    """What went wrong and, in a function of the user's own, how one is written."""
    if isinstance(error, ValueError | OSError):
        return " ".join(str(error).split()) or type(error).__name__
    reason = shorten(f"{type(error).__name__}: {error}".removesuffix(": "), LONGEST)
    if ":" in dataset.name:
        form = "name(data_root, *, parameters) that returns a roarbench.datasets.base.Dataset"
        return f"{reason}; a data set is a function {form}"
    return reason


def try_classifier(identity: PlugIn, recipe: Recipe, data: Dataset, few: Split, dataset: PlugIn) -> None:
    """Trains a classifier for one step.

    Args:
        few: one or two training examples.

    Raises:
        ValueError: the classifier or its recipe does not fit the data.
    """
    try:
        if isinstance(data.train, Stream) and recipe.optimiser == "least_squares":
            raise ValueError("least_squares needs all inputs in memory; choose another optimiser")
        smallest = min(len(data.train), recipe.batch_size)  # a last batch of one joins the batch before it
        rehearse_training(identity, few, data.num_classes, recipe, batch_size=smallest)
    except (Exception, SystemExit) as error:  # a classifier may be the user's: whatever goes wrong in it is bad input
        message = str(error) if isinstance(error, ValueError | RuntimeError) else f"{type(error).__name__}: {error}"
        reason = shorten(message, LONGEST) or type(error).__name__
        raise ValueError(f"{identity.text} cannot be trained on {dataset.text}: {reason}") from error


def _try_fill(fill: PlugIn, few: Split, dataset: PlugIn) -> None:
    """Removes all of a few examples but every third unit.

    Raises:
        ValueError: the fill does not work; one that does not apply marks its own cells only.
    """
    mask = torch.arange(few.inputs[0].numel()).view(few.inputs[:1].shape) % 3 == 0
    noise = partial(normal, few.inputs, torch.arange(len(few)), "rehearsal")
    try:
        outputs = remove(few.inputs, mask.expand_as(few.inputs), build(fill, "fill"), few.statistics.mean, noise)
        if outputs.shape != few.inputs.shape:
            raise ValueError(f"it gives {tuple(outputs.shape)} for inputs {tuple(few.inputs.shape)}")
    except Skip:
        pass
    except Exception as error:  # a fill may be the user's: whatever goes wrong in it is bad input
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{fill.text} cannot fill examples of {dataset.text}: {reason}") from error
