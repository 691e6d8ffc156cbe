"""Guided integrated gradients: a path from black that leaves the features of steep gradients for last."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains
from roarbench.methods.gradient import target_gradients

CLOSE = 1e-9
"""Distances that agree by this share, or by this much, are equal; as in the authors' code."""


@dataclass(frozen=True)
class GuidedIg:
    """Gradients summed along a path from black that moves the features with the smallest gradients first.

    Paper: Kapishnikov et al. 2021, arXiv:2106.09788; every step shortens the L1 distance to the input by
    1 / steps of the whole, through the features whose magnitude of the gradient is among the lowest `fraction`.
    Differs from the paper: no anchor points by default; instead of them `max_distance` bounds the path, as in the
    authors' code. 50 steps, not 200. On a linear network this is input x gradient. On a smooth network, sums tend to
    the difference of the logit from that of black. On ReLU networks the path runs along kinks, and sums differ more
    from it.
    Cost: `steps` forward and backward passes.

    Attributes:
        steps: gradients along the path.
        fraction: share of the features, those of the smallest gradients, that move at once.
        max_distance: how far a feature may be ahead of the straight line or behind it, as a share of its way in [0, 1].
            1 sets no bound, 0 is the straight line.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    steps: int = 50
    fraction: float = 0.25
    max_distance: float = 1.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"guided_ig[steps] must be at least 1, got {self.steps}")
        if not 0 < self.fraction <= 1:
            raise ValueError(f"guided_ig[fraction] must lie above 0 and be at most 1, got {self.fraction:g}")
        if not 0 <= self.max_distance <= 1:
            raise ValueError(f"guided_ig[max_distance] must lie in [0, 1], got {self.max_distance:g}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. Every example walks its own path; its points are kept in float64."""

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            ends = inputs.flatten(1).double()
            points, total = torch.zeros_like(ends), torch.zeros_like(ends)
            for step in range(1, self.steps + 1):
                at = points.view(inputs.shape).to(inputs.dtype)
                gradients = target_gradients(classifier, at, targets).flatten(1).double()
                before, points = points, self._moved(points, ends, gradients, step / self.steps)
                total += (points - before) * gradients
            return total.view(inputs.shape).to(inputs.dtype)

        return attribute

    def _moved(
        self, points: Float[Tensor, "b d"], ends: Float[Tensor, "b d"], gradients: Float[Tensor, "b d"], progress: float
    ) -> Float[Tensor, "b d"]:
        """The points of a step: where the L1 distance to the ends is 1 - progress of that from black."""
        least, most = (max(progress - self.max_distance, 0.0), min(progress + self.max_distance, 1.0))
        bounds = ends * most
        behind = points.abs() < (ends * least).abs()
        points = torch.where(behind, ends * least, points)
        target = ends.abs().sum(1) * (1 - progress)
        selected = max(1, int(self.fraction * (points.shape[1] - 1)) + 1)
        for _ in range(-(-points.shape[1] // selected) + 1):
            missing = (points - ends).abs().sum(1) - target
            far = missing > CLOSE + CLOSE * target
            if not far.any():
                break
            chosen = _flattest(gradients, points == bounds, selected) & far[:, None]
            ways = torch.where(chosen, bounds - points, 0.0)
            reach = ways.abs().sum(1)
            share = torch.where(reach > missing, missing / reach.clamp(min=CLOSE), 1.0)[:, None]
            points = torch.where(chosen & (share == 1), bounds, points + share * ways)
        return points


def _flattest(gradients: Float[Tensor, "b d"], arrived: Bool[Tensor, "b d"], selected: int) -> Bool[Tensor, "b d"]:
    """The features of the smallest gradients among those that have not arrived, as many as selected; ties all."""
    steepness = gradients.abs().masked_fill(arrived, torch.inf)
    threshold = steepness.kthvalue(selected, dim=1, keepdim=True).values
    return (steepness <= threshold) & ~arrived
