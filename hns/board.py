"""TensorBoard scalars under the names of the published logs; the only place that imports TensorBoard."""

from pathlib import Path
from typing import Any

from hns.log import Log
from hns.training import STEP, Training

STEP_TAGS = {
    "classification_loss": "classification loss",
    "mask_loss": "mask loss",
    "alpha": "loss regulator",
    "total_loss": "total loss",
}
EPOCH_TAGS = {
    "train_total_loss": "Average loss per epoch",
    "test_accuracy": "Validation accuracy",
    "interpretability": "Interpretability",
    "fidelity": "Fidelity",
    "fir": "FIR",
    "fii": "FII",
}


class Board:
    """Writes `batch/` and `epoch/` below a folder, or nothing without one.

    Args:
        step: steps that an earlier process has written; what it wrote beyond them is purged.

    Raises:
        ValueError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path | None, step: int) -> None:
        self.step, self.epochs = step, 0
        self.writers = {name: _writer(folder / name, step) for name in ("batch", "epoch")} if folder else {}

    def write(self, training: Training, log: Log) -> None:
        """Writes the steps and epochs since the last call."""
        if not self.writers:
            return
        for number, row in enumerate(training.journal[self.step :], start=self.step + 1):
            named = dict(zip(STEP, row, strict=True))
            self.writers["batch"].add_scalar("percentage hidden", 100 * (1 - named["mask_loss"]), number)
            for name, tag in STEP_TAGS.items():
                self.writers["batch"].add_scalar(tag, named[name], number)
        for epoch_row in log.rows[self.epochs :]:
            for name, tag in EPOCH_TAGS.items():
                self.writers["epoch"].add_scalar(tag, epoch_row[name], int(epoch_row["epoch"]))
        self.step, self.epochs = training.step, len(log.rows)
        for writer in self.writers.values():
            writer.flush()


def _writer(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ValueError('tensorboard is not installed; python -m pip install "roarbench[tensorboard]"') from None
    return SummaryWriter(str(folder), purge_step=step + 1 if folder.name == "batch" else None)
