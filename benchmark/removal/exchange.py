"""Masks exchanged between images: does the mask of an image take more of it than the masks of others do?

Images stand in small blocks. Within a block every image is seen behind the mask of every other one. If masks have
nothing to do with images, all ways to hand round the masks of a block are equally likely: the test is exact.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

MOST_OTHERS = 5
"""Other images whose masks an image is seen behind, at most."""

PASSES = 6000
"""Images that are seen behind other masks, about: of large splits, each behind fewer."""

ROUNDING = 1e-6
"""A standard deviation of hits below this is one of arithmetic alone."""


def num_others(num_images: int) -> int:
    """Other images whose masks each of so many images is seen behind.

    >>> num_others(360), num_others(2000), num_others(10_000)
    (5, 3, 1)
    """
    return max(1, min(MOST_OTHERS, PASSES // max(1, num_images)))


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of images that exchange their masks.

    Attributes:
        members: positions of the images of each block, blocks of one size together: `(m, k)` each.
        size: images of the split.
    """

    members: tuple[Int[Tensor, "_ _"], ...]
    size: int

    @classmethod
    def of(cls, groups: Int[Tensor, "n"], generator: torch.Generator) -> "Blocks":
        """Drawn at random among images of one group; an image that is alone in its group exchanges nothing.

        Args:
            groups: number of the group of each image, such as its predicted class.
        """
        groups, most = groups.cpu(), 1 + num_others(len(groups))
        shuffled = torch.randperm(len(groups), generator=generator)
        by_size: dict[int, list[Tensor]] = {}
        for group in groups.unique():
            positions = shuffled[groups[shuffled] == group]
            for block in positions.tensor_split(math.ceil(len(positions) / most)):
                by_size.setdefault(len(block), []).append(block)
        return cls(tuple(torch.stack(blocks) for size, blocks in sorted(by_size.items()) if size > 1), len(groups))

    @property
    def exchanging(self) -> Int[Tensor, "e"]:
        """Positions of the images that exchange masks."""
        return torch.cat([torch.zeros(0, dtype=torch.int64), *(block.flatten() for block in self.members)])

    def donors(self, shift: int) -> tuple[Int[Tensor, "e"], Int[Tensor, "e"]]:
        """Images, and for each the image whose mask it is seen behind: the one so many places further in its block."""
        blocks = [block for block in self.members if block.shape[1] > shift]
        givers = [block.roll(-shift, 1).flatten() for block in blocks]
        return torch.cat([block.flatten() for block in blocks]), torch.cat(givers)

    @property
    def shifts(self) -> range:
        """Shifts that reach every other image of the largest block."""
        return range(1, max((block.shape[1] for block in self.members), default=1))


@dataclass(frozen=True)
class Exchange:
    """What masks of other images do.

    Attributes:
        own: accuracy behind the masks of the images themselves, of images that exchange masks.
        foreign: accuracy behind the masks of other images of their blocks.
        p_low: chance of an accuracy as low as `own` if masks have nothing to do with images.
        p_high: chance of one as high.
        z: how far `own` lies above its mean over all ways to hand round the masks, in their standard deviations; 0
            where all ways give the same.
    """

    own: float
    foreign: float
    p_low: float
    p_high: float
    z: float


def exchanged(
    blocks: Blocks, own: Bool[Tensor, "n"], hits: Callable[[Int[Tensor, "e"], Int[Tensor, "e"]], Bool[Tensor, "e"]]
) -> Exchange | None:
    """Accuracy behind masks of other images, and the exact test of own masks against them.

    Args:
        own: which images are classified right behind their own masks.
        hits: which images, by position, are classified right behind the masks of others, by position.

    Returns:
        None where no image exchanges masks.
    """
    if not len(blocks.exchanging):
        return None
    table = torch.zeros(blocks.size, MOST_OTHERS + 1, dtype=torch.float64)
    table[:, 0] = own.double().cpu()
    for shift in blocks.shifts:
        images, givers = blocks.donors(shift)
        table[images, shift] = hits(images, givers).double().cpu()
    matrices = [_by_giver(table[block]) for block in blocks.members]
    total, foreign = (sum(float(part.sum()) for part in parts) for parts in zip(*map(_parts, matrices), strict=True))
    count = len(blocks.exchanging)
    return Exchange(total / count, foreign / count, *_placed(matrices, total))


def _by_giver(table: Float[Tensor, "m k s"]) -> Float[Tensor, "m k k"]:
    """Hits of each image of a block (rows) behind the mask of each (columns), from hits by shift."""
    size = table.shape[1]
    shifts = (torch.arange(size) - torch.arange(size)[:, None]) % size
    return table.gather(2, shifts.expand(len(table), -1, -1))


def _parts(matrix: Float[Tensor, "m k k"]) -> tuple[Float[Tensor, "m"], Float[Tensor, "m"]]:
    """Sums of a block: over own masks, and over images of their means over other masks."""
    own = matrix.diagonal(dim1=1, dim2=2).sum(1)
    return own, (matrix.sum((1, 2)) - own) / (matrix.shape[1] - 1)


def _placed(matrices: list[Float[Tensor, "_ _ _"]], observed: float) -> tuple[float, float, float]:
    """Chances of as few hits, and of as many, over all ways to hand round the masks within blocks; and z."""
    distribution = _sum_of([row for matrix in matrices for row in _distributions(matrix)])
    counts, at = np.arange(len(distribution)), round(observed)
    mean = distribution @ counts
    deviation = math.sqrt(max(0.0, distribution @ (counts - mean) ** 2))
    z = float(observed - mean) / deviation if deviation > ROUNDING else 0.0
    return min(1.0, float(distribution[: at + 1].sum())), min(1.0, float(distribution[at:].sum())), z


def _distributions(matrix: Float[Tensor, "m k k"]) -> Iterator[Float[np.ndarray, "_"]]:
    """Chance of each number of hits of a block, over all permutations of its masks."""
    size, hits = matrix.shape[1], matrix.to(torch.uint8)
    orders = _orders(size)
    sums = torch.stack([hits[:, i].index_select(1, orders[:, i]) for i in range(size)]).sum(0, dtype=torch.uint8)
    yield from torch.stack([(sums == count).double().mean(1) for count in range(size + 1)], 1).numpy()


@cache
def _orders(size: int) -> Int[Tensor, "p k"]:
    """All permutations of so many masks."""
    return torch.tensor(list(permutations(range(size))))


def _sum_of(distributions: list[Float[np.ndarray, "_"]]) -> Float[np.ndarray, "t"]:
    """Distribution of the sum of independent counts: a product of their Fourier transforms."""
    size = 1 + sum(len(one) - 1 for one in distributions)
    kinds: dict[bytes, tuple[np.ndarray, int]] = {}
    for one in distributions:
        kinds[one.tobytes()] = one, kinds.get(one.tobytes(), (one, 0))[1] + 1
    product = np.ones(size // 2 + 1, dtype=complex)
    for one, times in kinds.values():
        product *= np.fft.rfft(one, size) ** times
    return np.fft.irfft(product, size).clip(0)
