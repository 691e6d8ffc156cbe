"""Controls: explainers that know nothing of the classifier. A method that does not beat them explains nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains, Skip


@dataclass(frozen=True)
class Random:
    """Random scores, uniform in [0, 1): the chance level that every explainer must beat.

    Paper: the "random" control of Hooker et al. 2019, arXiv:1806.10758, s.3.
    Differs from the paper: an image keeps its mask for all epochs, as under every other explainer. The released code
    draws new masks in every epoch.
    Cost: no forward pass.

    Attributes:
        shared: one random order of features for all examples, as in the paper's toy, instead of one for each.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "nothing"

    shared: bool = False

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. Drawn on the CPU, so that every device removes the same features."""
        if not self.shared:
            return lambda inputs, targets: torch.rand(inputs.shape).to(inputs.device)
        scores = torch.rand(train.feature_shape)
        return lambda inputs, targets: scores.to(inputs.device).expand_as(inputs).clone()


@dataclass(frozen=True)
class RandomPerEpoch:
    """Random scores with new training masks in every epoch, so that a network sees every pixel in the long run.

    Paper: the "random" control as the released code of Hooker et al. 2019, arXiv:1806.10758, has it.
    Differs from the paper: validation and test images keep one mask, and so do training images when they are scored.
    Cost: no forward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "nothing"
    per_epoch: ClassVar[bool] = True

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`."""
        return Random().prepare(classifier, train)


@dataclass(frozen=True)
class Sobel:
    """Sobel edge strength of every channel: a control that ignores the classifier; several methods resemble it.

    Signals have one Sobel filter, volumes three.

    Paper: the "sobel" control of Hooker et al. 2019, arXiv:1806.10758, s.3; sqrt(g_y^2 + g_x^2), the two Sobel filters.
    Differs from the paper: the image is extended by its border pixels, so that the border itself is no edge. The
    released code filters along one axis and keeps the sign.
    Cost: no forward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "nothing"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the data are tabular.
        """
        if len(train.feature_shape) == 1:
            raise Skip("Sobel needs signals, images or volumes")
        return lambda inputs, targets: _edges(inputs)


@dataclass(frozen=True)
class Center:
    """Closeness to the image centre: a control for data whose objects are centred.

    Paper: none; the largest distance from the centre of the image minus that of the pixel, in pixels.
    Differs from the paper: nowhere.
    Cost: no forward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "nothing"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the data are tabular.
        """
        if len(train.feature_shape) == 1:
            raise Skip("Center needs signals, images or volumes")
        offsets = [torch.arange(length) - (length - 1) / 2 for length in train.feature_shape[1:]]
        distance = torch.stack(torch.meshgrid(*offsets, indexing="ij")).square().sum(0).sqrt()
        closeness = distance.max() - distance  # at least 0, so that its magnitude ranks the centre first too
        return lambda inputs, targets: closeness.to(inputs.device).expand_as(inputs).clone()


@dataclass(frozen=True)
class Deviation:
    """Distance |x - mean| of every feature from its training mean: the mean fill changes the first ones most.

    Paper: none; |x - mean|, the mean of each feature over the training split.
    Differs from the paper: nowhere.
    Cost: no forward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "nothing"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`."""
        mean = train.statistics.feature_mean
        return lambda inputs, targets: (inputs - mean.to(inputs.device)).abs()


@dataclass(frozen=True)
class Truth:
    """Ground truth of synthetic data: the best possible ranking, or inverted the worst.

    Paper: the toy experiment of Hooker et al. 2019, arXiv:1806.10758, s.3 compares a true and an inverted ranking.
    Differs from the paper: nowhere, with `shared`.
    Cost: no forward pass.

    Attributes:
        inverted: what is most relevant ranks last.
        shared: features of equal relevance follow one random order, the same for all examples, as in the paper's toy;
            otherwise they stay ties.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "nothing"

    inverted: bool = False
    shared: bool = False

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the data set does not know which of its features carry the class, or knows it by position alone.
        """
        truth = train.truth
        if truth is None:
            raise Skip("this data set has no ground truth that follows from inputs, all that an explainer sees")
        shuffle = torch.randperm(math.prod(train.feature_shape))

        def attribute(inputs: Tensor, targets: Tensor) -> Tensor:
            relevance = truth(inputs).flatten(1)
            scores = _positions(relevance, shuffle.to(inputs.device)) if self.shared else relevance
            return (scores.amax(1, keepdim=True) - scores if self.inverted else scores).view_as(inputs)

        return attribute


def _positions(relevance: Float[Tensor, "b d"], shuffle: Int[Tensor, "d"]) -> Float[Tensor, "b d"]:
    """Position of each feature from least to most relevant, ties in the order of `shuffle`."""
    ordered = relevance[:, shuffle].argsort(dim=1, stable=True)
    positions = torch.empty_like(ordered)
    positions.scatter_(1, shuffle[ordered], torch.arange(ordered.shape[1], device=ordered.device).expand_as(ordered))
    return positions.float()


def _edges(inputs: Float[Tensor, "b c *place"]) -> Float[Tensor, "b c *place"]:
    """Magnitude of the Sobel filters along all axes, channel by channel."""
    places = inputs.ndim - 2
    smooth, difference = inputs.new_tensor([1.0, 2.0, 1.0]), inputs.new_tensor([-1.0, 0.0, 1.0])
    filters = [_outer([difference if axis == along else smooth for axis in range(places)]) for along in range(places)]
    planes = F.pad(inputs.flatten(0, 1)[:, None], (1, 1) * places, mode="replicate")
    convolve = (F.conv1d, F.conv2d, F.conv3d)[places - 1]
    return convolve(planes, torch.stack(filters)[:, None]).square().sum(1).sqrt().view_as(inputs)


def _outer(vectors: Sequence[Float[Tensor, "k"]]) -> Float[Tensor, "*k"]:
    """Product of all entries with all others, an axis for each vector."""
    product, *others = vectors
    for vector in others:
        product = product[..., None] * vector
    return product
