"""Label leakage, the cheap form: how well does a linear classifier tell the class from masks alone?"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

from roarbench.benchmark.measures.sample import Sample
from roarbench.methods.base import Skip

IMAGES = 2000
"""Test images whose masks are read, at most; a fixed random choice."""


@dataclass(frozen=True)
class MaskLeak:
    """Label leakage: accuracy of a linear classifier that sees only which units were removed.

    Paper: none; after Jethani et al. 2021, arXiv:2103.01890, whose explanations encode predictions.
    Differs from the paper: there is none. A ridge classifier learns the labels from the masks of test images, and is
    scored on images that it has not seen (cross-validation).

    Misleads: it is a lower bound, since networks read more of a mask than a linear classifier does; the mask probe
    trains one. Chance is the share of the most frequent class. With few test images little is learned.

    Attributes:
        fraction: share of the units that is removed, the most relevant first.
        folds: parts of the cross-validation.
        penalty: weight of the squared coefficients.
    """

    label = "mask leak"
    better = "low"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ()
    cost = "a linear classifier of masks"

    fraction: float = 0.5
    folds: int = 5
    penalty: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.fraction < 1:
            raise ValueError(f"mask_leak[fraction] must be between 0 and 1, got {self.fraction:g}")
        if self.folds < 2:
            raise ValueError(f"mask_leak[folds] must be at least 2, got {self.folds}")
        if not self.penalty > 0:
            raise ValueError(f"mask_leak[penalty] must be above 0, got {self.penalty:g}")

    def measure(self, sample: Sample) -> float:
        """In [0, 1].

        Raises:
            Skip: ranks of the test split are not stored, or a class has fewer images than there are folds.
        """
        parts = [(part.labels.cpu().numpy(), ranks.cpu().numpy()) for part, ranks, _ in sample.ranked_examples(IMAGES)]
        labels = np.concatenate([labels for labels, _ in parts])
        ranks = np.concatenate([ranks.reshape(len(ranks), -1) for _, ranks in parts])
        least = int(np.unique(labels, return_counts=True)[1].min())
        if least < self.folds or len(np.unique(labels)) < 2:
            raise Skip(f"mask_leak needs {self.folds} test images of each of two classes or more, got {least} of one")
        masks = (ranks >= self.fraction * ranks.shape[1]).astype(np.float32)
        folds = StratifiedKFold(self.folds, shuffle=True, random_state=0)
        return float(cross_val_score(RidgeClassifier(alpha=self.penalty), masks, labels, cv=folds).mean())
