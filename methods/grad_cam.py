"""Class activation maps: where the features of one convolution speak for the target."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam
from jaxtyping import Float, Int
from torch import Tensor, nn

from datasets.base import Split
from methods.backprop import GuidedBackprop
from methods.base import AttributionFunction, Explains, Skip


@dataclass(frozen=True)
class GradCam:
    """Feature maps of a convolution, weighted by their mean gradient, summed, and enlarged to the input.

    Paper: Selvaraju et al. 2016, arXiv:1610.02391, eq. 1 and 2; relu(sum over maps of mean(d logit_t / d A) * A).
    Differs from the paper: A is the output of the convolution itself, before batch norm and ReLU. All channels of a
    pixel get one score.

    Attributes:
        layer: dotted name of an `nn.Conv2d`; None takes the last one.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    layer: str | None = None

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: there is no convolution, or its map is a single pixel.
            ValueError: no convolution has the name `layer`.
        """
        convolution = _convolution(classifier, self.layer)
        if _map_size(classifier, convolution, train.at(torch.arange(1)).inputs) == 1:
            raise Skip("a 1x1 map ranks nothing; choose an earlier layer")
        grad_cam = LayerGradCam(classifier, convolution)

        def attribute(inputs: Float[Tensor, "b c h w"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b c h w"]:
            small = grad_cam.attribute(inputs.detach().requires_grad_(), targets, relu_attributions=True).detach()
            large = F.interpolate(small, inputs.shape[2:], mode="bilinear", align_corners=False)
            return large.expand_as(inputs).clone()

        return attribute


@dataclass(frozen=True)
class GuidedGradCam:
    """Guided backpropagation times Grad-CAM: fine detail where the coarse map is lit.

    Paper: Selvaraju et al. 2016, arXiv:1610.02391, s.3.2; the product of the two maps.
    Differs from the paper: as `GradCam` does.

    Attributes:
        layer: dotted name of an `nn.Conv2d`; None takes the last one.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    layer: str | None = None

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`; skips and raises where `GradCam` does."""
        coarse, fine = GradCam(self.layer).prepare(classifier, train), GuidedBackprop().prepare(classifier, train)
        return lambda inputs, targets: coarse(inputs, targets) * fine(inputs, targets)


def _convolution(classifier: nn.Module, layer: str | None) -> nn.Conv2d:
    convolutions = {name: module for name, module in classifier.named_modules() if isinstance(module, nn.Conv2d)}
    if not convolutions:
        raise Skip("Grad-CAM needs a convolution; this classifier has none")
    if layer is not None and layer not in convolutions:
        raise ValueError(f"layer must be one of {', '.join(convolutions)}, got {layer}")
    return convolutions[layer if layer is not None else list(convolutions)[-1]]


@torch.no_grad()
def _map_size(classifier: nn.Module, convolution: nn.Conv2d, inputs: Tensor) -> int:
    """Pixels of the map that the convolution makes of these inputs."""
    sizes = []
    handle = convolution.register_forward_hook(lambda _, __, output: sizes.append(output[0, 0].numel()))
    try:
        classifier(inputs)
    finally:
        handle.remove()
    return sizes[0]
