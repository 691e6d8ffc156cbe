"""The state of a training as tensors: what a file must hold so that it goes on to the same numbers."""

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from roarbench.benchmark.study.checkpoint import fill

NETWORK, MOMENTS = "network.", "moments."


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
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in _below(tensors, MOMENTS).items():
        index, _, name = key.partition(".")
        like = torch.empty_like(parameters[int(index)]) if value.ndim else torch.empty(())
        moments.setdefault(int(index), {})[name] = like.copy_(value)
    return moments


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
