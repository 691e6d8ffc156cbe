"""A network that learns images of CIFAR's size in ten epochs (Jordan 2024, arXiv:2404.00498)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

FITTED, VARIANCE_FLOOR = 5000 * 32 * 32, 5e-4
"""Pixels of the images that the whitening is fitted to, and what is added to the variances that it divides by."""


def airbench(feature_shape: Sequence[int], num_classes: int, *, width: int = 64) -> nn.Module:
    """Six 3x3 convolutions behind a frozen whitening layer; two million parameters at width 64. Preset `cifar_fast`.

    Differs from the paper: ReLU in place of GELU, so that guided backprop, DeepLIFT and LRP apply. The bias of the
    whitening is trained throughout. Biases learn at the common rate, without Lookahead. The whitening, like the
    standardisation, is fitted to the intact training images also where reduced ones are retrained on.

    Raises:
        ValueError: not images, or of less than 9 pixels a side.
    """
    if len(feature_shape) != 3 or min(feature_shape[1:]) < 9:
        raise ValueError(f"airbench needs images (c, h, w) of 9 pixels or more, got {tuple(feature_shape)}; use mlp")
    channels, *size = feature_shape
    left = (size[0] - 1) // 8, (size[1] - 1) // 8
    return nn.Sequential(
        Whitening(channels),
        nn.ReLU(),
        *_group(8 * channels, width),
        *_group(width, 4 * width),
        *_group(4 * width, 4 * width),
        nn.MaxPool2d(left),
        nn.AvgPool2d(1, divisor_override=9),  # the ninth of the paper: a small start and small steps for the last layer
        nn.Flatten(),
        nn.Linear(4 * width, num_classes, bias=False),
    )


class Whitening(nn.Module):
    """2x2 patches -> their principal components with variance 1, and the negatives; frozen but for the bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.filters = nn.Conv2d(channels, 8 * channels, 2)
        self.filters.weight.requires_grad_(False)

    def forward(self, inputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d v u"]:
        return self.filters(inputs)

    def fit(self, inputs: Float[Tensor, "n c h w"]) -> None:
        """Takes the components from standardised images."""
        patches = inputs.unfold(2, 2, 2).unfold(3, 2, 2).permute(0, 2, 3, 1, 4, 5).reshape(-1, 4 * inputs.shape[1])
        variances, components = torch.linalg.eigh(patches.double().T.cov())
        whitening = (components / (variances + VARIANCE_FLOOR).sqrt()).T.float().view(-1, inputs.shape[1], 2, 2)
        with torch.no_grad():
            self.filters.weight.copy_(torch.cat([whitening, -whitening]))


def _group(channels: int, out: int) -> list[nn.Module]:
    return [
        _identity_convolution(channels, out),
        nn.MaxPool2d(2),
        _norm(out),
        nn.ReLU(),
        _identity_convolution(out, out),
        _norm(out),
        nn.ReLU(),
    ]


def _identity_convolution(channels: int, out: int) -> nn.Conv2d:
    """A convolution whose first filters hand their channel through."""
    layer = nn.Conv2d(channels, out, 3, padding=1, bias=False)
    with torch.no_grad():
        nn.init.dirac_(layer.weight[:channels])
    return layer


def _norm(channels: int) -> nn.BatchNorm2d:
    """Quick running averages, and no scale."""
    layer = nn.BatchNorm2d(channels, momentum=0.4)
    layer.weight.requires_grad_(False)
    return layer
