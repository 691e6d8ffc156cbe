"""Noisy linear imputation without its noise (ROAD: Rong et al. 2022, arXiv:2202.00449): neighbours fill what is gone.

Every removed pixel is the weighted mean of its eight neighbours, removed ones included, which is one symmetric positive
definite system for each image and channel: with weights [1, 2, 1] x [1, 2, 1] it reads `weight * x - around(x) = 0`.
Whole batches are solved by conjugate gradients, preconditioned by one multigrid V-cycle, as the number of steps would
otherwise grow with the holes. All planes lie in one flat tensor, apart by an empty row and column: neighbours are
shifts of it. Channels come first, as masks of whole pixels are shared by them. Tensors are made once and written to in
every step: fresh ones, and fresh views of them, took a fifth of the time. An image gets the same bits on the CPU
whatever it shares a batch with.
"""

import math
from collections.abc import Callable, Iterator
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
        residual: what a step is wanted for; of no meaning where nothing is removed.
        step: 0 where nothing is removed.
        around: sums of `step` around each place, in the second of `spare`.
        spare: space to compute in.
    """

    weight: Float[Tensor, "1 n h w"]
    jacobi: Float[Tensor, "u n h w"]
    residual: Planes
    step: Planes
    around: Callable[[], Planes]
    spare: tuple[Planes, Planes]

    def left(self) -> Planes:
        """Residual that is left after the step, in the second of `spare`."""
        return self.around().addcmul_(self.weight, self.step, value=-1).add_(self.residual)


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
    gaps = _framed(1 - known).transpose(0, 1).contiguous()
    grids = list(_grids(gaps, _framed(known.new_ones(1, 1, *known.shape[2:])), inputs.shape[1]))
    height, width = inputs.shape[2:]
    grids[0].step[..., :height, :width] = ((inputs - centre) * known).transpose(0, 1)
    grids[0].residual.copy_(grids[0].around())
    missing = _solve(grids).transpose(0, 1)
    return torch.where(kept, inputs, missing[..., :height, :width] + centre)


def _solve(grids: list[Grid]) -> Planes:
    """Conjugate gradients on every plane at once; those that are done stand still."""
    weight, _, residual, step, _, spare = grids[0]
    _precondition(grids)
    solution, direction = torch.zeros_like(step), step.clone()
    around = _around(direction, *spare)
    slope = _dot(residual, step, spare[0])
    moving = torch.ones_like(slope, dtype=torch.bool)
    for _ in range(MOST_STEPS):
        change = around().addcmul_(weight, direction, value=-1)  # minus the system applied to the direction
        length = torch.where(moving & ~(slope < 1e-30), -slope / _dot(direction, change, spare[0]), 0)  # solved: 0 / 0
        solution.addcmul_(direction, length)
        moving = moving & ~(length * slope <= 12 * TOLERANCE**2)  # 12: the weights sum to that, not to 1
        if not moving.any():
            return solution
        residual.addcmul_(change, length)
        _precondition(grids)
        before, slope = slope, _dot(residual, step, spare[0])
        torch.addcmul(step, direction, torch.where(moving, slope / before, 0), out=direction)
    raise ArithmeticError(f"imputation needs finite inputs, got no solution after {MOST_STEPS} steps; check the data")


def _precondition(grids: list[Grid]) -> None:
    """One V-cycle: a Jacobi step, the same on the coarser scales, a Jacobi step. Symmetric, as the method demands."""
    grid, *coarser = grids
    torch.mul(grid.residual, grid.jacobi, out=grid.step)
    if coarser:
        height, width = grid.step.shape[2:]
        coarse = coarser[0].residual[..., : height // 2, : width // 2]
        coarse.copy_(_block_sums(grid.left()))
        _precondition(coarser)
        _add_blocks(grid.step, coarser[0].step)
    grid.step.addcmul_(grid.left(), grid.jacobi)


def _around(field: Planes, across: Planes, both: Planes) -> Callable[[], Planes]:
    """What sums a field over 3x3 places with weights [1, 2, 1] x [1, 2, 1], into `both`; the last two begin empty.

    The last row and column of planes of the field are empty, and of no meaning in the sums: shifts run from one row,
    and plane, into the next.
    """
    width = field.shape[-1]
    here, ahead, behind = field.flatten()[:-1], field.flatten()[1:], field.flatten()[:-2]
    row, row_inside = across.flatten()[:-1], across.flatten()[1:-1]
    above, below, two_above = across.flatten()[:-width], across.flatten()[width:], across.flatten()[: -2 * width]
    plane, plane_inside = both.flatten()[:-width], both.flatten()[width:-width]

    def sums() -> Planes:
        torch.add(ahead, here, alpha=2, out=row)
        row_inside.add_(behind)
        torch.add(below, above, alpha=2, out=plane)
        plane_inside.add_(two_above)
        return both

    return sums


def _grids(gaps: Float[Tensor, "u n h w"], inside: Float[Tensor, "1 1 h w"], channels: int) -> Iterator[Grid]:
    """The system from fine to coarse, until nothing is removed or nothing left to halve."""
    while True:
        weight = _around(inside, torch.zeros_like(inside), torch.zeros_like(inside))()
        jacobi = gaps / (weight - 4).clamp_min(6)  # less only in corners, and in images of one row
        residual, step, *spare = gaps.new_zeros(4, channels, *gaps.shape[1:])
        everywhere = weight.expand(-1, len(gaps[0]), -1, -1).contiguous()
        yield Grid(everywhere, jacobi, residual, step, _around(step, *spare), (spare[0], spare[1]))
        if min(gaps.shape[2:]) <= 4:
            return
        gaps, inside = (_even((_block_sums(field) == 4).to(field.dtype)) for field in (gaps, inside))
        if not gaps.any():
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


def _dot(one: Planes, other: Planes, spare: Planes) -> Float[Tensor, "c n 1 1"]:
    return torch.mul(one, other, out=spare).flatten(2).sum(2)[..., None, None]
