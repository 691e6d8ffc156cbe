"""Class activation maps: where the features of one convolution, or of one layer of tokens, speak for the target."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.adapting import LINEAR
from roarbench.methods.backprop import GuidedBackprop
from roarbench.methods.base import AttributionFunction, Explains, Skip
from roarbench.methods.rewriting import require_python
from roarbench.methods.tokens import as_grid, token_layer

Kind = Literal["gradcam", "hirescam", "gradcam_plus_plus", "layercam"]
Weigh = Callable[[Float[Tensor, "b k *place"], Float[Tensor, "b k *place"]], Float[Tensor, "b _ *_"]]
"""(feature maps, gradients of the logit) -> weights of the maps: `(b, k, 1, 1)`, or `(b, k, h, w)` for each place."""

CONVOLUTIONS: Mapping[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
"""By the number of axes behind the channels."""

STABILISER = 1e-6
"""Keeps the quotient of Grad-CAM++ finite; as in the package pytorch-grad-cam."""


def _plus_plus(maps: Float[Tensor, "b k *place"], gradients: Float[Tensor, "b k *place"]) -> Float[Tensor, "b k *_"]:
    """sum over places of a * relu(g), with a = g^2 / (2 g^2 + g^3 * sum of the map)."""
    squares = gradients.square()
    denominators = 2 * squares + maps.sum(_places(maps), keepdim=True) * squares * gradients + STABILISER
    return (squares / denominators * gradients.relu()).sum(_places(maps), keepdim=True)


def _places(maps: Float[Tensor, "b k *place"]) -> tuple[int, ...]:
    """The axes behind the channels."""
    return tuple(range(2, maps.ndim))


WEIGHTS: Mapping[Kind, Weigh] = {
    "gradcam": lambda _, gradients: gradients.mean(_places(gradients), keepdim=True),
    "hirescam": lambda _, gradients: gradients,
    "gradcam_plus_plus": _plus_plus,
    "layercam": lambda _, gradients: gradients.relu(),
}


@dataclass(frozen=True)
class GradCam:
    """Feature maps of a convolution, weighted by their gradients, summed, and enlarged to the input.

    Paper: Selvaraju et al. 2016, arXiv:1610.02391, eq. 1 and 2; relu(sum over maps of mean(d logit_t / d A) * A). The
    other kinds are Draelos, Carin 2020, arXiv:2011.08891; Chattopadhyay et al. 2017, arXiv:1710.11063, eq. 19; and
    Jiang et al. 2021, doi:10.1109/TIP.2021.3089943.
    Differs from the paper: A is the output of the convolution itself, before batch norm and ReLU. All channels of a
    pixel get one score. Every kind ends with a ReLU. The derivatives of Grad-CAM++ are those of exp(logit). In a vision
    transformer A is a grid of tokens, as in the package pytorch-grad-cam, without the class token.
    Cost: 1 forward and 1 backward pass.

    Attributes:
        layer: dotted name of an `nn.Conv2d`, or of a layer of tokens `(b, 1 + g * g, d)`. None takes the last
            convolution in the order of modules among those that are used. In a vision transformer it takes the input of
            the attention of the last block, which is its first norm.
        kind: what weighs the maps. gradcam is the mean of a map's gradients, hirescam the gradient at every place, and
            layercam its positive part. gradcam_plus_plus is a mean of positive gradients weighted by higher
            derivatives.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"
    later: ClassVar[tuple[str, ...]] = ("kind",)
    """Fields that the first version did not have: at their defaults they are no part of an identity."""

    layer: str | None = None
    # The seed of a pass comes from what repr shows: without this, ties of Grad-CAM are broken as they always were.
    kind: Kind = field(default="gradcam", repr=False)

    def __post_init__(self) -> None:
        if self.kind not in WEIGHTS:
            raise ValueError(f"grad_cam[kind] must be one of {', '.join(WEIGHTS)}, got {self.kind!r}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: there is no convolution behind the first layer, or it has no map of an image.
            ValueError: neither a convolution nor a layer of tokens has the name `layer`.
        """
        features = _features(classifier, train.at(torch.arange(1)).inputs, self.layer)

        def attribute(inputs: Float[Tensor, "b c *place"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b c *place"]:
            maps, gradients = _maps_and_gradients(classifier, features, inputs, targets)
            small = (WEIGHTS[self.kind](maps, gradients) * maps).sum(1, keepdim=True).relu()
            large = F.interpolate(small, inputs.shape[2:], mode=LINEAR[inputs.ndim - 2], align_corners=False)
            return large.expand_as(inputs).clone()

        return attribute


@dataclass(frozen=True)
class GuidedGradCam:
    """Guided backpropagation times Grad-CAM: fine detail within the bright regions of the coarse map.

    Paper: Selvaraju et al. 2016, arXiv:1610.02391, s.3.2; the product of the two maps.
    Differs from the paper: as `GradCam` does.
    Cost: 2 forward and 2 backward passes.

    Attributes:
        layer: dotted name of the layer, chosen as by `GradCam`.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    layer: str | None = None

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`; skips and raises where `GradCam` does."""
        coarse, fine = GradCam(self.layer).prepare(classifier, train), GuidedBackprop().prepare(classifier, train)
        return lambda inputs, targets: coarse(inputs, targets) * fine(inputs, targets)


def _maps_and_gradients(
    classifier: nn.Module, features: nn.Module, inputs: Float[Tensor, "b c *place"], targets: Int[Tensor, "b"]
) -> tuple[Float[Tensor, "b k *_"], Float[Tensor, "b k *_"]]:
    """The maps of a layer, and the gradients of each example's target logit with respect to them; tokens as a grid."""
    outputs: list[Tensor] = []

    def keep(_: nn.Module, arguments: object, output: Tensor) -> Tensor:
        outputs.append(output)
        return output.clone()  # which an activation in place may change

    handle = features.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            logits = classifier(inputs.detach().requires_grad_()).gather(1, targets[:, None])
            (gradients,) = torch.autograd.grad(logits.sum(), outputs)
    finally:
        handle.remove()
    maps = outputs[0].detach()
    tokens = maps.ndim == 3 and inputs.ndim == 4
    return (as_grid(maps), as_grid(gradients)) if tokens else (maps, gradients)


def _features(classifier: nn.Module, inputs: Float[Tensor, "1 *feature"], layer: str | None) -> nn.Module:
    """The layer whose maps are taken: one of tokens where it is named, or where attention reads it; else a convolution.

    Raises:
        Skip: see `_convolution`.
        ValueError: neither has the name `layer`.
    """
    tokens = None
    if inputs.ndim == 4:
        require_python(classifier, "Grad-CAM")
        tokens = token_layer(classifier, inputs, layer)
    return tokens or _convolution(classifier, inputs, layer)


def _convolution(classifier: nn.Module, inputs: Float[Tensor, "1 *feature"], layer: str | None) -> nn.Module:
    """The convolution whose maps are taken.

    Raises:
        Skip: there is none behind the first layer, or its maps are not those of an image.
        ValueError: none has the name `layer`.
    """
    if inputs.ndim == 2:
        raise Skip(f"Grad-CAM needs signals, images or volumes, got features {tuple(inputs.shape[1:])}")
    require_python(classifier, "Grad-CAM")
    kind = CONVOLUTIONS[inputs.ndim - 2]
    convolutions = {name: module for name, module in classifier.named_modules() if isinstance(module, kind)}
    if layer is not None and layer not in convolutions:
        raise ValueError(f"layer must be one of {', '.join(convolutions) or 'none'}, got {layer}")
    shapes = _shapes(classifier, inputs)
    names = [name for name, module in convolutions.items() if module in shapes]
    if not names:
        others = sorted({type(module).__name__ for module in shapes if not isinstance(module, nn.Linear)})
        raise Skip(
            f"Grad-CAM needs an nn.{kind.__name__}; this classifier uses {', '.join(others) or 'no convolution'}"
        )
    if layer is None and len(names) == 1 and convolutions[names[0]] is next(iter(shapes)):
        only = f"{names[0]}, reads the input, its map holds no features; if you mean it, write [layer={names[0]}]"
        raise Skip(f"the only convolution, {only}")
    name = layer or names[-1]
    _require_map(shapes.get(convolutions[name], []), (len(inputs), inputs.ndim), name)
    return convolutions[name]


def _require_map(shapes: list[tuple[int, ...]], wanted: tuple[int, int], name: str) -> None:
    """Checks what a convolution makes of some inputs: one map of each, of several places.

    Args:
        wanted: number of inputs and of their axes.

    Raises:
        Skip: it does not.
    """
    if len(shapes) != 1 or (shapes[0][0], len(shapes[0])) != wanted:
        raise Skip(f"Grad-CAM needs one map of each example; {name} makes {', '.join(map(str, shapes)) or 'none'}")
    if math.prod(shapes[0][2:]) == 1:
        raise Skip("a map of one place ranks nothing; choose an earlier layer")


@torch.no_grad()
def _shapes(classifier: nn.Module, inputs: Float[Tensor, "b c *place"]) -> dict[nn.Module, list[tuple[int, ...]]]:
    """The linear layers in the order of their use, and the shapes of what each makes of these inputs."""
    shapes: dict[nn.Module, list[tuple[int, ...]]] = {}
    layers = [m for m in classifier.modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)]
    handles = [
        layer.register_forward_hook(lambda m, _, output: shapes.setdefault(m, []).append(tuple(output.shape)))
        for layer in layers
    ]
    try:
        classifier(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return shapes
