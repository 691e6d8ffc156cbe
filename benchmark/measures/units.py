"""Units of maps: pixels with all their channels, or single features; and how alike two maps are."""

import numpy as np
import torch
from jaxtyping import Float, Integer, Shaped
from scipy.stats import rankdata
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample
from roarbench.methods.base import Skip


def scores(sample: Sample, maps: Float[Tensor, "n d"] | None = None) -> Float[Tensor, "n *unit"]:
    """The score of each unit, signed: of rows `(n, d)`, else `(n, *place)`, the sum over channels.

    Args:
        maps: attributions of the examples; those of the sample without.
    """
    shaped = (sample.maps if maps is None else maps).view_as(sample.inputs)
    return shaped.sum(1) if shaped.ndim > 2 else shaped


def relevant(sample: Sample) -> Shaped[Tensor, "n u"] | None:
    """Which units of the examples are truly relevant; a pixel is where one of its channels is."""
    if (features := sample.relevant) is None:
        return None
    return (features.any(1) if features.ndim > 2 else features).flatten(1)


def require_images(sample: Sample, name: str) -> None:
    """Raises Skip where the examples are rows."""
    if sample.inputs.ndim != 4:
        raise Skip(f"{name} needs images")


def spearman(one: Float[Tensor, "n d"], other: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """Rank correlation of each row with that of the other, in [-1, 1]; 0 where one of them is constant.

    >>> spearman(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[0.1, 0.5, 20.0]])).tolist()
    [1.0]
    """
    ranks = [_centred_ranks(part) for part in (one, other)]
    norms = np.linalg.norm(ranks, axis=-1).prod(0)
    products = (ranks[0] * ranks[1]).sum(-1)
    values = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    return torch.from_numpy(values.clip(-1, 1)).to(one.device)


def similarity(one: Float[Tensor, "n d"], other: Float[Tensor, "n d"], *, magnitude: bool) -> Float[Tensor, "n"]:
    """Rank correlation of two maps of each example, of their magnitudes or as they are signed."""
    return spearman(one.abs(), other.abs()) if magnitude else spearman(one, other)


def _centred_ranks(rows: Float[Tensor, "n d"]) -> np.ndarray:
    """Ranks of each row about their mean; equal values share the mean of theirs."""
    ranks = rankdata(rows.cpu().numpy(), axis=-1)
    return ranks - ranks.mean(-1, keepdims=True)


def patches(height: int, width: int, side: int) -> Integer[Tensor, "h w"]:
    """Number of the patch that each pixel belongs to: `side` times `side` of nearly equal size, row by row.

    >>> patches(2, 4, 2).tolist()
    [[0, 0, 1, 1], [2, 2, 3, 3]]
    """
    rows, columns = (torch.arange(size) * side // size for size in (height, width))
    return side * rows[:, None] + columns
