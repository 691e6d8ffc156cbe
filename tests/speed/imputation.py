"""Imputation of whole batches, against one direct sparse solution for each image."""

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve
from torch import Tensor
from torch.nn import functional as F

from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.imputation import impute
from tests.speed.timing import Ratio, compare

SHAPES = {(1, 28, 28): 160, (3, 32, 32): 160, (3, 224, 224): 4}
"""Shape of an image -> how many are solved."""

FRACTIONS = (0.1, 0.5, 0.9)
Kind = Literal["random", "contiguous"]


def solvers(turns: int = 5) -> Iterator[tuple[str, float, Ratio]]:
    """What is imputed, the largest difference from the direct solutions, and the ratio of the times."""
    kinds: tuple[Kind, ...] = ("random", "contiguous")
    for (shape, count), kind, fraction in product(SHAPES.items(), kinds, FRACTIONS):
        images = torch.rand(count, *shape, generator=generator("speed", shape))
        kept = masks(kind, (count, *shape), fraction)
        black = torch.zeros(shape[0], 1, 1)
        gap = (impute(images, kept, black) - direct_all(images, kept)).abs().max().item()
        found = compare(partial(direct_all, images, kept), partial(impute, images, kept, black), turns=turns)
        yield f"{count} images {'x'.join(map(str, shape))}, {fraction:.0%} removed, {kind}", gap, found


def masks(kind: Kind, shape: tuple[int, ...], fraction: float) -> Bool[Tensor, "n 1 h w"]:
    """Masks of whole pixels, of which a share is removed at random or where smooth noise is lowest; True = kept."""
    number, _, height, width = shape
    noise = generator("masks", kind, shape, fraction)
    if kind == "random":
        heights = torch.rand(number, 1, height, width, generator=noise)
    else:
        heights = F.interpolate(torch.randn(number, 1, 5, 5, generator=noise), size=(height, width), mode="bicubic")
    ranks = heights.flatten(1).argsort(1).argsort(1).view_as(heights)
    return ranks >= round(fraction * height * width)


def direct_all(images: Float[Tensor, "n c h w"], kept: Bool[Tensor, "n 1 h w"]) -> Float[Tensor, "n c h w"]:
    """`direct` for one image after the other."""
    found = [direct(image, mask) for image, mask in zip(images.double().numpy(), kept[:, 0].numpy(), strict=True)]
    return torch.from_numpy(np.stack(found)).float()


def direct(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The imputed image `(c, h, w)` for one mask `(h, w)`, by one sparse LU of float64 for all its channels."""
    gone, number = ~kept, np.full(kept.shape, -1)
    count = int(gone.sum())
    number[gone] = np.arange(count)
    diagonal, known = np.zeros(kept.shape), np.zeros(image.shape)
    entries = []
    for here, there, weight in _neighbours(*kept.shape):
        diagonal[here] += weight
        known[(slice(None), *here)] += weight * image[(slice(None), *there)] * kept[there]
        both = gone[here] & gone[there]
        entries.append((number[here][both], number[there][both], np.full(both.sum(), -weight)))
    entries.append((number[gone], number[gone], diagonal[gone]))
    rows, columns, values = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    solution = spsolve(csc_matrix((values, (rows, columns)), shape=(count, count)), known[:, gone].T)
    filled = image.copy()
    filled[:, gone] = solution.reshape(count, len(image)).T
    return filled


def _neighbours(height: int, width: int) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice], float]]:
    """Pixels with a neighbour in each of eight directions, those neighbours, and their weight."""
    for down, right in product((-1, 0, 1), repeat=2):
        if down or right:
            here = slice(max(0, -down), height - max(0, down)), slice(max(0, -right), width - max(0, right))
            there = slice(max(0, down), height - max(0, -down)), slice(max(0, right), width - max(0, -right))
            yield here, there, 1 / 12 if down and right else 1 / 6
