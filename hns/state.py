"""The state of a training as tensors and notes: what a file must hold so that it goes on to the same numbers."""

from collections import deque
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from roarbench.hns.checkpoint import fill
from roarbench.hns.training import STEP, Training

NETWORK, MOMENTS = "network.", "moments."


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


def progress(network: nn.Module, optimiser: Optimizer) -> dict[str, Tensor]:
    """Weights, moments of the optimiser, and the global generator."""
    tensors = {NETWORK + name: value for name, value in network.state_dict().items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"{MOMENTS}{index}.{name}": value for name, value in moments.items()}
    return tensors | {"generator": torch.get_rng_state()}


def resume(network: nn.Module, optimiser: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Puts weights, moments and the global generator back where `progress` found them.

    Raises:
        ValueError: weights of another network.
    """
    fill(network, _below(tensors, NETWORK), "state")
    moments = _moments(network, tensors)
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})
    torch.set_rng_state(tensors["generator"])


def _moments(network: nn.Module, tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """Moments by parameter, laid out in memory like it: the fused optimiser walks both side by side."""
    parameters = list(network.parameters())
    found: dict[int, dict[str, Tensor]] = {}
    for key, value in _below(tensors, MOMENTS).items():
        index, _, name = key.partition(".")
        like = torch.empty_like(parameters[int(index)]) if value.ndim else torch.empty(())
        found.setdefault(int(index), {})[name] = like.copy_(value)
    return found


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
