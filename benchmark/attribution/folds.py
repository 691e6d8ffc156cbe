"""Which training images a network of a fold learned from, and which it explains."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from roarbench.benchmark.matrix.spec import Fold
from roarbench.datasets import split
from roarbench.datasets.base import Dataset, Split


def held_out(fold: Fold, train: Split) -> Int[Tensor, "h"]:
    """Positions of the training images of a fold, ascending; the same for all classifiers of a seed."""
    return torch.from_numpy(np.flatnonzero(_numbers(fold, train) == fold.number))


def without(fold: Fold, data: Dataset) -> Dataset:
    """The data set without the training images of a fold."""
    rest = torch.from_numpy(np.flatnonzero(_numbers(fold, data.train) != fold.number))
    return replace(data, train=data.train.take(rest))


def _numbers(fold: Fold, train: Split) -> Int[np.ndarray, "n"]:
    return split.folds(train.labels.cpu().numpy(), fold.folds, seed=fold.training.seed)
