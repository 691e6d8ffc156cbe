"""DeepLIFT by Captum: on any classifier whose logits its attributions add up to, and on no other."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from captum.attr import DeepLift as CaptumDeepLift
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.backward import LINEAR, steps, without_rule
from roarbench.methods.base import AttributionFunction, Explains, Skip
from roarbench.methods.rewriting import Makers, UntraceableError, in_modules, require_python

ACTIVATIONS: Makers = {
    F.max_pool1d: nn.MaxPool1d,
    F.max_pool2d: nn.MaxPool2d,
    F.max_pool3d: nn.MaxPool3d,
    **dict.fromkeys((torch.sigmoid, Tensor.sigmoid, F.sigmoid), nn.Sigmoid),
    **dict.fromkeys((torch.tanh, Tensor.tanh, F.tanh), nn.Tanh),
}
"""Functions that Captum has a rule for, as modules; ReLUs always become modules."""

WITNESSES, TOLERANCE = 8, 1e-3
"""Training images on which sums are checked, and what they may miss of the largest difference of a logit from black."""

SUM_ROUNDING, LOGIT_ROUNDING = 1e-5, 1e-6
"""What rounding may cost beside: shares of the sum of magnitudes and of the largest logit; 10 times what was seen."""


Referring = Callable[
    [Float[Tensor, "b *feature"], Int[Tensor, "b"], Float[Tensor, "b *feature"]], Float[Tensor, "b *feature"]
]
"""(inputs, target classes, their references) -> attributions."""


@dataclass(frozen=True)
class DeepLift:
    """Difference between the logits of the input and of a black reference, distributed by the Rescale rule.

    Paper: Shrikumar, Greenside, Kundaje 2017, arXiv:1704.02685, s.3.5; multipliers delta_out / delta_in, chained.
    Differs from the paper: nowhere. Computed by Captum, with a repair: see `_private_inputs`. ReLUs that are functions,
    in place or used twice become modules of a copy that shares the weights.
    Cost: 2 forward passes and 1 backward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: windows of a max pooling overlap (Captum would keep one of the shares of a shared maximum), or the
                attributions do not add up.
        """
        attribute = rescaled(classifier, train, torch.zeros(1, *train.feature_shape))
        return lambda inputs, targets: attribute(inputs, targets, torch.zeros_like(inputs))


def rescaled(classifier: nn.Module, train: Split, reference: Float[Tensor, "1 *feature"]) -> Referring:
    """DeepLIFT of a classifier from any references.

    Args:
        reference: the one from which it is checked on training images that attributions add up.

    Raises:
        Skip: see `DeepLift.prepare`.
    """
    require_python(classifier, "DeepLIFT")
    network, why = classifier, ""
    try:
        module_network, needed = in_modules(classifier, ACTIVATIONS, tuple(SUPPORTED_NON_LINEAR))
        network = module_network if needed else classifier
    except UntraceableError as error:  # it may be right as it is
        why = f"; it cannot be traced by torch.fx: {error}"
    if any(_overlap(module) for module in network.modules() if isinstance(module, nn.MaxPool2d)):
        raise Skip("DeepLIFT by Captum loses relevance where max pooling windows overlap")

    def attribute(
        inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"], references: Float[Tensor, "b *feature"]
    ) -> Float[Tensor, "b *feature"]:
        leaf = inputs.detach().clone().requires_grad_()
        with restored(network), _private_inputs(network):
            return CaptumDeepLift(network).attribute(leaf, references, target=targets).detach()

    images = train.at(torch.arange(min(len(train), WITNESSES))).inputs
    references = reference.to(images).expand_as(images).contiguous()
    strange = _without_rule(network, images[:1])
    _require_completeness(attribute, classifier, images, references, strange=strange, why=why)
    return attribute


@contextmanager
def restored(classifier: nn.Module) -> Iterator[None]:
    """Silences Captum's notices about its hooks and takes away what it leaves on the modules."""
    before = {module: set(vars(module)) for module in classifier.modules()}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Setting forward, backward hooks and attributes on non-linear")
            yield
    finally:
        for module, names in before.items():
            for name in set(vars(module)) - names:
                delattr(module, name)


