"""TensorBoard scalars of Hide-and-Seek, under the names of the published logs."""

from pathlib import Path

from roarbench.benchmark.study.board import writer
from roarbench.hns.commands.log import Log
from roarbench.hns.training import STEP, Training

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
        num_epochs: epochs, likewise.

    Raises:
        ValueError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path | None, step: int = 0, num_epochs: int = 0) -> None:
        self.done = {"batch": step, "epoch": num_epochs}
        self.writers = {name: writer(folder / name, done) for name, done in self.done.items()} if folder else {}

    def write(self, training: Training, log: Log) -> None:
        """Writes the steps and epochs since the last call."""
        if not self.writers:
            return
        for number, row in enumerate(training.journal[self.done["batch"] :], start=self.done["batch"] + 1):
            metrics = dict(zip(STEP, row, strict=True))
            self.writers["batch"].add_scalar("percentage hidden", 100 * (1 - metrics["mask_loss"]), number)
            for name, tag in STEP_TAGS.items():
                self.writers["batch"].add_scalar(tag, metrics[name], number)
        for epoch_row in log.rows[self.done["epoch"] :]:
            for name, tag in EPOCH_TAGS.items():
                self.writers["epoch"].add_scalar(tag, epoch_row[name], int(epoch_row["epoch"]))
        self.done = {"batch": training.step, "epoch": len(log.rows)}
        for board in self.writers.values():
            board.flush()
