"""Explainers built on others: the square of a map, and the moments of maps of noisy copies in one shared pass."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explainer, Explains, View
from roarbench.methods.gradient import Gradient


@dataclass(frozen=True)
class Squared(View):
    """Square of another explainer's attributions: the SmoothGrad-Squared of a single, clean map.

    Paper: the "squared" variants of Hooker et al. 2019, arXiv:1806.10758, s.4.1; base(x)^2.
    Differs from the paper: nowhere.
    Cost: that of `base`.

    Attributes:
        base: explainer whose attributions are squared.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"
    monotone: ClassVar[bool] = True

    base: Explainer = Gradient()

    @property
    def source(self) -> Explainer:
        """The base itself."""
        return self.base

    def reduce(self, passed: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *feature"]:
        """Squares the attributions."""
        return passed.square()


@dataclass(frozen=True)
class NoisyMoments:
    """Mean and variance of another explainer's attributions over noisy copies of the input; not in the table.

    Paper: Smilkov et al. 2017, arXiv:1706.03825 (mean) and Adebayo et al. 2018, arXiv:1810.03307 (variance).
    Differs from the paper: nowhere; noise is scaled, and noisy copies not clipped, as in the authors' library.
    Variance is the population variance (divisor `samples`), so that mean square = variance + mean^2 holds exactly.

    Attributes:
        base: explainer of every noisy copy; the target stays that of the clean input.
        samples: noisy copies of each input.
        noise: standard deviation of the noise, as a share of (max - min) of each input by itself.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    base: Explainer = Gradient()
    samples: int = 15
    noise: float = 0.15

    def __post_init__(self) -> None:
        _validate(self.samples, self.noise)

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`; returns mean and variance as `(b, 2, *feature)`.

        Welford's streaming update: memory does not grow with `samples`, and a small variance survives a large mean.
        """
        base = self.base.prepare(classifier, train)

        def moments(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b 2 *feature"]:
            deviation = self.noise * _span(inputs)
            mean, squares = torch.zeros_like(inputs), torch.zeros_like(inputs)
            for count in range(1, self.samples + 1):
                attributions = base(inputs + deviation * _noise_like(inputs), targets)
                before = attributions - mean
                mean += before / count
                squares += before * (attributions - mean)
            return torch.stack([mean, squares / self.samples], dim=1)

        return moments


@dataclass(frozen=True)
class Ensemble(View):
    """What SmoothGrad, SmoothGrad-Squared and VarGrad share: their parameters, and the pass they are views of.

    Attributes:
        base: explainer of every noisy copy.
        samples: noisy copies of each input, J.
        noise: standard deviation of the noise, as a share of (max - min) of each input.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    base: Explainer = Gradient()
    samples: int = 15
    noise: float = 0.15

    def __post_init__(self) -> None:
        _validate(self.samples, self.noise)

    @property
    def source(self) -> Explainer:
        """Moments over noisy copies; equal for all three."""
        return NoisyMoments(self.base, self.samples, self.noise)


@dataclass(frozen=True)
class SmoothGrad(Ensemble):
    """Mean attribution over noisy copies of the input.

    Paper: Smilkov, Thorat, Kim, Viegas, Wattenberg 2017, arXiv:1706.03825; (1 / J) * sum of base(x + noise_j).
    Differs from the paper: nowhere (J = 15 as in Hooker et al. 2019, noise as in the authors' library).
    Cost: `samples` times that of `base`; SmoothGrad-Squared and VarGrad share these passes.
    """

    def reduce(self, passed: Float[Tensor, "b 2 *feature"]) -> Float[Tensor, "b *feature"]:
        """The mean."""
        return passed[:, 0].clone()


@dataclass(frozen=True)
class SmoothGradSquared(Ensemble):
    """Mean squared attribution over noisy copies of the input.

    Paper: Hooker, Erhan, Kindermans, Kim 2019, arXiv:1806.10758, s.4.1; (1 / J) * sum of base(x + noise_j)^2.
    Differs from the paper: nowhere.
    Cost: `samples` times that of `base`; SmoothGrad and VarGrad share these passes.
    """

    def reduce(self, passed: Float[Tensor, "b 2 *feature"]) -> Float[Tensor, "b *feature"]:
        """Variance plus squared mean."""
        return passed[:, 1] + passed[:, 0].square()


@dataclass(frozen=True)
class VarGrad(Ensemble):
    """Variance of the attributions over noisy copies of the input; needs at least 2 of them.

    Paper: Adebayo, Gilmer, Goodfellow, Kim 2018, arXiv:1810.03307; Var of base(x + noise_j) over j.
    Differs from the paper: population variance, divisor J; a constant factor, no change of ranking.
    Cost: `samples` times that of `base`; SmoothGrad and SmoothGrad-Squared share these passes.
    """

    def __post_init__(self) -> None:
        _validate(self.samples, self.noise, minimum=2)

    def reduce(self, passed: Float[Tensor, "b 2 *feature"]) -> Float[Tensor, "b *feature"]:
        """The variance."""
        return passed[:, 1].clone()


def _validate(samples: int, noise: float, *, minimum: int = 1) -> None:
    if samples < minimum:
        raise ValueError(f"samples must be at least {minimum}, got {samples}")
    if noise <= 0:
        raise ValueError(f"noise must be positive, got {noise}; it is a share of max - min of each input")


def _span(inputs: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *ones"]:
    """max - min of every example by itself, ready to broadcast."""
    flat = inputs.flatten(1)
    return (flat.amax(1) - flat.amin(1)).view(-1, *[1] * (inputs.ndim - 1))


def _noise_like(inputs: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *feature"]:
    """Standard normal noise drawn on the CPU, so that every device sees the same copies."""
    return torch.randn(inputs.shape).to(inputs.device)
