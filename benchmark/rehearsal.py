"""Tries data, classifiers and fills on a few examples: bad input fails before work starts."""

from functools import partial
from typing import NamedTuple

import torch

from benchmark import runner
from benchmark.contract import rehearse_training
from benchmark.plugins import build
from benchmark.randomness import normal
from benchmark.recipe import Recipe
from benchmark.removal import remove
from benchmark.runner import Workplace
from benchmark.spec import Cell, PlugIn
from datasets.base import Dataset, Split
from datasets.stream import Stream
from methods.base import Skip

FEW = 2
"""Examples that everything is tried on."""


class Seen(NamedTuple):
    """What is kept of a data set: the shape of an example, and the checksums of its files."""

    feature_shape: tuple[int, ...]
    checksums: dict[str, str]


def rehearse(cells: list[Cell], place: Workplace) -> dict[PlugIn, Seen]:
    """Loads every data set and takes one training step with a few examples: bad input fails before work starts.

    Returns:
        What was seen of each data set.

    Raises:
        ValueError: data that cannot be read, a classifier, recipe or fill that does not fit them.
    """
    seen = {}
    for dataset in dict.fromkeys(cell.training.dataset for cell in cells):
        data = runner.load(dataset, 0, place.data_root)
        seen[dataset] = Seen(data.feature_shape, data.card.checksums)
        few = data.train.at(torch.arange(min(FEW, len(data.train))))
        for identity, recipe in dict.fromkeys((c.training.classifier, c.training.recipe) for c in cells):
            try_classifier(identity, recipe, data, few, dataset)
        for fill in dict.fromkeys(cell.fill for cell in cells if cell.fill):
            _try_fill(fill, few, dataset)
    return seen


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
    except Exception as error:  # a classifier may be the user's: whatever goes wrong in it is bad input
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{identity.text} cannot be trained on {dataset.text}: {reason}") from error


def _try_fill(fill: PlugIn, few: Split, dataset: PlugIn) -> None:
    """Removes all of a few examples but every third unit.

    Raises:
        ValueError: the fill does not work; one that does not apply marks its own cells only.
    """
    kept = torch.arange(few.inputs[0].numel()).view(few.inputs[:1].shape) % 3 == 0
    drawn = partial(normal, few.inputs, torch.arange(len(few)), "rehearsal")
    try:
        filled = remove(few.inputs, kept.expand_as(few.inputs), build(fill, "fill"), few.statistics.mean, drawn)
        if filled.shape != few.inputs.shape:
            raise ValueError(f"it gives {tuple(filled.shape)} for inputs {tuple(few.inputs.shape)}")
    except Skip:
        pass
    except Exception as error:  # a fill may be the user's: whatever goes wrong in it is bad input
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{fill.text} cannot fill examples of {dataset.text}: {reason}") from error
