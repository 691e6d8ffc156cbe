"""Which calls are ReLUs, however a network spells them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

RELUS = frozenset({F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_})
CLAMPS = frozenset(
    {torch.clamp, torch.clamp_, Tensor.clamp, Tensor.clamp_, torch.clip, torch.clip_, Tensor.clip, Tensor.clip_}
)
FLOORS = frozenset({torch.clamp_min, torch.clamp_min_, Tensor.clamp_min, Tensor.clamp_min_})


def rectifies(function: Callable[..., Any], arguments: Sequence[Any], options: Mapping[str, Any]) -> bool:
    """Whether a call is a ReLU: by its name, or as a clamp to at least 0 and no more.

    >>> rectifies(torch.clamp, [torch.ones(1)], {"min": 0})
    True
    >>> rectifies(torch.clamp, [torch.ones(1), 0, 6], {})
    False
    """
    if function in RELUS:
        return True
    if function not in CLAMPS | FLOORS or "out" in options:
        return False
    least, most = (_argument(arguments, options, position, name) for position, name in ((1, "min"), (2, "max")))
    return isinstance(least, int | float) and least == 0 and most is None


def in_place(function: Callable[..., Any], arguments: Sequence[Any], options: Mapping[str, Any]) -> bool:
    """Whether a ReLU changes its argument."""
    if function is F.relu:
        return bool(_argument(arguments, options, 1, "inplace"))
    return function.__name__.endswith("_")


def _argument(arguments: Sequence[Any], options: Mapping[str, Any], position: int, name: str) -> Any:
    return arguments[position] if len(arguments) > position else options.get(name)
