"""The guard against masks that degenerate: a training whose masks have is begun again."""

import torch

from datasets.base import Split
from hns.evaluation import Score, score
from hns.training import Training

MAX_RESTARTS = 2
"""How often a training is begun again."""

JUDGED = 1024
"""Training examples that judge where there is no validation split; the test split never does."""


def judged(train: Split) -> Split:
    """The examples of a training split that judge its masks, spread over it: folders come class by class."""
    return train.at(torch.linspace(0, len(train) - 1, min(JUDGED, len(train))).long())


def collapsed(training: Training, baseline: float, found: Score | None = None) -> str | None:
    """How the masks of a training have degenerated so far, if they have; see `collapse`.

    Args:
        found: score of a validation split; without it training examples judge.
    """
    found = found or score(training.network, judged(training.split))
    return collapse(found, baseline, final=training.finished and training.alpha.num_drops > 0)


def collapse(found: Score, baseline: float, *, final: bool) -> str | None:
    """How masks have degenerated, if they have.

    "hides everything": more than 98.5 %, and of what a seeker of intact images gains over guessing, less than 0.3 is
    left. At the end of a training in which alpha has fallen also "has lost the classes": no more is left, whatever is
    hidden; and "hides nothing": less than 10 %.

    Args:
        baseline: accuracy on intact images, in (0, 1].
        final: such a training has ended.

    Differs from the paper: the authors' notebooks ask for an accuracy below 0.3 of the baseline, which guessing between
    two or three classes exceeds.
    """
    if found.accuracy < found.chance + 0.3 * (baseline - found.chance):
        return "hides everything" if found.hidden > 0.985 else "has lost the classes" if final else None
    return "hides nothing" if final and found.hidden < 0.1 else None
