"""Explainers that watch the logit while parts of the input turn black: occlusion, LIME and Kernel SHAP."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from captum.attr import Occlusion as CaptumOcclusion
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains, Skip

ENDPOINT_WEIGHT = 1e6
"""Stands for the infinite weight of the empty and the full coalition in Kernel SHAP; 1e6 as in Captum."""


@dataclass(frozen=True)
class Occlusion:
    """Drop of the logit when a black square slides over the image.

    Paper: Zeiler, Fergus 2013, arXiv:1311.2901, s.4.2; logit(x) - logit(occluded).
    Differs from the paper: black, not grey; logit, not probability; a pixel gets the mean of its windows.
    Cost: 1 forward pass for each place of the square, and 1 of the whole image.

    Attributes:
        window: side of the square in pixels; it covers all channels. In tabular rows it is one feature.
        stride: pixels from one window to the next.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    window: int = 3
    stride: int = 1

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window must be at least 1, got {self.window}")
        if not 1 <= self.stride <= self.window:
            raise ValueError(f"stride must lie in [1, window], got {self.stride}; a larger one would leave gaps")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the window is larger than the image.
        """
        shape = train.feature_shape
        channels, *places = shape
        if places and self.window > min(places):
            extent = "x".join(map(str, places))
            raise Skip(f"a window of {self.window} does not fit into examples of {extent}; choose a smaller one")
        window = (channels, *[self.window] * len(places)) if places else (1,)
        stride = (channels, *[self.stride] * len(places)) if places else (1,)
        occlusion = CaptumOcclusion(classifier)
        return lambda inputs, targets: occlusion.attribute(inputs, window, stride, target=targets, baselines=0)


@dataclass(frozen=True)
class Lime:
    """LIME: weights of a linear model that imitates the classifier on random subsets of square superpixels.

    Paper: Ribeiro, Singh, Guestrin 2016, arXiv:1602.04938, eq. 1 and alg. 1; ridge regression of the logit on which
    superpixels are kept, weighted by sqrt(exp(-d^2 / width^2)), d the cosine distance from the full image.
    Differs from the paper: squares, not segmented superpixels; black, not mean colour; the logit, not the probability;
    all superpixels enter, none are selected by Lasso. Ridge penalty 1 and width 0.25 as in the authors' package. Not
    through Captum, which takes images one by one: here a batch shares its subsets, hence one solution serves all.
    Cost: `samples` forward passes.

    Attributes:
        samples: subsets, the full image among them.
        superpixel: side of a superpixel in pixels; in tabular rows every feature is its own.
        width: kernel width; smaller looks closer to the full image.
        penalty: penalty of the ridge regression, on all but the intercept.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    samples: int = 200
    superpixel: int = 4
    width: float = 0.25
    penalty: float = 1.0

    def __post_init__(self) -> None:
        _validate(self.samples, self.superpixel)
        if self.width <= 0:
            raise ValueError(f"width must be positive, got {self.width}")
        if self.penalty < 0:
            raise ValueError(f"penalty must not be negative, got {self.penalty}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: one superpixel covers the whole input.
        """
        superpixels = numbered(train.feature_shape, self.superpixel)

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            masks = torch.rand(self.samples, int(superpixels.max()) + 1) < 0.5
            masks[0] = True
            distances = 1 - masks.double().mean(1).sqrt()
            weights = (-(distances / self.width).square() / 2).exp()
            solution = _least_squares(masks, weights, self.penalty)
            return _coefficients(classifier, inputs, targets, kept=masks, solution=solution, superpixels=superpixels)

        return attribute


@dataclass(frozen=True)
class KernelShap:
    """Shapley values of square superpixels, estimated by a weighted linear regression on random subsets.

    Paper: Lundberg, Lee 2017, arXiv:1705.07874, th. 2; least squares of the logit on which superpixels are kept, with
    subsets of size s drawn with probability proportional to (m - 1) / (s (m - s)).
    Differs from the paper: features are squares of pixels, and missing features are black squares. Not through Captum,
    which takes images one by one: here a batch shares its subsets, hence one solution serves all.
    Cost: `samples` forward passes, and 2.

    Attributes:
        samples: random subsets, beside the empty and the full one.
        superpixel: side of a superpixel in pixels; in tabular rows every feature is its own.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    samples: int = 200
    superpixel: int = 4

    def __post_init__(self) -> None:
        _validate(self.samples, self.superpixel)

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: one superpixel covers the whole input.
        """
        superpixels = numbered(train.feature_shape, self.superpixel)

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            masks = _shapley_subsets(self.samples, int(superpixels.max()) + 1)
            weights = torch.ones(len(masks), dtype=torch.float64)
            weights[:2] = ENDPOINT_WEIGHT
            solution = _least_squares(masks, weights, 0.0)
            return _coefficients(classifier, inputs, targets, kept=masks, solution=solution, superpixels=superpixels)

        return attribute


def _validate(samples: int, superpixel: int) -> None:
    if samples < 2:
        raise ValueError(f"samples must be at least 2, got {samples}")
    if superpixel < 1:
        raise ValueError(f"superpixel must be at least 1, got {superpixel}")


def numbered(shape: tuple[int, ...], side: int) -> Int[Tensor, "*place"]:
    """Number of the superpixel of every place `(h, w)`, or of every feature `(d,)`."""
    if len(shape) == 1:
        numbers = torch.arange(shape[0])
    else:
        counts = [-(-length // side) for length in shape[1:]]
        numbers = torch.arange(math.prod(counts)).view(counts)
        for axis, length in enumerate(shape[1:]):
            numbers = numbers.repeat_interleave(side, axis).narrow(axis, 0, length)
    if numbers.max() == 0:
        raise Skip("a single superpixel ranks nothing; choose a smaller one")
    return numbers


def _shapley_subsets(samples: int, num_superpixels: int) -> Tensor:
    """Empty, full and random subsets `(2 + samples, m)`, True = kept; sizes follow the Shapley kernel."""
    sizes = torch.arange(1, num_superpixels)
    sizes_of_samples = sizes[torch.multinomial(1 / (sizes * (num_superpixels - sizes)), samples, replacement=True)]
    order = torch.rand(samples, num_superpixels).argsort(1).argsort(1)
    endpoints = torch.tensor([False, True])[:, None].expand(2, num_superpixels)
    return torch.cat([endpoints, order < sizes_of_samples[:, None]])


def _least_squares(masks: Tensor, weights: Tensor, penalty: float) -> Float[Tensor, "m s"]:
    """Matrix that maps the logits on `s` subsets to the `m` coefficients of a weighted ridge regression."""
    roots, num_superpixels = weights.sqrt(), masks.shape[1]
    design = torch.cat([torch.ones(len(masks), 1), masks], 1).double() * roots[:, None]
    ridge = math.sqrt(penalty) * torch.eye(num_superpixels + 1, dtype=torch.float64)[1:]
    return torch.linalg.pinv(torch.cat([design, ridge]))[1:, : len(masks)] * roots


@torch.no_grad()
def _coefficients(
    classifier: nn.Module,
    inputs: Float[Tensor, "b *feature"],
    targets: Int[Tensor, "b"],
    *,
    kept: Tensor,
    solution: Float[Tensor, "m s"],
    superpixels: Int[Tensor, "*place"],
) -> Float[Tensor, "b *feature"]:
    """Coefficient of every superpixel, at each of its pixels and channels."""
    masks = kept[:, superpixels].to(inputs.device, inputs.dtype)
    logits = torch.cat([classifier(inputs * mask).gather(1, targets[:, None]) for mask in masks], 1)
    coefficients = (logits.double() @ solution.T.to(inputs.device)).to(inputs.dtype)
    maps = coefficients[:, superpixels.to(inputs.device)]
    return maps.unsqueeze(1).expand_as(inputs).clone() if inputs.ndim > 2 else maps
