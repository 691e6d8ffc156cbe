"""The ground truth with the class written into it: a known order of explainers whose masks leak."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains, Skip


@dataclass(frozen=True)
class LeakyTruth:
    """Ground truth plus a random map for each class: a correct explainer whose masks leak the label.

    `degraded` of it is worse the more noise it has, while its masks leak less: a measure that masks can fool prefers
    the noise.

    Paper: none; score = weight * truth(x) + u_k, u_k a map of U(0, 1) for each class k, the same for all examples.
    Differs from the paper: nowhere.
    Cost: no forward pass.

    Attributes:
        weight: of the truth, at least 0; less of it leaks more.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    weight: float = 0.3

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            raise ValueError(f"leaky_truth[weight] must be at least 0, got {self.weight:g}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. Maps are drawn on the CPU, one value for all channels of a pixel.

        Raises:
            Skip: the data set does not know which of its features carry the class, or knows it by position alone.
        """
        truth = train.truth
        if truth is None:
            raise Skip("this data set has no ground truth that follows from inputs, all that an explainer sees")
        with torch.no_grad():
            num_classes = classifier(train.at(torch.arange(1)).inputs).shape[1]
        shape = train.feature_shape
        maps = torch.rand(num_classes, *((1, *shape[1:]) if len(shape) > 1 else shape))

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            return self.weight * truth(inputs) + maps[targets.cpu()].to(inputs.device)

        return attribute
