"""Augmentation of batches on the device, after features were removed, so that a mask moves with its image."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from roarbench.benchmark.matrix.recipe import Augmentation


def augmented(
    inputs: Float[Tensor, "b *feature"], kind: Augmentation, generator: torch.Generator
) -> Float[Tensor, "b *feature"]:
    """A random view of every image of a batch.

    Args:
        kind: "none"; "shift_flip" shifts by up to 4 pixels and flips; "resized_crop" takes 8 to 100 % of the area at an
            aspect ratio of 3/4 to 4/3 and flips, as ImageNet recipes do.
        generator: on the CPU.

    Raises:
        ValueError: tabular rows with any kind but "none".
    """
    if kind == "none":
        return inputs
    if inputs.ndim != 4:
        raise ValueError(f"recipe.augmentation {kind} needs images, got features {tuple(inputs.shape[1:])}; use none")
    draw = torch.rand(5, len(inputs), generator=generator)
    crop = _shifts(draw, *inputs.shape[2:]) if kind == "shift_flip" else _crops(draw)
    scale_x, scale_y, centre_x, centre_y = crop
    scale_x, zero = torch.where(draw[4] < 0.5, -scale_x, scale_x), torch.zeros(len(inputs))
    rows = torch.stack([scale_x, zero, centre_x, zero, scale_y, centre_y], 1).view(-1, 2, 3)
    with torch.autocast(inputs.device.type, enabled=False):  # in bfloat16 pixels would fall between their places
        grid = F.affine_grid(rows.to(inputs.device), list(inputs.shape), align_corners=False)
        return F.grid_sample(inputs, grid, align_corners=False)


def augmented_alike(
    inputs: Float[Tensor, "r b *feature"], kind: Augmentation, generator: torch.Generator
) -> Float[Tensor, "r b *feature"]:
    """The views that `augmented` draws for a batch, the same for the inputs of all replicas."""
    if kind == "none":
        return inputs
    as_channels = inputs.transpose(0, 1).flatten(1, 2)
    return augmented(as_channels, kind, generator).unflatten(1, (len(inputs), -1)).transpose(0, 1)


def _shifts(draw: Float[Tensor, "5 b"], height: int, width: int) -> tuple[Tensor, ...]:
    """Scale and centre, in units of half the image, of a shift by -4 to 4 whole pixels."""
    one, pixels = torch.ones(draw.shape[1]), (draw[:2] * 9).floor() - 4
    return one, one, 2 * pixels[0] / width, 2 * pixels[1] / height


def _crops(draw: Float[Tensor, "5 b"]) -> tuple[Tensor, ...]:
    """Scale and centre of a crop of random area, aspect ratio and place."""
    area, aspect = 0.08 + 0.92 * draw[0], (math.log(4 / 3) * (2 * draw[1] - 1)).exp()
    scale_x, scale_y = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    return scale_x, scale_y, (1 - scale_x) * (2 * draw[2] - 1), (1 - scale_y) * (2 * draw[3] - 1)
