"""Hide-and-Seek: a hider that decides which pixels are kept, and a seeker that classifies what is left."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from roarbench.hns.binarize import binarize
from roarbench.hns.hider import hider_large, hider_small, lean_towards_keeping
from roarbench.hns.seeker import seeker_large, seeker_resnet, seeker_small
from roarbench.hns.settings import Estimator, Model, Settings, TestMasks

PARTS: dict[str, tuple[Callable[..., nn.Sequential], Callable[..., nn.Module]]] = {
    "hns_small": (hider_small, seeker_small),
    "hns_large": (hider_large, seeker_large),
    "hns_resnet": (hider_large, seeker_resnet),
}


STEEPEST = 1e6
"""Beyond it a sigmoid is a step in float32, and its gradient would overflow."""


class Seen(NamedTuple):
    """What a pass yields: the hider's logits and mask (1 = kept), and the seeker's logits for the classes."""

    hider_logits: Float[Tensor, "b m h w"]
    mask: Float[Tensor, "b m h w"]
    class_logits: Float[Tensor, "b k"]


class HideAndSeek(nn.Module):
    """x -> hider -> mask -> x * mask -> seeker. Hidden pixels are 0.

    Attributes:
        slope: slope of the hider's sigmoid; grows under slope annealing and is saved with the weights.
        test_masks: masks of a stochastic hider in eval mode: s > 0.5, or drawn as in training.
        frozen: whether the seeker stays as it is, see `freeze_seeker`.

    Paper: Hide-and-Seek, arXiv:2005.00130.
    Differs from the paper: nowhere; a frozen seeker is ours.
    """

    slope: Tensor
    frozen = False

    def __init__(
        self,
        hider: nn.Sequential,
        seeker: nn.Module,
        *,
        estimator: Estimator,
        test_masks: TestMasks = "threshold",
        reference: bool = False,
    ) -> None:
        super().__init__()
        self.hider, self.seeker = hider, seeker
        self.estimator, self.test_masks, self.reference = estimator, test_masks, reference
        self.register_buffer("slope", torch.ones(()))

    def forward(self, inputs: Float[Tensor, "b c h w"]) -> Seen:
        """Images in [0, 1] -> logits of the hider, mask, logits of the classes."""
        logits = self.hider(inputs)
        sample = self.training or self.test_masks == "sample"
        mask = binarize(logits, self.estimator, slope=self.slope, sample=sample, reference=self.reference)
        return Seen(logits, mask, self.seeker(inputs * mask))

    @property
    def reinforced(self) -> bool:
        """Whether the hider learns by REINFORCE; with the published sampling it never learns, as published."""
        return self.estimator == "reinforce" and not self.reference

    def freeze_seeker(self) -> None:
        """Leaves the seeker as it is from now on: without gradients, and with the statistics of its batch norm."""
        self.frozen = True
        self.seeker.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "HideAndSeek":
        """Training mode of what is trained; a frozen seeker stays in eval mode."""
        super().train(mode)
        if self.frozen:
            self.seeker.eval()
        return self

    def steepen(self, factor: float) -> None:
        """Slope annealing: multiplies the slope, up to `STEEPEST`; no other estimator has one."""
        if self.estimator == "sa":
            self.slope.mul_(factor).clamp_(max=STEEPEST)


def build(settings: Settings, feature_shape: Sequence[int], num_classes: int) -> HideAndSeek:
    """A fresh network; its weights come from the global generator.

    Raises:
        ValueError: images that the model does not fit, or a mask with neither one channel nor all of them.
    """
    return HideAndSeek(
        fresh_hider(settings, feature_shape),
        fresh_seeker(settings.model, feature_shape, num_classes),
        estimator=settings.threshold,
        test_masks=settings.test_masks,
        reference=settings.reference,
    )


def fresh_seeker(model: Model, feature_shape: Sequence[int], num_classes: int) -> nn.Module:
    """The seeker of a model by itself: `(b, c, h, w)` -> logits `(b, num_classes)`."""
    return PARTS[model][1](feature_shape, num_classes)


def fresh_hider(settings: Settings, feature_shape: Sequence[int]) -> nn.Sequential:
    """The hider of a model by itself: `(b, c, h, w)` -> logits `(b, mask_channels, h, w)`.

    Raises:
        ValueError: images that it does not fit, or a mask with neither one channel nor all of them.
    """
    choices = sorted({1, feature_shape[0]})
    if settings.mask_channels not in choices:
        allowed = " or ".join(map(str, choices))
        raise ValueError(
            f"mask_channels must be {allowed} for images {tuple(feature_shape)}, got {settings.mask_channels}"
        )
    hider = PARTS[settings.model][0](feature_shape, mask_channels=settings.mask_channels)
    lean_towards_keeping(hider, settings.initial_keep)
    return hider
