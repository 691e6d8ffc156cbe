"""What masks give away: classifiers that see only masks, or images behind random masks of the same size."""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from roarbench.datasets.base import Dataset, Split
from roarbench.hns.evaluation import accuracy, masks
from roarbench.hns.model import HideAndSeek
from roarbench.hns.pretraining import Budget, classifying, fit
from roarbench.hns.seeker import seeker_small

EPOCHS, STEPS = 3, 235
"""Epochs of a probe, and the least number of its steps, for which few examples are seen more often."""

EXAMPLES, FEATURES = 10_000, 2**28
"""Most examples of a split that probes see, and features of all of them: what they find is a lower bound."""


@dataclass(frozen=True)
class Leak:
    """Test accuracies of fresh small seekers, in [0, 1].

    Attributes:
        mask_only: sees only the masks of the hider: above chance where their shape reveals the class.
        random_mask_only: sees only random masks that keep as much of each image: what their size reveals.
        random_masked: sees images behind those random masks: what any mask of this size leaves of the image.
        masked: sees images behind the hider's masks, for comparison with the other three.
    """

    mask_only: float
    random_mask_only: float
    random_masked: float
    masked: float


def leak(network: HideAndSeek, data: Dataset) -> Leak:
    """Trains and scores the four probes, from the same initial weights and with the same batches."""
    limit = min(EXAMPLES, FEATURES // math.prod(data.feature_shape))
    train, test = data.train.at(torch.randperm(len(data.train))[:limit]), _thinned(data.test, limit)
    own = [masks(network, split) for split in (train, test)]
    random = [shuffled(mask) for mask in own]
    images = (train.inputs, test.inputs)
    behind = [[replace(m, inputs=m.inputs * x) for m, x in zip(pair, images, strict=True)] for pair in (own, random)]
    pairs = {"mask_only": own, "random_mask_only": random, "masked": behind[0], "random_masked": behind[1]}
    seed_state = torch.get_rng_state()
    accuracies = {}
    for name, (train_split, test_split) in pairs.items():
        torch.set_rng_state(seed_state)
        accuracies[name] = _accuracy_after(train_split, test_split, data.num_classes)
    return Leak(**accuracies)


def shuffled(split: Split) -> Split:
    """Masks that keep as much of every image as those given, in random places."""
    chunks = [_shuffled(chunk.inputs.flatten(1)).view_as(chunk.inputs) for chunk in split.chunks()]
    return replace(split, inputs=torch.cat(chunks))


def _shuffled(rows: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
    return rows.gather(1, torch.rand(rows.shape).argsort(dim=1).to(rows.device))


def _thinned(split: Split, limit: int) -> Split:
    """The split, or as many random examples of it."""
    return split if len(split) <= limit else split.at(torch.randperm(len(split))[:limit])


def budget(num_examples: int) -> Budget:
    """The last third of it at a falling learning rate."""
    num_batches = -(-num_examples // Budget.batch_size)
    return Budget(max(EPOCHS, -(-STEPS // num_batches)), cooldown=1 / 3)


def _accuracy_after(train: Split, test: Split, num_classes: int) -> float:
    probe = seeker_small(train.inputs.shape[1:], num_classes).to(train.inputs.device)
    for _ in fit(probe, train, budget(len(train)), classifying):
        pass
    return accuracy(probe, test)
