"""Images that pass a classifier, counted as rows that enter its first layer, however an explainer calls it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook


@contextmanager
def entering(network: nn.Module, note: Callable[[int], None]) -> Iterator[None]:
    """Within it, `note` hears how many images enter a network, or a copy of it, each time before they pass.

    The first layer sees every image as one row, also where a hook joins references to a batch. A copy of the network
    counts, too. It is known by the constants of its first layer, which are those of the data.
    """
    first = _first_layer(network)

    def hook(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if module is first or _copies(module, first):
            note(len(arguments[0]))

    handle = register_module_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _first_layer(network: nn.Module) -> nn.Module:
    """The first module without parts: the standardisation of every classifier."""
    return next(module for module in network.modules() if not any(module.children()))


def _copies(module: nn.Module, first: nn.Module) -> bool:
    """Whether a module is of the type of another and holds equal tensors, of which there is one at least."""
    if type(module) is not type(first):
        return False
    mine, theirs = module.state_dict(), first.state_dict()
    return bool(theirs) and mine.keys() == theirs.keys() and all(map(_equal, mine.values(), theirs.values()))


def _equal(mine: Tensor, theirs: Tensor) -> bool:
    """Whether tensors hold the same, be it on another device or more precisely."""
    return torch.equal(mine.to(theirs), theirs)
