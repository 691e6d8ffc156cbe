"""What is written down about a training: a row for every epoch, how attempts collapsed, how long it took."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from roarbench.hns.evaluation import Score
from roarbench.hns.training import STEP, Training

Row = dict[str, float]


@dataclass
class Log:
    """What is known of a training that is under way.

    Attributes:
        baseline: accuracy of a seeker of intact images on the test split.
        rows: one for each epoch, see `epoch_row`.
        best: index of the row that the selection rule keeps: the highest accuracy * share hidden on the validation
            split, which is the highest FII there; the last row where there is no validation split.
        collapses: how earlier attempts ended.
        seconds: seconds of all attempts so far.
        initial_hidden: share of the test split that the untrained masks hide; their FII is at most about that.
    """

    baseline: float
    rows: list[Row] = field(default_factory=list)
    best: int = -1
    collapses: list[str] = field(default_factory=list)
    seconds: float = 0.0
    initial_hidden: float = math.nan

    def add(self, row: Row) -> bool:
        """Appends the row of an epoch and says whether it is the best so far."""
        self.rows.append(row)
        better = self.best < 0 or row.get("validation_fii", 0.0) >= self.rows[self.best].get("validation_fii", 0.0)
        if better:
            self.best = len(self.rows) - 1
        return better


def epoch_row(training: Training, scores: Mapping[str, Score], baseline: float) -> Row:
    """One epoch: means over its batches, scores of the other splits, and F, I, FIR and FII on test.

    Interpretability is the share hidden of the test split, like fidelity; the published one, over the batches of the
    epoch, is `train_hidden`.
    """
    num_steps = (training.step - 1) % training.steps_per_epoch + 1
    means = dict(zip(STEP, np.mean(training.journal[-num_steps:], axis=0).tolist(), strict=True))
    row: Row = {
        "epoch": float(-(-training.step // training.steps_per_epoch)),
        "step": float(training.step),
        "alpha": training.journal[-1][STEP.index("alpha")],
        "train_accuracy": means["accuracy"],
        "train_loss": means["classification_loss"],
        "train_total_loss": means["total_loss"],
        "train_hidden": 1 - means["mask_loss"],
        "train_nonzero_hidden": means["nonzero_hidden"],
    }
    for name, score in scores.items():
        row |= {f"{name}_{key}": value for key, value in asdict(score).items()}
    if "validation" in scores:
        row["validation_fii"] = scores["validation"].against(baseline)["fii"]
    return row | scores["test"].against(baseline)
