"""Composites of LRP: another rule for convolutions than for linear layers, on a plain chain of modules."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from roarbench.methods.base import AttributionFunction, Skip

STABILISER = 1e-6
"""Keeps the quotients of convolutions and average poolings finite; as in zennit."""

Rule = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""(module, its input, relevance of its output) -> relevance of its input."""

Part = tuple[Tensor, Tensor, Tensor | None]
"""Some of the inputs, the weights that they meet, and the bias that is counted with them."""

AVERAGES = (nn.AvgPool2d, nn.AdaptiveAvgPool2d)
ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.Dropout, nn.Identity)
MOVES = (nn.MaxPool2d, nn.Flatten, nn.Unflatten, nn.ZeroPad2d)
"""Modules whose plain gradient moves relevance where it belongs."""


def composite(layers: list[nn.Module], convolutional: Rule, epsilon: float) -> AttributionFunction:
    """Relevance of the inputs of a chain, from the target's logit on.

    Args:
        layers: of a plain chain, in eval mode; the first may standardise. Batch norms behind a convolution or a
            linear layer become part of it, so that relevance meets one linear step and not two. Others pass relevance
            on unchanged, as in zennit.
        convolutional: the rule of convolutions; linear layers have the epsilon rule.
        epsilon: stabiliser of the linear layers.

    Raises:
        Skip: a module has no rule.
    """
    chain = merged(layers)
    rules = [_rule(module, convolutional, epsilon, first=place == 0) for place, module in enumerate(chain)]

    @torch.no_grad()
    def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
        read, values = [], inputs.detach().clone()
        for module in chain:
            read.append(values)
            values = module(values)
        relevance = torch.zeros_like(values).scatter(1, targets[:, None], values.gather(1, targets[:, None]))
        for module, rule, given in reversed(list(zip(chain, rules, read, strict=True))):
            relevance = rule(module, given, relevance)
        return relevance

    return attribute


def merged(layers: list[nn.Module]) -> list[nn.Module]:
    """A chain without the batch norms that can be part of the module before them; activations are never in place."""
    chain: list[nn.Module] = []
    for module in layers:
        last = chain[-1] if chain else None
        if isinstance(module, nn.BatchNorm2d) and isinstance(last, nn.Conv2d) and module.track_running_stats:
            chain[-1] = fuse_conv_bn_eval(last, module)
        elif isinstance(module, nn.BatchNorm1d) and isinstance(last, nn.Linear) and module.track_running_stats:
            chain[-1] = fuse_linear_bn_eval(last, module)
        else:
            chain.append(nn.ReLU() if isinstance(module, nn.ReLU) else module)
    return chain


def epsilon_rule(module: nn.Module, inputs: Tensor, relevance: Tensor, *, epsilon: float) -> Tensor:
    """R_i = x_i * sum over j of w_ij R_j / (z_j + epsilon sign(z_j))."""
    return _shared(inputs, lambda values: module(values), relevance, epsilon)


def plus_rule(module: nn.Module, inputs: Tensor, relevance: Tensor) -> Tensor:
    """Relevance follows positive contributions x_i w_ij alone (z+, alpha 1 and beta 0), those of two negatives too."""
    weight, bias = _weights(module)
    (positive, negative), (above, below) = _signs(inputs), _signs(weight)
    raised = None if bias is None else bias.clamp(min=0)
    return _parted(module, [(positive, above, raised), (negative, below, None)], relevance)


def gamma_rule(module: nn.Module, inputs: Tensor, relevance: Tensor, *, gamma: float) -> Tensor:
    """Positive contributions count 1 + gamma times; negative ones do so towards outputs that are negative."""
    weight, bias = _weights(module)
    above, below = (weight + gamma * part for part in _signs(weight))
    more, less = (None, None) if bias is None else (bias + gamma * part for part in _signs(bias))
    positive, negative = _signs(inputs)
    outputs = module(inputs)
    raised = _parted(module, [(positive, above, more), (negative, below, None)], relevance * (outputs > 0))
    return raised + _parted(module, [(positive, below, less), (negative, above, None)], relevance * (outputs < 0))


RULES: Mapping[str, Callable[[float], Rule]] = {
    "epsilon_plus": lambda _: plus_rule,
    "gamma": lambda gamma: partial(gamma_rule, gamma=gamma),
}
"""Composite -> from gamma to its rule of convolutions."""


def _rule(module: nn.Module, convolutional: Rule, epsilon: float, *, first: bool) -> Rule:
    """The rule of a module.

    Raises:
        Skip: there is none.
    """
    if isinstance(module, nn.Conv2d):
        return convolutional
    if isinstance(module, nn.Linear):
        return partial(epsilon_rule, epsilon=epsilon)
    if isinstance(module, AVERAGES):
        return partial(epsilon_rule, epsilon=STABILISER)
    if isinstance(module, MOVES):
        return _moved
    normed = isinstance(module, nn.modules.batchnorm._BatchNorm)
    if isinstance(module, ACTIVATIONS) or (module.track_running_stats if normed else first):
        return lambda _, inputs, relevance: relevance
    raise Skip(f"composites of LRP have no rule for {type(module).__name__} here; lrp[rule=epsilon] may have one")


def _moved(module: nn.Module, inputs: Tensor, relevance: Tensor) -> Tensor:
    """The plain gradient: relevance goes where the value came from."""
    with torch.enable_grad():
        leaf = inputs.detach().requires_grad_()
        return torch.autograd.grad(module(leaf), leaf, relevance)[0]


def _shared(inputs: Tensor, step: Callable[[Tensor], Tensor], relevance: Tensor, epsilon: float) -> Tensor:
    """Relevance shared out by the contributions to each output of a linear step."""
    with torch.enable_grad():
        leaf = inputs.detach().requires_grad_()
        outputs = step(leaf)
        return inputs * torch.autograd.grad(outputs, leaf, relevance / _stable(outputs.detach(), epsilon))[0]


def _parted(module: nn.Module, parts: list[Part], relevance: Tensor) -> Tensor:
    """Relevance shared out by the contributions of several parts to the sum of their outputs."""
    with torch.enable_grad():
        leaves = [values.detach().requires_grad_() for values, _, _ in parts]
        outputs = [_applied(module, leaf, w, b) for leaf, (_, w, b) in zip(leaves, parts, strict=True)]
        total = torch.stack(outputs).sum(0)
        gradients = torch.autograd.grad(total, leaves, relevance / _stable(total.detach(), STABILISER))
    return torch.stack([values * grad for (values, _, _), grad in zip(parts, gradients, strict=True)]).sum(0)


def _applied(module: nn.Module, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The output of a module with other weights; without a bias where none is given."""
    own = module.get_parameter("bias") if module.bias is not None else None
    biases = {} if own is None else {"bias": torch.zeros_like(own) if bias is None else bias}
    return torch.func.functional_call(module, {"weight": weight} | biases, (inputs,))


def _weights(module: nn.Module) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of a convolution, detached."""
    bias = module.bias
    return module.get_parameter("weight").detach(), bias.detach() if isinstance(bias, Tensor) else None


def _signs(values: Tensor) -> tuple[Tensor, Tensor]:
    """The positive part and the negative part of values."""
    return values.clamp(min=0), values.clamp(max=0)


def _stable(values: Tensor, epsilon: float) -> Tensor:
    """Values moved away from zero by epsilon."""
    return values + torch.where(values >= 0, epsilon, -epsilon)
