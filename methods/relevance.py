"""Explainers that share out the logit from layer to layer: DeepLIFT and layer-wise relevance propagation."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import torch
from captum.attr import LRP
from captum.attr import DeepLift as CaptumDeepLift
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from captum.attr._core.lrp import SUPPORTED_LAYERS_WITH_RULES, SUPPORTED_NON_LINEAR_LAYERS
from captum.attr._utils.lrp_rules import EpsilonRule, IdentityRule, PropagationRule
from jaxtyping import Float, Int
from torch import Tensor, nn

from datasets.base import Split
from methods.base import AttributionFunction, Explains, Skip

RESHAPING = (nn.Flatten, nn.Unflatten, nn.Identity, nn.ZeroPad2d)
"""Layers whose plain gradient moves relevance exactly where it belongs."""


@dataclass(frozen=True)
class DeepLift:
    """Difference of the logit from that of a black reference, shared out by the Rescale rule.

    Paper: Shrikumar, Greenside, Kundaje 2017, arXiv:1704.02685, s.3.5; multipliers delta_out / delta_in, chained.
    Differs from the paper: nowhere. Computed by Captum, with a repair: see `_private_inputs`.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: windows of a max pooling overlap; Captum would keep one of the shares of a shared maximum.
        """
        pools = [module for module in classifier.modules() if isinstance(module, nn.MaxPool2d)]
        if any(_overlap(pool) for pool in pools):
            raise Skip("DeepLIFT by Captum loses relevance where max pooling windows overlap")

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            leaf = inputs.detach().clone().requires_grad_()
            with _restored(classifier), _private_inputs(classifier):
                return CaptumDeepLift(classifier).attribute(leaf, torch.zeros_like(leaf), target=targets).detach()

        return attribute


@dataclass(frozen=True)
class Lrp:
    """Layer-wise relevance propagation with the epsilon rule.

    Paper: Bach et al. 2015, doi:10.1371/journal.pone.0130140, eq. 58;
    R_i = sum over j of x_i w_ij / (z_j + epsilon sign(z_j)) * R_j.
    Differs from the paper: the standardisation passes relevance on unchanged, so that a black feature may carry some
    (the paper starts from standardised inputs); pooling, batch norm and activations use no epsilon. With a tiny epsilon
    this is gradient x standardised input on every ReLU network (Ancona et al. 2017, arXiv:1711.06104).

    Attributes:
        epsilon: stabiliser of convolutions and linear layers; absorbs weak and contradictory relevance.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    epsilon: float = 0.01

    def __post_init__(self) -> None:
        if self.epsilon <= 0:
            raise ValueError(f"epsilon must be positive, got {self.epsilon}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the classifier is not a plain chain of modules (a residual sum would count relevance twice), or a
                module has no rule.
        """
        chain = _chain(classifier, train.at(torch.arange(1)).inputs)
        for position, module in enumerate(chain):
            self._rule(module, first=position == 0)

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            leaf = inputs.detach().clone().requires_grad_()
            with _restored(classifier):
                for position, module in enumerate(chain):
                    if type(module) not in SUPPORTED_NON_LINEAR_LAYERS:
                        module.rule = self._rule(module, first=position == 0)  # type: ignore[assignment]
                return LRP(classifier).attribute(leaf, target=targets).detach()

        return attribute

    def _rule(self, module: nn.Module, *, first: bool = False) -> PropagationRule | None:
        if isinstance(module, nn.Conv2d | nn.Linear):
            return EpsilonRule(self.epsilon)
        if type(module) in SUPPORTED_LAYERS_WITH_RULES:
            return EpsilonRule()
        if isinstance(module, RESHAPING):
            return _GradientRule()
        if type(module) in SUPPORTED_NON_LINEAR_LAYERS:
            return None
        if first:
            return IdentityRule()
        raise Skip(f"LRP has no rule for {type(module).__name__}")


class _GradientRule(EpsilonRule):
    """Leaves the backward pass of a module as it is."""

    def forward_hook(self, module: nn.Module, inputs: object, outputs: Tensor) -> None:
        """Registers nothing."""


def _overlap(pool: nn.MaxPool2d) -> bool:
    side = pool.kernel_size if isinstance(pool.kernel_size, tuple) else (pool.kernel_size,)
    stride = pool.stride if isinstance(pool.stride, tuple) else (pool.stride,)
    return max(side) > min(stride)


@torch.no_grad()
def _chain(classifier: nn.Module, inputs: Tensor) -> list[nn.Module]:
    """The leaf modules in the order of their use, if each one reads just what the one before it wrote.

    Raises:
        Skip: something else happens between two modules, or a module runs twice.
    """
    leaves = [module for module in classifier.modules() if not list(module.children())]
    order: list[nn.Module] = []
    read: list[tuple[int, int]] = []
    written = [_stamp(inputs)]
    alive: list[Tensor] = []  # an id is unique only among the living

    def note(module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        order.append(module)
        read.append(_stamp(arguments[0]))
        written.append(_stamp(output))
        alive.extend([arguments[0], output])

    handles = [leaf.register_forward_hook(note) for leaf in leaves]
    try:
        logits = classifier(inputs)
    finally:
        for handle in handles:
            handle.remove()
    if [*read, _stamp(logits)] != written or len(set(order)) < len(order) or len(order) < len(leaves):
        raise Skip("LRP needs a plain chain of modules, each used once; residual sums have no rule here")
    return order


def _stamp(tensor: Tensor) -> tuple[int, int]:
    """Changes when the tensor is another one, or is changed in place."""
    return id(tensor), tensor._version


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


@contextmanager
def _restored(classifier: nn.Module) -> Iterator[None]:
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
