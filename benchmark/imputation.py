"""Noisy linear imputation without its noise (ROAD: Rong et al. 2022, arXiv:2202.00449): neighbours fill what is gone.

Every removed pixel is the weighted mean of its eight neighbours, removed ones included, which is one symmetric positive
definite system for each image and channel: with weights [1, 2, 1] x [1, 2, 1] it reads `weight * x - around(x) = 0`.
Whole batches are solved by conjugate gradients, preconditioned by one multigrid V-cycle, as the number of steps would
otherwise grow with the holes. All planes lie in one flat tensor, apart by an empty row and column: neighbours are
shifts of it. An image gets the same bits on the CPU whatever it shares a batch with.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

Planes = Float[Tensor, "_ _ _ _"]

TOLERANCE = 3e-5
"""Length of the last step in the energy norm, in units of the inputs. No error is larger than twice its energy norm, as
the response of a pixel to itself stays below 4; a step may be some three times shorter than what is left to go."""

MOST_STEPS = 100
"""Steps needed are 5 to 20, whatever the size of image and holes."""

CHUNK, CHUNK_CPU = 2**24, 2**17
"""Numbers solved together: on the CPU, as many as its cache holds a dozen times."""


class Grid(NamedTuple):
    """The system on one scale; blocks of 2x2 pixels that are all removed are the removed pixels of the next.

    Attributes:
        weight: sum of the weights around each place within the image, its own included.
        jacobi: one over the diagonal of the system; 0 where nothing is removed.
    """

    weight: Float[Tensor, "1 1 h w"]
    jacobi: Float[Tensor, "n u h w"]


def impute(
    inputs: Float[Tensor, "n c h w"], kept: Bool[Tensor, "n u h w"], train_mean: Float[Tensor, "*channel"]
) -> Float[Tensor, "n c h w"]:
    """Images whose removed pixels are weighted means of their neighbours: 1/6 direct, 1/12 diagonal.

    Weights are renormalised at the border of an image. A channel of which nothing is kept is its training mean.

    Paper: Rong et al. 2022, arXiv:2202.00449, s.5 and appendix, without the noise.
    Differs from the paper: nowhere; the released code solves each image by itself, with a direct sparse solver.

    Args:
        kept: `(n, 1, h, w)` for whole pixels or `(n, c, h, w)` for features; kept values are returned bit for bit.
        train_mean: `(c, 1, 1)`.

    Returns:
        Within 1e-4 of the exact solution for inputs in [0, 1].

    Raises:
        ArithmeticError: no solution was reached, for example of inputs that are not finite.
    """
    parts = max(1, math.ceil(inputs.numel() / (CHUNK_CPU if inputs.device.type == "cpu" else CHUNK)))
    size = max(1, math.ceil(len(inputs) / parts))
    pairs = zip(inputs.split(size), kept.split(size), strict=True)
    return torch.cat([_imputed(part, mask, train_mean) for part, mask in pairs])


def _imputed(inputs: Planes, kept: Bool[Tensor, "n u h w"], train_mean: Float[Tensor, "*channel"]) -> Planes:
    """Solves for the deviation from the mean of what is kept, so that constant images take no step."""
    known = kept.to(inputs.dtype)
    count = known.sum((2, 3), keepdim=True)
    centre = torch.where(count > 0, (inputs * known).sum((2, 3), keepdim=True) / count.clamp_min(1), train_mean)
    grids = list(_grids(_framed(1 - known), _framed(torch.ones_like(known[:1, :1]))))
    missing = _solve(grids, _around(_framed((inputs - centre) * known)))
    height, width = inputs.shape[2:]
    return torch.where(kept, inputs, missing[..., :height, :width] + centre)


def _solve(grids: list[Grid], residual: Planes) -> Planes:
    """Conjugate gradients on every plane at once; those that are done stand still. Changes `residual`."""
    found = torch.zeros_like(residual)
    direction = step = _precondition(grids, residual)
    slope = _dot(residual, step)
    moving = torch.ones_like(slope, dtype=torch.bool)
    for _ in range(MOST_STEPS):
        change = _residual(grids[0], direction)
        length = torch.where(moving & ~(slope < 1e-30), -slope / _dot(direction, change), 0)  # solved: 0 / 0
        found.addcmul_(direction, length)
        moving = moving & ~(length * slope <= 12 * TOLERANCE**2)  # 12: the weights sum to that, not to 1
        if not moving.any():
            return found
        residual.addcmul_(change, length)
        step = _precondition(grids, residual)
        before, slope = slope, _dot(residual, step)
        direction.mul_(torch.where(moving, slope / before, 0)).add_(step)
    raise ArithmeticError(f"imputation needs finite inputs, got no solution after {MOST_STEPS} steps; check the data")


def _precondition(grids: list[Grid], residual: Planes) -> Planes:
    """One V-cycle: a Jacobi step, the same on the coarser scales, a Jacobi step. Symmetric, as the method demands."""
    grid, *coarser = grids
    step = residual * grid.jacobi
    if coarser:
        _add_blocks(step, _precondition(coarser, _even(_block_sums(_residual(grid, step).add_(residual)))))
    return step.addcmul_(_residual(grid, step).add_(residual), grid.jacobi)


def _residual(grid: Grid, field: Planes) -> Planes:
    """Minus the system applied to a field that is 0 where nothing is removed; of no meaning there."""
    return _around(field).addcmul_(grid.weight, field, value=-1)


def _around(field: Planes) -> Planes:
    """Sum over 3x3 places with weights [1, 2, 1] x [1, 2, 1]; the last row and column of planes are empty, or ignored.

    Shifts run from one row, and plane, into the next: the empty ones lie between.
    """
    flat, width = field.flatten(), field.shape[-1]
    across, both = torch.empty_like(flat), torch.empty_like(flat)
    across[-1:], both[-width:] = 0, 0  # empty places, as all that wraps around
    torch.add(flat[1:], flat[:-1], alpha=2, out=across[:-1])
    across[1:] += flat[:-1]
    torch.add(across[width:], across[:-width], alpha=2, out=both[:-width])
    both[width:] += across[:-width]
    return both.view_as(field)


def _grids(removed: Planes, inside: Planes) -> Iterator[Grid]:
    """The system from fine to coarse, until nothing is removed or nothing left to halve."""
    while True:
        weight = _around(inside)
        yield Grid(weight, removed / (weight - 4).clamp_min(6))  # less only in corners, and in images of one row
        if min(removed.shape[2:]) <= 4:
            return
        removed, inside = (_even((_block_sums(field) == 4).to(field.dtype)) for field in (removed, inside))
        if not removed.any():
            return


def _framed(field: Planes) -> Planes:
    """With an empty row and column at the end, or two, to an even number."""
    return _even(F.pad(field, (0, 1, 0, 1)))


def _even(field: Planes) -> Planes:
    return F.pad(field, (0, field.shape[-1] % 2, 0, field.shape[-2] % 2))


def _block_sums(field: Planes) -> Planes:
    """Sums over blocks of 2x2."""
    rows = field[..., 0::2, :] + field[..., 1::2, :]
    return rows[..., 0::2] + rows[..., 1::2]


def _add_blocks(field: Planes, coarse: Planes) -> None:
    """Adds to every block of 2x2 the value of its block."""
    n, c, height, width = field.shape
    coarse = coarse[..., : height // 2, : width // 2]
    rows = field.new_empty(n, c, height // 2, 1, width)
    rows[..., 0, 0::2] = coarse
    rows[..., 0, 1::2] = coarse
    field.view(n, c, height // 2, 2, width).add_(rows)


def _dot(one: Planes, other: Planes) -> Float[Tensor, "n c 1 1"]:
    return (one * other).flatten(2).sum(2)[..., None, None]
