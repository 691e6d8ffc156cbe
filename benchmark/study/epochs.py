"""Epochs of a training that goes on after any kill: its state is kept after each of them."""

import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from torch import nn
from torch.optim import Optimizer
from tqdm import tqdm

from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.board import write_row, writer
from roarbench.benchmark.study.site import Site
from roarbench.benchmark.study.state import progress, resume

LAST = "last.safetensors"


@runtime_checkable
class Training(Protocol):
    """A training under way: the rows of its epochs, its optimiser, and how to do one more epoch."""

    rows: list[dict[str, float]]

    @property
    def optimiser(self) -> Optimizer: ...

    @property
    def finished(self) -> bool: ...

    def epoch(self) -> dict[str, float]: ...


def run_epochs(
    training: Training,
    network: nn.Module,
    site: Site,
    total: int,
    *,
    begin: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> float:
    """Trains to the end, from where the folder of the site was left.

    Args:
        network: what is trained.
        total: number of epochs.
        begin: what comes before the first epoch.
        after: what comes after each, before its state is kept.

    Returns:
        Seconds of the whole training, all interruptions apart.
    """
    last, since = site.folder / LAST, time.perf_counter()
    if last.exists():
        tensors, notes = checkpoint.read(last)
        training.rows, since = notes["rows"], since - notes["seconds"]
        resume(network, training.optimiser, tensors)
    else:
        begin()
    board = writer(site.logs, len(training.rows)) if site.logs else None
    with tqdm(total=total, initial=len(training.rows), unit="epoch", leave=False) as bar:
        while not training.finished:
            row = training.epoch()
            if board:
                write_row(board, row, len(training.rows))
            after()
            notes = {"rows": training.rows, "seconds": time.perf_counter() - since}
            checkpoint.write(last, progress(network, training.optimiser), notes)
            bar.update()
            bar.set_postfix({name: f"{row[name]:.3g}" for name in ("validation_accuracy", "total") if name in row})
    return time.perf_counter() - since
