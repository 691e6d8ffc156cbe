"""The state of a training of Hide-and-Seek as tensors and notes, from which it goes on to the same numbers."""

from collections import deque
from typing import Any

import torch
from torch import Tensor

from roarbench.benchmark.study.state import progress, resume
from roarbench.hns.training import STEP, Training


def snapshot(training: Training) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights, moments of the optimiser, generators, order of the epoch, journal and alpha."""
    tensors = progress(training.network, training.optimiser)
    tensors["journal"] = torch.tensor(training.journal, dtype=torch.float64).view(-1, len(STEP))
    if training.order is not None:
        tensors["order"] = training.order
    alpha = training.alpha
    notes = {"num_drops": alpha.num_drops, "window": list(alpha.window), "cooling_from": training.cooling_from}
    return tensors, notes


def restore(training: Training, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
    """Puts a training, made with the same settings, and the global generator back where they were."""
    training.journal = tensors["journal"].tolist()
    training.order = tensors.get("order")
    training.alpha.num_drops, training.alpha.window = notes["num_drops"], deque(notes["window"])
    training.cooling_from = notes["cooling_from"]
    resume(training.network, training.optimiser, tensors)
