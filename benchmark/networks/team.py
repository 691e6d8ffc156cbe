"""Several processes that train one network together: each takes a share of every batch, all keep the same weights."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from roarbench.benchmark.matrix.spec import Fold, Original
from roarbench.benchmark.matrix.work import Bundle, Shared

WHENEVER = timedelta(days=3650)
"""How long processes wait for work: features may be ranked for days between two trainings."""

STEP = timedelta(minutes=10)
"""How long they wait for each other within a training, before they take one for lost."""


@dataclass(frozen=True)
class Team:
    """The processes that torchrun started, and this one among them.

    Attributes:
        rank: number of this process; 0 is the driver.
        size: number of processes.
        device: of this process.
        trainers: process group of trainings, whose waits are short: a process that fails is noticed. All else goes
            through the default group.
    """

    rank: int
    size: int
    device: str
    trainers: Any

    @classmethod
    def assembled(cls, device: str) -> "Team":
        """Meets the other processes: over nccl where gradients are on GPUs, otherwise over gloo."""
        distributed.init_process_group("gloo", timeout=WHENEVER)
        backend = "nccl" if device.startswith("cuda") else "gloo"
        trainers = distributed.new_group(backend=backend, timeout=STEP)
        return cls(distributed.get_rank(), distributed.get_world_size(), device, trainers)

    @property
    def least(self) -> int:
        """Examples in the smallest batch: batch norm needs two in each process."""
        return 2 * self.size

    def share(self, batch: Int[Tensor, "b"]) -> Int[Tensor, "s"]:
        """The part of a batch that this process takes; parts are disjoint and as equal as whole examples allow."""
        return batch.tensor_split(self.size)[self.rank]

    def weight(self, batch_size: int) -> float:
        """What the mean loss of this process's share counts, so that the mean over processes is that of the batch."""
        return len(self.share(torch.arange(batch_size))) * self.size / batch_size

    def joined(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over all processes; batch norm sees only the share of its process."""
        ids = [torch.device(self.device)] if self.device.startswith("cuda") else None
        return DistributedDataParallel(network, device_ids=ids, process_group=self.trainers)

    @contextmanager
    def in_step(self) -> Iterator[None]:
        """Leaves the block when all processes have; where one failed, all fail.

        Raises:
            RuntimeError: another process failed in the block.
        """
        error: Exception | None = None
        try:
            yield
        except Exception as caught:
            error = caught
        failures: list[str | None] = [None] * self.size
        distributed.all_gather_object(failures, f"{type(error).__name__}: {error}" if error else None)
        if error:
            raise error
        for rank, failure in enumerate(failures):
            if failure:
                raise RuntimeError(f"process {rank} of {self.size} failed: {failure}")

    def tell(self, news: object) -> object:
        """What the driver tells, in every process; others wait for it."""
        box = [news]
        distributed.broadcast_object_list(box)
        return box[0]


class TeamExecutor(Executor):
    """Tells the other processes of work that trains a network, and takes part in it at once."""

    def __init__(self, team: Team) -> None:
        self.team = team

    def submit(self, work: Callable, /, *arguments: object, **keywords: object) -> Future:
        future: Future = Future()
        if _trains(arguments[0]):
            self.team.tell(arguments[0])
        future.set_result(work(*arguments, **keywords))
        return future


def _trains(work: object) -> bool:
    return isinstance(work, Original | Fold | Shared) or (isinstance(work, Bundle) and work.cells[0].retrain)
