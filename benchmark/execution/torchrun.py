"""One network at a time over all processes that torchrun started. The driver, process 0, does all else alone."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import distributed

from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.evaluator import trained_evaluator
from roarbench.benchmark.execution.folds import trained_fold
from roarbench.benchmark.execution.networks import trained_original
from roarbench.benchmark.execution.session import Resources, workplace
from roarbench.benchmark.execution.workplace import Workplace, forget_data
from roarbench.benchmark.matrix.spec import Fold, Original
from roarbench.benchmark.matrix.work import Bundle, Shared
from roarbench.benchmark.networks.precision import exact
from roarbench.benchmark.networks.team import Team

Result = TypeVar("Result")


def led(drive: Callable[[Resources], Result], folder: Path, resources: Resources) -> Result | None:
    """Calls `drive` in process 0 with the team among its resources; the others follow until it returns or fails.

    Returns:
        What `drive` does; None in the processes that follow.

    Raises:
        ValueError: not started by torchrun, or not with a GPU for each process.
    """
    team = Team.assembled(own_device(resources.device))
    mine = replace(resources, device=team.device, team=team)
    exact()
    try:
        if team.rank:
            _follow(team, workplace(folder, mine))
            return None
        try:
            return drive(mine)
        finally:
            team.tell(None)
    finally:
        distributed.destroy_process_group()


def own_device(name: str) -> str:
    """The device of this process: the GPU that bears its number on this machine, or the CPU.

    Raises:
        ValueError: not started by torchrun, a GPU by its number, more processes than GPUs.
    """
    number = os.environ.get("LOCAL_RANK")
    if number is None or "MASTER_ADDR" not in os.environ:
        raise ValueError(
            "executor torchrun needs torchrun to start its processes, got a plain start; "
            "write torchrun --nproc-per-node 2 run_benchmark.py run --executor torchrun ..."
        )
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return "cpu"
    if name not in ("auto", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda with executor torchrun, got {name}; each takes its own GPU")
    if int(number) >= torch.cuda.device_count():
        raise ValueError(
            f"every process needs a GPU of its own, got process {number} of {torch.cuda.device_count()} GPUs; "
            "lower --nproc-per-node"
        )
    torch.cuda.set_device(int(number))
    return f"cuda:{number}"


def _follow(team: Team, place: Workplace) -> None:
    """Takes part in trainings until the driver has no more; what goes wrong in one is the driver's to record."""
    while (work := team.tell(None)) is not None:
        take_part(work, place)


def take_part(work: object, place: Workplace) -> None:
    """The share of a process that follows: the training, and nothing of what is made of it."""
    try:
        if isinstance(work, Original):
            trained_original(work, place)
        elif isinstance(work, Fold):
            trained_fold(work, place)
        elif isinstance(work, Shared):
            trained_evaluator(work.cell, place)
        elif isinstance(work, Bundle):
            runner.retrained(work.cells[0], place)
    except Exception:
        forget_data()
