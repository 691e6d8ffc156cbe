"""Gradients with another backward rule at every ReLU: guided backpropagation and deconvolution."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from roarbench.datasets.base import Split
from roarbench.methods.backward import ENDS, LINEAR, POOLS, steps, without_rule
from roarbench.methods.base import AttributionFunction, Explains, Skip
from roarbench.methods.gradient import target_gradients
from roarbench.methods.rectifiers import in_place, rectifies
from roarbench.methods.rewriting import require_python

ReluRule = Callable[[Tensor, Tensor], Tensor]
"""(gradient at the input of a ReLU, gradient at its output) -> gradient to pass on."""


@dataclass(frozen=True)
class GuidedBackprop:
    """Gradient that passes a ReLU only where both the activation and the gradient are positive.

    Paper: Springenberg, Dosovitskiy, Brox, Riedmiller 2014, arXiv:1412.6806, s.3; R_in = [x > 0] [R_out > 0] R_out.
    Differs from the paper: nowhere. The rule acts on the ReLU and not, as in Captum, on its input tensor, whose
    gradient would include that of a skip connection.
    Cost: 1 forward and 1 backward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the classifier has no ReLU, or another step that is not linear.
        """
        return _with_rule(classifier, train, lambda at_input, _: F.relu(at_input), "guided backprop")


@dataclass(frozen=True)
class Deconvolution:
    """Gradient that passes a ReLU wherever the gradient is positive, whatever the activation was.

    Paper: Zeiler, Fergus 2013, arXiv:1311.2901, s.2.1; R_in = [R_out > 0] R_out.
    Differs from the paper: starts at the target's logit instead of one feature map.
    Cost: 1 forward and 1 backward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the classifier has no ReLU, or another step that is not linear.
        """
        return _with_rule(classifier, train, lambda _, at_output: F.relu(at_output), "deconvolution")


def _with_rule(classifier: nn.Module, train: Split, rule: ReluRule, method: str) -> AttributionFunction:
    _require_relus(classifier, train.at(torch.arange(1)).inputs, method)

    def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
        with _Ruling(rule):
            return target_gradients(classifier, inputs, targets)

    return attribute


def _require_relus(classifier: nn.Module, inputs: Float[Tensor, "b *feature"], method: str) -> None:
    """Watches one pass: without a ReLU a method is the plain gradient, and it has no rule for other activations.

    Raises:
        Skip: there is no rule for this classifier.
    """
    require_python(classifier, method)
    leaf = inputs.detach().clone().requires_grad_()
    with torch.enable_grad(), _Ruling(lambda at_input, _: at_input):
        path = steps(classifier(leaf), leaf)
    if strange := without_rule(path, ruled=_Ruled.__name__, passing=LINEAR | POOLS, ends=ENDS):
        raise Skip(f"{method} has no rule for {', '.join(strange)}: it knows ReLUs only")
    if not any(node.name().startswith(_Ruled.__name__) for node in path):
        raise Skip(f"{method} needs a ReLU: this classifier has none, the map would be the plain gradient")


class _Ruled(torch.autograd.Function):
    """A ReLU whose backward pass follows a rule."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, rule: ReluRule) -> Tensor:
        outputs = inputs.relu()
        ctx.rule = rule
        ctx.save_for_backward(outputs > 0)  # unlike the outputs themselves, nobody changes these in place
        return outputs

    @staticmethod
    def backward(ctx: Any, *at_outputs: Tensor) -> tuple[Tensor, None]:
        (passes,), (at_output,) = ctx.saved_tensors, at_outputs
        return ctx.rule(torch.where(passes, at_output, 0.0), at_output), None


class _Ruling(TorchFunctionMode):
    """Inside the block, every ReLU follows a rule: module or function, in place or not, used once or often."""

    def __init__(self, rule: ReluRule) -> None:
        super().__init__()
        self.rule = rule

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = kwargs or {}
        if not rectifies(function, args, options):
            return function(*args, **options)
        inputs = args[0] if args else options["input"]
        output = _Ruled.apply(inputs, self.rule)
        return inputs.copy_(output) if in_place(function, args, options) else output
