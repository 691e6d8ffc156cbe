"""In which numbers a network is trained: float32, or bfloat16 products where the processor multiplies those."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

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


def exact_volumes(inputs: Float[Tensor, "b *feature"]) -> AbstractContextManager:
    """Within it, volumes on a processor are computed in float32.

    In oneDNN 3.13, bfloat16 gradients of kernels of 3x3x3 over 2x2x2 places are memory that nobody wrote.
    """
    volumes = inputs.ndim == 5 and inputs.device.type == "cpu"
    return torch.autocast("cpu", enabled=False) if volumes else nullcontext()


def exact() -> None:
    """Makes this process compute with one thread, so that their number changes no number, and in all bits of float32.

    Convolutions on CUDA would otherwise drop some of them (TF32).
    """
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False
