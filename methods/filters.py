"""Instruments that smooth the map of another explainer and know neither classifier nor data."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explainer, Explains, Skip, View, reduced, source_of
from roarbench.methods.gradient import Gradient

TRUNCATE = 4.0
"""Standard deviations at which the Gaussian is cut off, as in SciPy."""


@dataclass(frozen=True)
class Filtered(View):
    """What the two filters share: they take the magnitude of a map, channel by channel; not in the table.

    Beyond the border an image goes on with its border pixels (mode "nearest" of scipy.ndimage).

    Attributes:
        base: explainer whose map is filtered; may be a view itself, whose pass is then shared.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    base: Explainer = Gradient()

    @property
    def source(self) -> Explainer:
        """The source of the base: a filtered map costs no pass of its own."""
        return source_of(self.base)

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the data are tabular.
        """
        self._check(len(train.feature_shape))
        return super().prepare(classifier, train)

    def reduce(self, passed: Tensor) -> Float[Tensor, "b c h w"]:
        """Filters the magnitude of what the base makes of the pass.

        Raises:
            Skip: the data are tabular; a shared pass was prepared by another explainer, which may apply.
        """
        attributions = reduced(self.base, passed)
        self._check(attributions.ndim - 1)
        return self.filtered(attributions.abs().flatten(0, 1)[:, None]).view_as(attributions)

    def filtered(self, planes: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
        """Every channel of every example by itself, filtered."""
        raise NotImplementedError

    def _check(self, num_dimensions: int) -> None:
        if num_dimensions != 3:
            raise Skip(f"{type(self).__name__} needs images")


@dataclass(frozen=True)
class Blurred(Filtered):
    """Instrument: another explainer's magnitudes under a Gaussian filter; any gain over it is due to blur alone.

    Paper: Song, Cha, Seo 2023, arXiv:2304.13836: filters that know neither classifier nor data often improve ROAR,
    because it favours blurry masks.
    Differs from the paper: an instrument, no method of theirs; sigma, magnitude and borders are our choice.
    Cost: that of `base`.

    Attributes:
        base: explainer whose map is blurred.
        sigma: standard deviation of the filter in pixels, positive; the filter ends at 4 sigma.
    """

    sigma: float = 1.0

    def __post_init__(self) -> None:
        if self.sigma <= 0:
            raise ValueError(f"sigma must be positive, got {self.sigma:g}; it is a number of pixels")

    def filtered(self, planes: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
        """The Gaussian along rows, then along columns."""
        reach = int(TRUNCATE * self.sigma + 0.5)
        weights = torch.arange(-reach, reach + 1).double().div(self.sigma).square().div(-2).exp()
        weights = (weights / weights.sum()).to(planes)
        padded = F.pad(planes, (reach, reach, reach, reach), mode="replicate")
        return F.conv2d(F.conv2d(padded, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))


@dataclass(frozen=True)
class MaxFiltered(Filtered):
    """Instrument: another explainer's magnitudes under a maximum filter; a pixel takes the largest value around it.

    Paper: Song, Cha, Seo 2023, arXiv:2304.13836, as for `Blurred`.
    Differs from the paper: as `Blurred` does; the window moves by one pixel, hence the map keeps its size.
    Cost: that of `base`.

    Attributes:
        base: explainer whose map is filtered.
        size: side of the square window in pixels; an even one reaches further up and left, as in SciPy.
    """

    size: int = 3

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size must be at least 1, got {self.size}; it is a number of pixels")

    def filtered(self, planes: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
        """The largest value in the window."""
        before = self.size // 2
        after = self.size - 1 - before
        return F.max_pool2d(F.pad(planes, (before, after, before, after), mode="replicate"), self.size, stride=1)
