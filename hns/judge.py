"""The judge: a seeker that never met the hider. What it cannot read behind the masks is not in the pixels they show."""

from dataclasses import dataclass, replace

from torch import nn

from roarbench.datasets.base import Split
from roarbench.hns.apart import COOLDOWN
from roarbench.hns.evaluation import accuracy, masks
from roarbench.hns.model import HideAndSeek
from roarbench.hns.pretraining import Budget
from roarbench.hns.probe import shuffled
from roarbench.hns.random_masks import derangement

EPOCHS, STEPS = 10, 3000
"""Epochs of a judge, and the least number of its steps, for which few examples are seen more often."""


@dataclass(frozen=True)
class Judgement:
    """Accuracies of a judge on a split, in [0, 1].

    Attributes:
        judge: behind the masks that the hider made for these very images.
        judge_foreign: behind its masks of other images.
        judge_random: behind random masks that keep as much of each image.
    """

    judge: float
    judge_foreign: float
    judge_random: float


def judgement(judge: nn.Module, network: HideAndSeek, split: Split) -> Judgement:
    """Scores a judge behind the masks of a network; draws from the global generator.

    Args:
        split: at least 2 examples.
    """
    own = masks(network, split)
    foreign = own.at(derangement(len(own)))
    seen = {"judge": own, "judge_foreign": foreign, "judge_random": shuffled(own)}
    return Judgement(**{name: behind(judge, split, mask) for name, mask in seen.items()})


def behind(judge: nn.Module, split: Split, mask: Split) -> float:
    """Accuracy of a judge on images behind masks, which are the inputs of another split."""
    return accuracy(judge, replace(split, inputs=split.inputs * mask.inputs))


def gap(judge: float, *readers: float) -> float:
    """What must be known of the masks as a code: accuracy of the best reader less that of the judge.

    Args:
        judge: of the judge behind the hider's own masks.
        readers: of the seeker, and of a network retrained behind these masks.

    >>> round(gap(0.802, 0.95, 0.956), 3)
    0.154
    """
    return max(readers) - judge


def budget(num_examples: int) -> Budget:
    """What every judge has, whatever the trainings that it judges."""
    num_batches = -(-num_examples // Budget.batch_size)
    return Budget(max(EPOCHS, -(-STEPS // num_batches)), cooldown=COOLDOWN)
