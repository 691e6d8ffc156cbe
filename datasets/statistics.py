"""Means and deviations of inputs: what standardises them and what fills holes; of all at once, or chunk by chunk."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Statistics(NamedTuple):
    """Means and population standard deviation of inputs.

    Attributes:
        mean: per channel of images `(c, 1, 1)`, per feature of tabular rows `(d,)`.
        std: standard deviation of each channel or feature.
        feature_mean: per feature, the shape of an example.
    """

    mean: Float[Tensor, "*channel"]
    std: Float[Tensor, "*channel"]
    feature_mean: Float[Tensor, "*feature"]


def statistics(inputs: Float[Tensor, "n *feature"]) -> Statistics:
    """Statistics of inputs that are in memory."""
    std = inputs.std((0, *range(2, inputs.ndim)), correction=0, keepdim=True)[0]
    return Statistics(channel_mean(inputs), std, inputs.mean(0))


def channel_mean(inputs: Float[Tensor, "n *feature"]) -> Float[Tensor, "*channel"]:
    """Mean per channel of images, `(c, 1, 1)`; per feature of tabular rows, `(d,)`."""
    return inputs.mean((0, *range(2, inputs.ndim)), keepdim=True)[0]


def merged(chunks: Iterable[Float[Tensor, "_ *feature"]]) -> Statistics:
    """Statistics of all chunks together, one in memory at a time; one chunk alone has the bits of `statistics`.

    Chan, Golub, LeVeque 1983, doi:10.1080/00031305.1983.10483115, feature by feature in float64: a constant channel
    keeps a deviation of exactly 0.

    Raises:
        ValueError: no chunks.
    """
    num_chunks, n = 0, 0
    for num_chunks, chunk in enumerate(chunks, start=1):
        centre = chunk.mean(0, dtype=torch.float64)
        squares = chunk.var(0, correction=0).double() * len(chunk)  # no copy of the chunk in float64
        if num_chunks == 1:
            first, mean, total = statistics(chunk), centre, squares
        else:
            delta, share = centre - mean, len(chunk) / (n + len(chunk))
            mean += delta * share
            total += squares + delta.square() * n * share
        n += len(chunk)
    if not num_chunks:
        raise ValueError("statistics need at least one example, got none; lower validation in the data set")
    return first if num_chunks == 1 else _of_channels(mean, total / n)


def _of_channels(mean: Float[Tensor, "*feature"], variance: Float[Tensor, "*feature"]) -> Statistics:
    places = tuple(range(1, mean.ndim))
    if not places:
        return Statistics(mean.float(), variance.sqrt().float(), mean.float())
    centre = mean.mean(places, keepdim=True)
    spread = (variance + (mean - centre).square()).mean(places, keepdim=True)
    return Statistics(centre.float(), spread.sqrt().float(), mean.float())
