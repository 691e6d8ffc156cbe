"""Layer-wise relevance propagation: the logit, shared out from layer to layer of a plain chain."""

import copy
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from captum.attr import LRP
from captum.attr._core.lrp import SUPPORTED_LAYERS_WITH_RULES, SUPPORTED_NON_LINEAR_LAYERS
from captum.attr._utils.lrp_rules import EpsilonRule, IdentityRule, PropagationRule
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains, Skip
from roarbench.methods.composites import RULES, composite
from roarbench.methods.deep_lift import ACTIVATIONS, restored
from roarbench.methods.rewriting import Makers, UntraceableError, chain, in_modules, repeated, require_python

LAYERS: Makers = {
    **ACTIVATIONS,
    F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    F.dropout: lambda *_, **__: nn.Identity(),  # in eval mode
    **dict.fromkeys((torch.flatten, Tensor.flatten), lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim)),
    **dict.fromkeys((Tensor.view, Tensor.reshape), lambda *shape: nn.Flatten() if _flattens(shape) else None),
}
"""Functions that LRP has a rule for, as modules."""

WEIGHTLESS = (*SUPPORTED_NON_LINEAR_LAYERS, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten)
"""Layers that LRP takes apart where one is used twice."""

RESHAPING = (nn.Flatten, nn.Unflatten, nn.Identity, nn.ZeroPad2d)
"""Layers whose plain gradient moves relevance exactly where it belongs."""


@dataclass(frozen=True)
class Lrp:
    """Layer-wise relevance propagation with the epsilon rule, or with another rule for convolutions.

    Paper: Bach et al. 2015, doi:10.1371/journal.pone.0130140, eq. 58;
    R_i = sum over j of x_i w_ij / (z_j + epsilon sign(z_j)) * R_j. The other rules of convolutions are eq. 60 with
    alpha 1 and beta 0, and the gamma rule of Montavon et al. 2019, doi:10.1007/978-3-030-28954-6_10.
    Differs from the paper: the standardisation passes relevance on unchanged, so that a black feature may carry some.
    The paper starts from standardised inputs. Pooling, batch norm and activations use no epsilon. With a tiny epsilon
    this is gradient x standardised input on every ReLU network (Ancona et al. 2017, arXiv:1711.06104). Under the other
    rules, as in zennit, a batch norm first becomes part of a layer right before it, or else passes relevance on
    unchanged. gamma holds for inputs of any sign.
    Cost: 2 forward passes and 1 backward pass by the epsilon rule; by other rules 1 of each.

    Attributes:
        epsilon: stabiliser of convolutions and linear layers; absorbs weak and contradictory relevance.
        rule: rule of convolutions. epsilon is that of all layers; epsilon_plus lets positive contributions count alone;
            gamma favours them. Linear layers keep the epsilon rule.
        gamma: by how much rule=gamma raises positive contributions; other rules do not read it.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"
    later: ClassVar[tuple[str, ...]] = ("rule", "gamma")
    """Fields that the first version did not have: at their defaults they are no part of an identity."""

    epsilon: float = 0.01
    # The seed of a pass comes from what repr shows: without these, ties under epsilon are broken as they always were.
    rule: Literal["epsilon", "epsilon_plus", "gamma"] = field(default="epsilon", repr=False)
    gamma: float = field(default=0.25, repr=False)

    def __post_init__(self) -> None:
        if self.rule not in ("epsilon", *RULES):
            raise ValueError(f"lrp[rule] must be one of epsilon, {', '.join(RULES)}, got {self.rule!r}")
        if self.gamma <= 0:
            raise ValueError(f"lrp[gamma] must be positive, got {self.gamma}")
        if self.epsilon <= 0:
            raise ValueError(f"epsilon must be positive, got {self.epsilon}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. Works on a copy, as Captum changes weights for the time of a pass.

        Raises:
            Skip: the classifier is not a plain chain of modules (a residual sum would count relevance twice), or a
                module has no rule.
        """
        require_python(classifier, "LRP")
        network, layers = _chained(copy.deepcopy(classifier), train.at(torch.arange(1)).inputs)
        if self.rule != "epsilon":
            return composite(layers, RULES[self.rule](self.gamma), self.epsilon)
        for position, module in enumerate(layers):
            self._rule(module, first=position == 0)

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            leaf = inputs.detach().clone().requires_grad_()
            with restored(network):
                for position, module in enumerate(layers):
                    if type(module) not in SUPPORTED_NON_LINEAR_LAYERS:
                        module.rule = self._rule(module, first=position == 0)  # type: ignore[assignment]
                return LRP(network).attribute(leaf, target=targets).detach()

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


def _chained(classifier: nn.Module, inputs: Float[Tensor, "1 *feature"]) -> tuple[nn.Module, list[nn.Module]]:
    """The classifier, or a copy whose functions are modules, and its layers in the order of their use.

    Raises:
        Skip: no copy is a plain chain of modules.
    """
    try:
        return classifier, _chain(classifier, inputs)
    except Skip as skip:
        try:
            traced, _ = in_modules(classifier, LAYERS, WEIGHTLESS)
        except UntraceableError as error:
            raise Skip(f"{skip}; it cannot be traced by torch.fx: {error}") from error
    layers = chain(traced)
    if isinstance(layers, str):
        raise Skip(f"LRP needs a plain chain of modules, each used once; {layers} no rule here")
    copied = nn.Sequential(*layers).eval()
    if not _alike(copied, classifier, inputs):
        raise Skip("LRP needs a plain chain of modules; the one that torch.fx traced gives other logits")
    return copied, _chain(copied, inputs)


@torch.no_grad()
def _alike(copied: nn.Module, classifier: nn.Module, inputs: Float[Tensor, "1 *feature"]) -> bool:
    """Whether a copy gives the same logits; one of other shapes may fail on the way."""
    try:
        logits = copied(inputs)
    except RuntimeError:
        return False
    return logits.shape == (expected := classifier(inputs)).shape and torch.allclose(logits, expected)


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
    alive: list[object] = []  # an id is unique only among the living

    def note(module: nn.Module, arguments: tuple[object, ...], output: object) -> None:
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
    plain = [*read, _stamp(logits)] == written and len(set(order)) == len(order) == len(leaves)
    if not plain or repeated(classifier):
        raise Skip("LRP needs a plain chain of modules, each used once; residual sums have no rule here")
    return order


def _stamp(value: object) -> tuple[int, int]:
    """Changes when a tensor is another one, or is changed in place; that of anything else counts by its identity."""
    return id(value), value._version if isinstance(value, Tensor) else 0


def _flattens(shape: tuple[object, ...]) -> bool:
    """Whether a view has the form (size of the batch, -1) or (-1, size of an example)."""
    return len(shape) == 2 and -1 in shape
