"""The guard against masks that degenerate: a training whose masks have is begun again."""

import torch

from roarbench.datasets.base import Split
from roarbench.hns.evaluation import Score, score
from roarbench.hns.training import Training

MAX_RESTARTS = 2
"""How often a training is begun again."""

ASKED = 0.5
"""Alpha at which at least half of the loss asks for hiding."""

JUDGED = 1024
"""Training examples that judge where there is no validation split; the test split never does."""


def judged(train: Split) -> Split:
    """The examples of a training split that judge its masks, spread over it: folders come class by class."""
    return train.at(torch.linspace(0, len(train) - 1, min(JUDGED, len(train))).long())


def collapsed(training: Training, baseline: float, found: Score | None = None) -> str | None:
    """How the masks of a training have degenerated so far, if they have.

    "hides everything" and "has lost the classes", the second only once alpha has fallen and training has ended: see
    `lost`. "hides nothing": less than 10 % at the end of a training that came to weigh hiding by half of its loss.

    Args:
        baseline: accuracy on intact images, in (0, 1].
        found: score of a validation split; without it training examples judge.
    """
    found = found or score(training.network, judged(training.split))
    over = training.finished and training.alpha.num_drops > 0
    if lost(found, baseline):
        return "hides everything" if found.hidden > 0.985 else "has lost the classes" if over else None
    return "hides nothing" if over and training.alpha.value <= ASKED and found.hidden < 0.1 else None


def lost(found: Score, baseline: float) -> bool:
    """Whether less than 0.3 is left of what a seeker of intact images gains over guessing.

    Differs from the paper: the authors' notebooks ask for an accuracy below 0.3 of the baseline, which guessing between
    two or three classes exceeds.
    """
    return found.accuracy < found.chance + 0.3 * (baseline - found.chance)
