"""Batches of an order of examples."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor


def batches(order: Int[Tensor, "n"], batch_size: int, *, least: int = 2) -> Sequence[Int[Tensor, "b"]]:
    """Batches in order; a last one below `least` joins the batch before it, as batch norm cannot train on one."""
    parts = list(order.split(batch_size))
    if len(parts) > 1 and len(parts[-1]) < least:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
