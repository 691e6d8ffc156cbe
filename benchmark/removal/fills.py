"""Fills: what replaces removed features. Each is a function of inputs, masks, the training mean and normal numbers.

A fill is given whole batches and must treat every example by itself, so that results do not depend on batches.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from roarbench.benchmark.removal.imputation import impute
from roarbench.benchmark.removal.ranks import Normal
from roarbench.methods.base import Skip

Inputs = Float[Tensor, "n *feature"]
Mask = Bool[Tensor, "n *unit"]
Mean = Float[Tensor, "*channel"]


def mean(inputs: Inputs, kept: Mask, train_mean: Mean, normal: Normal) -> Inputs:
    """The training mean of the channel (of the feature in tabular data): the fill of the ROAR paper."""
    return train_mean.expand_as(inputs)


def zero(inputs: Inputs, kept: Mask, train_mean: Mean, normal: Normal) -> Inputs:
    """Zero, which is black in images."""
    return torch.zeros_like(inputs)


def image_mean(inputs: Inputs, kept: Mask, train_mean: Mean, normal: Normal) -> Inputs:
    """The mean of the channel over the intact image. It leaks, because removed pixels are part of the mean.

    Even after full removal the brightness and the tint of the image stay readable, and may carry the class. Accuracy at
    removal fraction 1 can be above chance. In tabular rows it is the training mean, which leaks nothing.
    """
    if inputs.ndim == 2:
        return train_mean.expand_as(inputs)
    return inputs.mean(tuple(range(2, inputs.ndim)), keepdim=True).expand_as(inputs)


def noisy_linear(inputs: Inputs, kept: Mask, train_mean: Mean, normal: Normal, *, noise: float = 0.01) -> Inputs:
    """Noisy linear imputation of ROAD: weighted means of the eight neighbours, removed ones included, plus noise.

    Values are not clipped: noise may leave [0, 1].

    Paper: Rong et al. 2022, arXiv:2202.00449, s.5: weights 1/6 and 1/12, noise on what was removed.
    Differs from the paper: the standard deviation of the noise is 0.01, as in all released code; the text says 0.1. A
    channel of which nothing is kept is its training mean. Feature masks are solved channel by channel.

    Args:
        normal: standard normal numbers, which depend on seed, split and position of the example alone.
        noise: standard deviation, in units of the intensities, which lie in [0, 1].

    Raises:
        Skip: the data are tabular.
        ValueError: a negative standard deviation.
    """
    if inputs.ndim != 4:
        raise Skip("noisy_linear needs images")
    if noise < 0:
        raise ValueError(f"noise must be a standard deviation of at least 0, got {noise:g}")
    imputation = impute(inputs, kept, train_mean)
    return imputation + noise * normal() if noise else imputation


def blur(inputs: Inputs, kept: Mask, train_mean: Mean, normal: Normal, *, sigma: float = 0.1) -> Inputs:
    """A Gaussian-blurred copy of the intact image. It leaks, because it keeps part of the removed information.

    The fill is computed from the removed values themselves. Coarse shapes and colours stay readable at any removal
    fraction, and may carry the class. Accuracy at removal fraction 1 can be above chance. The border is replicated, the
    kernel ends after three standard deviations.

    Args:
        sigma: standard deviation, as a share of the shorter side.

    Raises:
        Skip: the data are tabular.
        ValueError: a standard deviation that is not positive.
    """
    if inputs.ndim == 2:
        raise Skip("blur needs signals, images or volumes")
    if sigma <= 0:
        raise ValueError(f"sigma must be a positive share of the shorter side, got {sigma:g}")
    blurred, reach = inputs, sigma * min(inputs.shape[2:])
    for axis in range(2, inputs.ndim):
        blurred = _blurred(blurred, reach, axis)
    return blurred


def _blurred(inputs: Inputs, sigma: float, axis: int) -> Inputs:
    """Blurs along one axis: a sum of shifted copies, in which an example has the bits that it has alone."""
    reach, length = math.ceil(3 * sigma), inputs.shape[axis]
    wide = inputs.index_select(axis, torch.arange(-reach, length + reach, device=inputs.device).clamp(0, length - 1))
    weights = torch.exp(-torch.arange(-reach, reach + 1, dtype=torch.float64).square() / (2 * sigma**2))
    total = torch.zeros_like(inputs)
    for start, weight in enumerate((weights / weights.sum()).tolist()):
        total.add_(wide.narrow(axis, start, length), alpha=weight)
    return total
