"""Gradients with another backward rule at every ReLU: guided backpropagation and deconvolution."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from datasets.base import Split
from methods.base import AttributionFunction, Explains
from methods.gradient import target_gradients

ReluRule = Callable[[Tensor, Tensor], Tensor]
"""(gradient at the input of a ReLU, gradient at its output) -> gradient to pass on."""

Gradients = tuple[Tensor, ...] | Tensor


@dataclass(frozen=True)
class GuidedBackprop:
    """Gradient that passes a ReLU only where both the activation and the gradient are positive.

    Paper: Springenberg, Dosovitskiy, Brox, Riedmiller 2014, arXiv:1412.6806, s.3; R_in = [x > 0] [R_out > 0] R_out.
    Differs from the paper: nowhere. Hooks the module and not, as Captum does, its input tensor, whose gradient would
    include that of a skip connection.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`."""
        return _with_rule(classifier, lambda at_input, _: F.relu(at_input))


@dataclass(frozen=True)
class Deconvolution:
    """Gradient that passes a ReLU wherever the gradient is positive, whatever the activation was.

    Paper: Zeiler, Fergus 2013, arXiv:1311.2901, s.2.1; R_in = [R_out > 0] R_out.
    Differs from the paper: starts at the target's logit instead of one feature map.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`."""
        return _with_rule(classifier, lambda _, at_output: F.relu(at_output))


def _with_rule(classifier: nn.Module, rule: ReluRule) -> AttributionFunction:
    def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
        with _relu_rule(classifier, rule):
            return target_gradients(classifier, inputs, targets)

    return attribute


@contextmanager
def _relu_rule(classifier: nn.Module, rule: ReluRule) -> Iterator[None]:
    """Lets `rule` decide what every ReLU of the classifier passes back, inside the block only."""
    relus = [module for module in classifier.modules() if isinstance(module, nn.ReLU)]

    def hook(module: nn.Module, at_input: Gradients, at_output: Gradients) -> Gradients:
        return (rule(at_input[0], at_output[0]),)

    handles = [relu.register_full_backward_hook(hook) for relu in relus]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
