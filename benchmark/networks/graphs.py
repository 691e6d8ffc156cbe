"""Steps of a training recorded as a CUDA graph: one launch in place of a hundred, for networks that wait for those.

Off unless `ROARBENCH_CUDA_GRAPHS=1` is in the environment: it was written without a card at hand. `make speed-gpu`
compares whole trainings with and without.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Int
from torch import Tensor

SWITCH = "ROARBENCH_CUDA_GRAPHS"

PLAIN_STEPS = 3
"""Steps before one is recorded: the first ones reserve memory and choose kernels, which no graph may do."""

Step = Callable[[Int[Tensor, "b"]], None]
Replay = Callable[[], None]


def wanted(device: torch.device) -> bool:
    """Whether steps on a device are recorded."""
    return device.type == "cuda" and os.environ.get(SWITCH) == "1"


@contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """A stream for all steps of a training, done when it is left; that of the program itself cannot be recorded."""
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        stream.synchronize()


class Replayed:
    """A step that is recorded once and replayed for all batches as large as the first; it does what the step does.

    Nothing is computed while a step is recorded, so that a training goes on unharmed where that fails.
    """

    def __init__(self, step: Step, record: Callable[[Replay], Replay]) -> None:
        """Takes a step that reads all that changes, but for its positions, from tensors that stay."""
        self.step, self.record = step, record
        self.size, self.plain_steps, self.tried = 0, PLAIN_STEPS, False
        self.replay: Replay | None = None

    def __call__(self, positions: Int[Tensor, "b"]) -> None:
        """Takes a step on the examples at some positions."""
        self.size = self.size or len(positions)
        alike = len(positions) == self.size
        if alike and not self.plain_steps and not self.tried:
            self._record(positions)
        if alike and self.replay:
            self.positions.copy_(positions)
            self.replay()
        else:
            self.plain_steps -= alike and self.plain_steps > 0
            self.step(positions)

    def _record(self, positions: Int[Tensor, "b"]) -> None:
        self.tried, self.positions = True, positions.clone()
        try:
            self.replay = self.record(lambda: self.step(self.positions))
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            warnings.warn(f"no CUDA graph of this training ({reason}); it goes on without", stacklevel=2)


def cuda_graph(work: Replay) -> Replay:
    """Records work on the current stream, which must not be the first one, without doing it."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        work()
    return graph.replay
