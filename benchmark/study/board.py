"""TensorBoard scalars; the only place that imports TensorBoard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

SPLITS = ("train_", "validation_")


def check() -> None:
    """Looks whether scalars can be written.

    Raises:
        ValueError: TensorBoard is not installed.
    """
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        raise ValueError('tensorboard is not installed; python -m pip install "roarbench[tensorboard]"') from None


def writer(folder: Path, done: int) -> Any:
    """What writes scalars into a folder, from the step or epoch after `done` on.

    Raises:
        ValueError: TensorBoard is not installed.
    """
    check()
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=done + 1)


def write_row(board: Any, row: Mapping[str, float], epoch: int) -> None:
    """Writes the numbers of an epoch as scalars, those of splits in groups: train_total as train/total."""
    for name, value in row.items():
        if name != "epoch":
            board.add_scalar(name.replace("_", "/", 1) if name.startswith(SPLITS) else name, value, epoch)
    board.flush()
