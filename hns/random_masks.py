"""Masks that say nothing of an image: a random share of its units is hidden, scattered or in blobs.

A network trained behind them learns to live with every share of hidden units, and has no code to read.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

BLOBS = 0.5
"""Share of the masks of images whose hidden units lie together; the others are scattered."""

SCALES = (2, 3, 5, 8)
"""Cells along the shorter side of the noise that blobs are made of."""


SMOOTH = {1: "linear", 2: "bicubic", 3: "trilinear"}
"""How coarse noise is enlarged along one, two or three axes."""


def random_masks(
    num: int, units: tuple[int, ...], generator: torch.Generator | None = None, *, blobs: float = BLOBS
) -> Bool[Tensor, "n *unit"]:
    """Masks (True = kept) that hide a share drawn from U(0, 1), each its own.

    Paper: Jethani et al. 2021, arXiv:2103.01890, s. 3 (EVAL-X).
    Differs from the paper: the share is drawn, and part of the masks are blobs, since compact holes are what many
    explainers make.

    Args:
        num: how many masks.
        units: shape of one mask; only what has places, `(c, ...)`, has blobs.
        generator: on the CPU; the global one without.
        blobs: chance of a mask to be made of blobs, in [0, 1].

    Returns:
        On the CPU.
    """
    shares = torch.rand(num, generator=generator)
    masks = torch.rand(num, *units, generator=generator) >= shares.view(-1, *[1] * len(units))
    if len(units) > 1:
        chosen = torch.rand(num, generator=generator) < blobs
        masks[chosen] = hiding(_smooth(int(chosen.sum()), units, generator), shares[chosen])
    return masks


def derangement(n: int, generator: torch.Generator | None = None) -> Int[Tensor, "n"]:
    """A random permutation without a fixed point, for n of at least 2: one cycle through all places.

    Args:
        generator: on the CPU; the global one without.
    """
    order = torch.randperm(n, generator=generator)
    return torch.empty_like(order).scatter_(0, order, order.roll(1))


def hiding(scores: Float[Tensor, "n *unit"], shares: Float[Tensor, "n"]) -> Bool[Tensor, "n *unit"]:
    """Masks that hide the units with the lowest scores, of each example its share, to the nearest whole number."""
    flat = scores.flatten(1)
    counts = (shares * flat.shape[1]).round().long()
    bounds = F.pad(flat.sort(1).values, (0, 1), value=math.inf).gather(1, counts[:, None])
    return (flat >= bounds).view_as(scores)


def _smooth(num: int, units: tuple[int, ...], generator: torch.Generator | None) -> Float[Tensor, "n c *place"]:
    """Coarse noise enlarged to the size of a mask, its scale drawn once for the batch."""
    channels, *places = units
    scale = SCALES[int(torch.randint(len(SCALES), (), generator=generator))]
    cells = [max(2, round(scale * length / min(places))) for length in places]
    noise = torch.rand(num, channels, *cells, generator=generator)
    return F.interpolate(noise, tuple(places), mode=SMOOTH[len(places)], align_corners=False)