@torch.no_grad()
def _require_completeness(
    attribute: Referring,
    classifier: nn.Module,
    images: Float[Tensor, "b *feature"],
    references: Float[Tensor, "b *feature"],
    *,
    strange: list[str],
    why: str,
) -> None:
    """Compares sums of attributions with differences of logits from those of references.

    Args:
        strange: steps of the classifier that Captum has no rule for.
        why: what else may be the reason, for the message.

    Raises:
        Skip: they disagree; or there are such steps, and the differences are too small to decide.
    """
    logits, starts = classifier(images).double(), classifier(references).double()
    targets = logits.argmax(1)
    try:
        attributions = attribute(images, targets, references).flatten(1).double()
    except torch.OutOfMemoryError:
        raise
    except (AssertionError, RuntimeError) as error:  # a module used twice, a pooling that it cannot undo
        raise Skip(f"DeepLIFT by Captum fails on this classifier: {str(error).partition('. ')[0]}{why}") from error
    sums, expected = attributions.sum(1), (logits - starts).gather(1, targets[:, None])[:, 0]
    rounding = SUM_ROUNDING * attributions.abs().sum(1) + LOGIT_ROUNDING * logits.abs().amax(1)
    allowed = TOLERANCE * (logits - starts).abs().amax(1)
    unruled = f"no rule for {', '.join(strange)}"
    missing = ((sums - expected).abs() - allowed - rounding).nan_to_num(torch.inf)
    if missing.max() > 0:
        worst = int(missing.argmax())
        numbers = f"{float(sums[worst]):.3g} instead of {float(expected[worst]):.3g}"
        reasons = f"{f'; it has {unruled}' if strange else ''}{why}"
        raise Skip(f"DeepLIFT's attributions do not add up on this classifier: {numbers}{reasons}")
    if strange and (allowed <= rounding).all():
        unseen = "logits too close to those of the reference to see whether it adds up"
        raise Skip(f"DeepLIFT has {unruled}, and {unseen}{why}")


def _without_rule(network: nn.Module, inputs: Float[Tensor, "b *feature"]) -> list[str]:
    """Steps that are neither linear nor modules that Captum has a rule for."""
    modules = [module for module in network.modules() if type(module) in SUPPORTED_NON_LINEAR]
    handles = [
        module.register_forward_hook(lambda _, arguments, output: _Ruled.apply(arguments[0], output.detach()))
        for module in modules
    ]
    leaf = inputs.detach().clone().requires_grad_()
    try:
        with torch.enable_grad():
            path = steps(network(leaf), leaf)
    finally:
        for handle in handles:
            handle.remove()
    return without_rule(path, ruled=_Ruled.__name__, passing=LINEAR)


class _Ruled(torch.autograd.Function):
    """Stands for a module in the graph of gradients; never run backward."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, outputs: Tensor) -> Tensor:
        return outputs.clone()


def _overlap(pool: nn.MaxPool2d) -> bool:
    side = pool.kernel_size if isinstance(pool.kernel_size, tuple) else (pool.kernel_size,)
    stride = pool.stride if isinstance(pool.stride, tuple) else (pool.stride,)
    return max(side) > min(stride)


@contextmanager
def _private_inputs(classifier: nn.Module) -> Iterator[None]:
    """Gives every activation and pooling a copy of its input.

    Captum hooks the input tensor instead of the module. Without a copy, max pooling right after a ReLU shares a hooked
    tensor with it, and a skip connection from that tensor is cut off: in both cases the attributions silently fail to
    sum to the difference of the logits (Captum 0.9; the symptom of captum#1104).
    """
    modules = [module for module in classifier.modules() if type(module) in SUPPORTED_NON_LINEAR]
    handles = [module.register_forward_pre_hook(lambda _, arguments: arguments[0].clone()) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
