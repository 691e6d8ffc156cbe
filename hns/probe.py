"""What masks give away: classifiers that see only masks, or images behind random masks of the same size."""

from dataclasses import dataclass, replace

import torch

from datasets.base import Dataset, Split
from hns.evaluation import accuracy, masks
from hns.model import HideAndSeek
from hns.pretraining import Budget, classifying, fit
from hns.seeker import seeker_small

EXAMPLES = 10_000
"""Training examples of a probe; what it finds is a lower bound of what the masks give away."""


@dataclass(frozen=True)
class Leak:
    """Test accuracies of fresh small seekers, in [0, 1].

    Attributes:
        mask_only: sees only the masks of the hider: above chance where their shape tells the class.
        random_mask_only: sees only random masks that keep as much of each image: what their size tells.
        random_masked: sees images behind those random masks: what any mask of this size leaves of the image.
        masked: sees images behind the hider's masks, for comparison with the other three.
    """

    mask_only: float
    random_mask_only: float
    random_masked: float
    masked: float


def leak(network: HideAndSeek, data: Dataset, budget: Budget) -> Leak:
    """Trains and scores the four probes, from the same initial weights and with the same batches."""
    train = data.train.at(torch.randperm(len(data.train))[:EXAMPLES])
    own = [masks(network, split) for split in (train, data.test)]
    random = [shuffled(mask) for mask in own]
    images = (train.inputs, data.test.inputs)
    behind = [[replace(m, inputs=m.inputs * x) for m, x in zip(pair, images, strict=True)] for pair in (own, random)]
    seen = {"mask_only": own, "random_mask_only": random, "masked": behind[0], "random_masked": behind[1]}
    seed_state = torch.get_rng_state()
    found = {}
    for name, (fitted, scored) in seen.items():
        torch.set_rng_state(seed_state)
        found[name] = _accuracy_after(fitted, scored, data.num_classes, budget)
    return Leak(**found)


def shuffled(split: Split) -> Split:
    """Masks that keep as much of every image as those given, in random places."""
    flat = split.inputs.flatten(1)
    places = torch.rand(flat.shape).argsort(dim=1).to(flat.device)
    return replace(split, inputs=flat.gather(1, places).view_as(split.inputs))


def _accuracy_after(train: Split, test: Split, num_classes: int, budget: Budget) -> float:
    probe = seeker_small(train.inputs.shape[1:], num_classes).to(train.inputs.device)
    for _ in fit(probe, train, budget, classifying):
        pass
    return accuracy(probe, test)
