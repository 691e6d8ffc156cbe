"""The hider: an encoder and a decoder that turn an image into one logit for each pixel (or each value) to keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from roarbench.hns.seeker import keras_initialised


@dataclass(frozen=True)
class Plan:
    """Channels of a hider: of its 4x4 convolutions with stride 2, of its core, of its transposed convolutions."""

    encoder: tuple[int, ...]
    core: int
    decoder: tuple[int, ...]

    @property
    def divisor(self) -> int:
        """What the sides of an image must be divisible by."""
        return int(2 ** len(self.encoder))


SMALL = Plan(encoder=(32, 64), core=16, decoder=(8, 4))
LARGE = Plan(encoder=(32, 64, 128, 256, 256), core=64, decoder=(64, 32, 16, 8, 4))


def hider_small(feature_shape: Sequence[int], *, mask_channels: int = 1) -> nn.Sequential:
    """The hider of `hns_small`, for sides divisible by 4. See `hider`."""
    return hider(feature_shape, SMALL, mask_channels=mask_channels)


def hider_large(feature_shape: Sequence[int], *, mask_channels: int = 1) -> nn.Sequential:
    """The hider of `hns_large` and `hns_resnet`, for sides divisible by 32. See `hider`."""
    return hider(feature_shape, LARGE, mask_channels=mask_channels)


def hider(feature_shape: Sequence[int], plan: Plan, *, mask_channels: int = 1) -> nn.Sequential:
    """Convolutions, a linear bottleneck of 5 units per pixel of a side, transposed convolutions, a 1x1 convolution.

    Args:
        feature_shape: `(c, h, w)`.
        mask_channels: 1 hides whole pixels, c hides every value by itself.

    Returns:
        `(b, c, h, w)` in [0, 1] -> logits `(b, mask_channels, h, w)`; the probability of keeping is their sigmoid.

    Raises:
        ValueError: no image, or a side that the plan does not divide.

    Paper: the published networks of Hide-and-Seek, arXiv:2005.00130.
    Differs from the paper: returns logits, not probabilities; images need not be square.
    """
    channels, height, width = checked_image(feature_shape, plan.divisor)
    core = (plan.core, height // plan.divisor, width // plan.divisor)
    core_size = core[0] * core[1] * core[2]
    bottleneck = 5 * (height + width) // 2
    encoded = plan.encoder[-1] * core[1] * core[2]
    network = nn.Sequential(
        *_stages(nn.Conv2d, (channels, *plan.encoder)),
        nn.Flatten(),
        nn.Linear(encoded, bottleneck),
        nn.Linear(bottleneck, core_size),
        nn.Unflatten(1, core),
        *_stages(nn.ConvTranspose2d, (plan.core, *plan.decoder)),
        nn.Conv2d(plan.decoder[-1], mask_channels, 1),
    )
    return keras_initialised(network)


def lean_towards_keeping(network: nn.Sequential, keep: float) -> None:
    """Sets the bias of the output so that a new hider keeps about this share of every image.

    Why: a hider that starts by hiding everything gets no gradient through x * m = 0, and never recovers.

    Raises:
        ValueError: a share outside (0, 1).
    """
    if not 0 < keep < 1:
        raise ValueError(f"initial_keep must lie in (0, 1), got {keep}")
    nn.init.constant_(network[-1].get_parameter("bias"), torch.logit(torch.tensor(keep)).item())


def checked_image(feature_shape: Sequence[int], divisor: int) -> tuple[int, int, int]:
    """The shape `(c, h, w)` of an image whose sides are divisible by `divisor`.

    Raises:
        ValueError: anything else.
    """
    if len(feature_shape) != 3:
        raise ValueError(f"Hide-and-Seek needs images (c, h, w), got features {tuple(feature_shape)}")
    channels, height, width = feature_shape
    if height % divisor or width % divisor:
        raise ValueError(f"the sides of an image must be divisible by {divisor}, got {height} x {width}")
    return channels, height, width


def _stages(kind: type[nn.Conv2d] | type[nn.ConvTranspose2d], channels: Sequence[int]) -> list[nn.Module]:
    """4x4 convolutions with stride 2, each with its ReLU."""
    return [layer for a, b in pairwise(channels) for layer in (kind(a, b, 4, stride=2, padding=1), nn.ReLU())]
