"""Explainers that need nothing but gradients of logits with respect to inputs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains


@dataclass(frozen=True)
class Gradient:
    """Gradient of the target's logit with respect to the input, signed.

    Paper: Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034, s.3; d logit_t(x) / d x.
    Differs from the paper: keeps the sign and the channels (the paper takes the largest magnitude over channels).
    Cost: 1 forward and 1 backward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`."""
        return lambda inputs, targets: target_gradients(classifier, inputs, targets)


@dataclass(frozen=True)
class InputXGradient:
    """Input times gradient: the first-order effect of turning each feature black.

    Paper: Shrikumar, Greenside, Shcherbina, Kundaje 2016, arXiv:1605.01713; x * d logit_t(x) / d x.
    Differs from the paper: x is the raw input in [0, 1], hence black features score zero.
    Cost: 1 forward and 1 backward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`."""
        return lambda inputs, targets: inputs * target_gradients(classifier, inputs, targets)


@dataclass(frozen=True)
class IntegratedGradients:
    """Gradients averaged along the straight line from a black reference to the input, times the input.

    Paper: Sundararajan, Taly, Yan 2017, arXiv:1703.01365, eq. 3;
    (x - x0) / m * sum over k = 1..m of the gradient at x0 + k / m * (x - x0), with x0 = 0.
    Differs from the paper: nowhere (25 steps as in Hooker et al. 2019, arXiv:1806.10758).
    Cost: `steps` forward and backward passes.

    Attributes:
        steps: points on the line, m; the end point is one of them, the reference is not.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    steps: int = 25

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. One step at a time: memory does not grow with `steps`."""

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            total = torch.zeros_like(inputs)
            for step in range(1, self.steps + 1):
                total += target_gradients(classifier, inputs * (step / self.steps), targets)
            return inputs * total / self.steps

        return attribute


@dataclass(frozen=True)
class GradientShap:
    """Expected gradients: gradients on random points between the input and random training examples.

    Paper: Erion, Janizek, Sturmfels, Lundberg, Lee 2019, arXiv:1906.10670;
    E[(x - x') * gradient at x' + a (x - x')], x' from the training split, a uniform in [0, 1].
    Differs from the paper: optional Gaussian noise on x, as in the SHAP package. Not through Captum's GradientShap,
    which holds all samples in memory at once (captum#1350) and draws from numpy.
    Cost: `samples` forward and backward passes.

    Attributes:
        samples: pairs (x', a) for each input.
        noise: standard deviation of the noise on x.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    samples: int = 5
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"samples must be at least 1, got {self.samples}")
        if self.noise < 0:
            raise ValueError(f"noise must not be negative, got {self.noise}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. Random numbers come from the CPU, so that every device draws the same."""

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            total = torch.zeros_like(inputs)
            for _ in range(self.samples):
                reference = train.at(torch.randint(len(train), (len(inputs),))).inputs
                position = torch.rand(len(inputs), *[1] * (inputs.ndim - 1)).to(inputs.device)
                path = inputs + self.noise * torch.randn(inputs.shape).to(inputs.device) - reference
                total += path * target_gradients(classifier, reference + position * path, targets)
            return total / self.samples

        return attribute


@dataclass(frozen=True)
class ExpectedGradients:
    """Integrated gradients averaged over references: random training examples in place of black.

    Paper: Erion, Janizek, Sturmfels, Lundberg, Lee 2021, doi:10.1038/s42256-021-00343-w;
    E[(x - x') * gradient at x' + a (x - x')], x' from the training split, a uniform in [0, 1].
    Differs from the paper: 40 pairs (x', a) an input by default. It is `gradient_shap` without noise.
    Cost: `samples` forward and backward passes.

    Attributes:
        samples: pairs (x', a) for each input.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    samples: int = 40

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"expected_gradients[samples] must be at least 1, got {self.samples}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. Random numbers are those of `gradient_shap` with as many samples."""
        return GradientShap(self.samples).prepare(classifier, train)


def target_gradients(
    classifier: nn.Module, inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]
) -> Float[Tensor, "b *feature"]:
    """Gradient of each example's target logit with respect to that example; also under an outer `no_grad`."""
    with torch.enable_grad(), _recurrent_gradients(classifier):
        leaf = inputs.detach().requires_grad_()
        logits = classifier(leaf).gather(1, targets[:, None])
        return torch.autograd.grad(logits.sum(), leaf)[0]


@contextmanager
def _recurrent_gradients(classifier: nn.Module) -> Iterator[None]:
    """Works without cuDNN where a classifier is recurrent: of such layers in eval mode cuDNN gives no gradients."""
    enabled = torch.backends.cudnn.enabled
    recurrent = any(isinstance(module, nn.RNNBase) for module in classifier.modules())
    torch.backends.cudnn.enabled = enabled and not recurrent
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = enabled
