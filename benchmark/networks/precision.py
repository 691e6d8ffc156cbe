"""In which numbers a network is trained: float32, or bfloat16 products where the processor multiplies those."""

from contextlib import AbstractContextManager
from dataclasses import replace

import torch

from roarbench.benchmark.matrix.recipe import Precision, Recipe


def settled(recipe: Recipe, device: str) -> Recipe:
    """The recipe with "auto" decided for a device, so that the precision is part of the identity of its results."""
    if recipe.precision != "auto":
        return recipe
    return replace(recipe, precision="bf16" if multiplies_bf16(device) else "fp32")


def multiplies_bf16(device: str) -> bool:
    """Whether a device has instructions for bfloat16; emulated, it would be slower than float32."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions do not tell
    return any(capabilities.get(name) for name in ("amx_bf16", "avx512_bf16"))


def products(precision: Precision, device: torch.device) -> AbstractContextManager:
    """Within it, matrix products and convolutions are computed in the precision; weights and sums stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def exact() -> None:
    """Makes this process compute with one thread, so that their number changes no number, and in all bits of float32.

    Convolutions on CUDA would otherwise drop some of them (TF32).
    """
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False
