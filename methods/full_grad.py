"""FullGrad: input times gradient, plus the gradients of all biases times the biases, where their maps see them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains, Skip
from roarbench.methods.rewriting import require_python

PLACED = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)
"""Modules whose biases have a place in an image."""

KNOWN = (*PLACED, nn.BatchNorm1d, nn.Conv1d, nn.Linear)
"""Modules whose biases are known, those that a batch norm implies included."""

WITNESSES, TOLERANCE = 8, 1e-3
"""Training images on which sums are checked, and what they may miss, as a share of the sum of magnitudes."""

EPSILON = 1e-6
"""Keeps the rescaling of an empty map finite; as in the authors' code."""

Map = Float[Tensor, "b _ _ _"]
"""Something of all maps of a layer, or of the input."""


@dataclass(frozen=True)
class FullGrad:
    """Input times gradient, and bias times gradient of every convolution and batch norm, enlarged to the input.

    Paper: Srinivas, Fleuret 2019, arXiv:1905.00780, s.3 and 4; rescale(|x * d logit_t / d x|) + sum over layers and
    maps of enlarge(rescale(|b * d logit_t / d z|)), with z the output of a layer and b its bias.
    Differs from the paper: x is the output of the first layer, which standardises, as the paper starts from
    standardised inputs. Corners of pixels are not aligned where maps are enlarged. Biases of linear layers have no
    place in an image and are left out, as in the authors' code. All channels of a pixel get one score.
    Cost: 1 forward and 1 backward pass.

    Attributes:
        processed: false leaves out magnitudes and rescaling. Maps are then enlarged so that their sums stay: a map
            sums to the logit less what the biases of linear layers give.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    processed: bool = True

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: no images, no bias that has a place, or input and known biases do not add up to the logit.
        """
        if len(train.feature_shape) != 3:
            raise Skip(f"FullGrad needs images (c, h, w), got features {train.feature_shape}")
        require_python(classifier, "FullGrad")
        _require_completeness(classifier, train.at(torch.arange(min(len(train), WITNESSES))).inputs)
        combine = _processed if self.processed else _unprocessed

        def attribute(inputs: Float[Tensor, "b c h w"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b c h w"]:
            first, maps, _, _ = decomposed(classifier, inputs, targets)
            return combine(first, maps).expand_as(inputs).clone()

        return attribute


def decomposed(
    classifier: nn.Module, inputs: Float[Tensor, "b c h w"], targets: Int[Tensor, "b"]
) -> tuple[Map, list[Map], Float[Tensor, "b"], Float[Tensor, "b"]]:
    """Shares of the input and of all biases in each example's target logit.

    Returns:
        Shares of the standardised input `(b, c, h, w)`; of the biases of convolutions and batch norms, a map each; the
        sum of the shares of the other biases `(b,)`; and the logits `(b,)`.

    Raises:
        Skip: the classifier has no module whose bias is known.
    """
    leaf = inputs.detach().requires_grad_()
    with torch.enable_grad(), _watched(classifier, leaf) as (standard, outputs):
        logits = classifier(leaf).gather(1, targets[:, None])[:, 0]
        if not outputs:
            raise Skip("FullGrad needs convolutions, batch norms or linear layers; this classifier has none")
        tensors = [standard[0], *[output for _, output in outputs]]
        first, *gradients = torch.autograd.grad(logits.sum(), tensors, allow_unused=True, materialize_grads=True)
    shares = [bias(module, output) * grad for (module, output), grad in zip(outputs, gradients, strict=True)]
    placed = [
        isinstance(module, PLACED) and share.ndim == 4 for (module, _), share in zip(outputs, shares, strict=True)
    ]
    maps = [share for share, place in zip(shares, placed, strict=True) if place]
    rest = [share.flatten(1).sum(1) for share, place in zip(shares, placed, strict=True) if not place]
    return standard[0].detach() * first, maps, sum(rest, torch.zeros_like(logits)).detach(), logits.detach()


def bias(module: nn.Module, output: Tensor) -> Tensor:
    """What a module adds to any input, in a shape that broadcasts over its output.

    >>> bias(nn.Linear(2, 3, bias=False), torch.ones(1, 3))
    tensor([0., 0., 0.])
    """
    if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
        values = _of_norm(module)
    else:
        given = getattr(module, "bias", None)
        num_outputs = output.shape[-1] if isinstance(module, nn.Linear) else output.shape[1]
        values = output.new_zeros(num_outputs) if given is None else given.detach()
    return values if isinstance(module, nn.Linear) else values.view(-1, *[1] * (output.ndim - 2))


def _of_norm(norm: nn.BatchNorm2d | nn.BatchNorm1d) -> Float[Tensor, "k"]:
    """beta - mean * gamma / deviation: the bias of a batch norm in eval mode.

    Raises:
        Skip: it keeps no statistics, so that its output is not affine.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise Skip("FullGrad needs batch norms that keep their statistics; the bias of another one is not known")
    shift = -norm.running_mean / (norm.running_var + norm.eps).sqrt()
    scaled = shift if norm.weight is None else shift * norm.weight
    return (scaled if norm.bias is None else scaled + norm.bias).detach()


@contextmanager
def _watched(
    classifier: nn.Module, leaf: Float[Tensor, "b c h w"]
) -> Iterator[tuple[list[Tensor], list[tuple[nn.Module, Tensor]]]]:
    """Collects the standardised input, and the outputs of all modules with known biases, whenever they are used.

    Each output is passed on as a copy, so that an activation in place leaves the one that is kept. The input itself
    stands for the standardised one where the first module is no standardisation.
    """
    standard: list[Tensor] = []
    outputs: list[tuple[nn.Module, Tensor]] = []

    def keep(module: nn.Module, arguments: object, output: object) -> Tensor | None:
        known = isinstance(module, KNOWN)
        if not standard:
            own = not known and isinstance(output, Tensor) and output.shape == leaf.shape
            standard.append(output if own and isinstance(output, Tensor) else leaf)
        if not isinstance(output, Tensor):
            return None
        outputs.extend([(module, output)] if known else [])
        return output.clone()

    leaves = [module for module in classifier.modules() if not any(module.children())]
    handles = [module.register_forward_hook(keep) for module in leaves]
    try:
        yield standard, outputs
    finally:
        for handle in handles:
            handle.remove()


def _processed(first: Map, maps: list[Map]) -> Float[Tensor, "b 1 h w"]:
    """The sum of all magnitudes, those of each layer rescaled to [0, 1] in each image."""
    total = _rescaled(first).sum(1, keepdim=True)
    for one in maps:
        large = F.interpolate(_rescaled(one), first.shape[2:], mode="bilinear", align_corners=False)
        total = total + large.sum(1, keepdim=True)
    return total


def _rescaled(values: Map) -> Map:
    """Magnitudes, less the smallest of an image, over the largest."""
    magnitudes = values.abs()
    magnitudes = magnitudes - magnitudes.amin((1, 2, 3), keepdim=True)
    return magnitudes / (magnitudes.amax((1, 2, 3), keepdim=True) + EPSILON)


def _unprocessed(first: Map, maps: list[Map]) -> Map:
    """The shares of the input, and those of the biases spread over all channels of their places."""
    total = first
    for one in maps:
        total = total + spread(one.sum(1, keepdim=True), first.shape[2:]) / first.shape[1]
    return total


def spread(small: Float[Tensor, "b 1 _ _"], size: torch.Size) -> Float[Tensor, "b 1 h w"]:
    """A map enlarged, or reduced, to another size with the same sum: each value is shared out by bilinear weights."""
    with torch.enable_grad():
        ones = torch.ones(1, 1, *small.shape[2:], dtype=small.dtype, requires_grad=True)
        large = F.interpolate(ones, size, mode="bilinear", align_corners=False, antialias=True)
        (weights,) = torch.autograd.grad(large.sum(), ones)
    return F.interpolate(small / weights.to(small.device), size, mode="bilinear", align_corners=False, antialias=True)


def _require_completeness(classifier: nn.Module, images: Float[Tensor, "b c h w"]) -> None:
    """Compares logits with the sums of all shares.

    Raises:
        Skip: they disagree: something else in the classifier adds a bias, or is not linear between its kinks.
    """
    with torch.no_grad():
        targets = classifier(images).argmax(1)
    first, maps, rest, logits = decomposed(classifier, images, targets)
    if not maps:
        raise Skip("FullGrad needs a convolution or a batch norm of images; without one it is input x gradient")
    parts = [rest[:, None], *[part.flatten(1) for part in (first, *maps)]]
    sums = torch.stack([part.double().sum(1) for part in parts]).sum(0)
    magnitudes = torch.stack([part.double().abs().sum(1) for part in parts]).sum(0)
    missing = ((sums - logits).abs() - TOLERANCE * magnitudes).nan_to_num(torch.inf)
    if missing.max() > 0:
        worst = int(missing.argmax())
        numbers = f"{float(sums[worst]):.3g} instead of {float(logits[worst]):.3g}"
        others = sorted({type(module).__name__ for module in classifier.modules() if not any(module.children())})
        known = {kind.__name__ for kind in KNOWN} | {"ReLU"}
        raise Skip(
            f"FullGrad does not know all biases: its shares add up to {numbers}; "
            f"beside known modules there are {', '.join(name for name in others if name not in known) or 'functions'}"
        )
