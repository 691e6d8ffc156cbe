"""Vision transformers as explainers see them: the attention of each block, and tokens as the grid of patches."""

import copy
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.methods.base import Skip
from roarbench.methods.rewriting import require_python

TOLERANCE = 1e-4
"""Most by which what is computed anew may differ from what a block computes, relative to its largest value."""


class Layout(NamedTuple):
    """Names of the parts of a self-attention module.

    Attributes:
        inputs: linear layers that make queries, keys and values, or one that makes all of them.
        heads: the number of heads.
        output: linear layer behind the heads; empty where it lies outside of the module.
    """

    inputs: tuple[str, ...]
    heads: str
    output: str


LAYOUTS = (
    Layout(("qkv",), "num_heads", "proj"),
    Layout(("q_proj", "k_proj", "v_proj"), "num_attention_heads", "o_proj"),
    Layout(("query", "key", "value"), "num_attention_heads", ""),
)
"""Those of `vit_tiny` and timm, and of transformers since and before version 5."""


class Attentive:
    """A copy of a classifier that keeps the attention weights of its blocks; the classifier is left as it is."""

    def __init__(self, classifier: nn.Module) -> None:
        self.network = copy.deepcopy(classifier).requires_grad_(False)
        self.weights: list[Tensor] = []
        self.exact = True
        for module in attentions(self.network):
            module.register_forward_hook(self._keep, with_kwargs=True)

    def __call__(self, inputs: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b k"], list[Tensor]]:
        """Logits, and the attention weights `(b, heads, n, n)` of each block from the first; rows sum to 1."""
        self.weights = []
        logits = self.network(inputs)
        weights, self.weights = self.weights, []
        return logits, weights

    def gradients(self, inputs: Float[Tensor, "b c h w"], targets: Int[Tensor, "b"]) -> tuple[list[Tensor], ...]:
        """Attention weights of each block, and gradients of each example's target logit with respect to them."""
        with torch.enable_grad():
            logits, weights = self(inputs.detach().requires_grad_())
            gradients = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), weights)
        return [one.detach() for one in weights], [*gradients]

    def _keep(self, module: nn.Module, arguments: tuple[Any, ...], named: Mapping[str, Any], output: Any) -> Any:
        """Puts out what the weights that are kept give, so that logits depend on them."""
        weights, ours = attended(module, _tokens(arguments, named))
        theirs = output[0] if isinstance(output, tuple) else output
        self.weights.append(weights)
        self.exact &= _close(ours, theirs)
        return (ours, *output[1:]) if isinstance(output, tuple) else ours


def readable(classifier: nn.Module, inputs: Float[Tensor, "1 *feature"], method: str) -> Attentive:
    """A copy of a classifier whose attention can be followed from a class token to patches.

    Args:
        inputs: an example, on which this is tried.
        method: name of the explainer, for the message.

    Raises:
        Skip: the classifier has no attention that can be read, no class token, or no square grid of patches.
    """
    if inputs.ndim != 4:
        raise Skip(f"{method} needs images (c, h, w), got features {tuple(inputs.shape[1:])}")
    require_python(classifier, method)
    if not attentions(classifier):
        raise Skip(f"{method} needs a vision transformer; this classifier has no attention that can be read")
    network = Attentive(classifier)
    weights = _tried(network, inputs)
    if not weights:
        raise Skip(f"{method} reads softmax(q k / sqrt(d)) v alone; the attention of this classifier is another one")
    sizes = sorted({tuple(one.shape[2:]) for one in weights})
    if len(sizes) > 1 or not side(sizes[0][0]):
        tokens = ", ".join(str(rows) for rows, _ in sizes)
        raise Skip(f"{method} needs a class token and a square number of patches in all blocks, got {tokens} tokens")
    _, gradients = network.gradients(inputs, torch.zeros(len(inputs), dtype=torch.int64, device=inputs.device))
    if gradients[-1][:, :, 1:].any():
        raise Skip(f"{method} needs logits that are read from the class token; here all tokens have a say")
    return network


def attentions(network: nn.Module) -> list[nn.Module]:
    """Self-attention modules of known layouts."""
    return [
        module
        for module in network.modules()
        if isinstance(module, nn.MultiheadAttention) or any(_has(module, layout) for layout in LAYOUTS)
    ]


def attended(
    module: nn.Module, tokens: Float[Tensor, "b n d"]
) -> tuple[Float[Tensor, "b heads n n"], Float[Tensor, "b n d"]]:
    """The attention weights of a module, and its output, computed by hand from its own projections.

    Vaswani et al. 2017, arXiv:1706.03762, eq. 1: softmax(q k' / sqrt(d)) v for each head.
    """
    query, key, value = _projected(module, tokens)
    weights = (query @ key.transpose(2, 3) * query.shape[-1] ** -0.5).softmax(-1)
    mixed = (weights @ value).transpose(1, 2).flatten(2)
    if isinstance(module, nn.MultiheadAttention):
        return weights, module.out_proj(mixed)
    output = _layout(module).output
    return weights, getattr(module, output)(mixed) if output else mixed


def side(tokens: int) -> int:
    """Patches along a side of the square grid behind a class token; 0 where there is none of 2 x 2 or more.

    >>> side(17), side(16), side(2)
    (4, 0, 0)
    """
    length = math.isqrt(max(tokens - 1, 0))
    return length if length > 1 and length**2 == tokens - 1 else 0


def as_grid(tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b d g g"]:
    """Tokens of patches as maps; the class token, which comes first, is left out."""
    return tokens[:, 1:].transpose(1, 2).unflatten(2, (side(tokens.shape[1]), -1))


def token_layer(classifier: nn.Module, inputs: Float[Tensor, "1 c h w"], layer: str | None) -> nn.Module | None:
    """The layer whose tokens are maps of an image: a class token first, then a square number of patches.

    Args:
        layer: its dotted name; None takes the one that the last attention reads, a norm where norms come first.

    Returns:
        None where that layer puts out no such tokens, or there is no attention.
    """
    modules = {n: m for n, m in classifier.named_modules() if not isinstance(m, nn.modules.conv._ConvNd)}
    read = attentions(classifier)
    if layer not in modules and (layer is not None or not read):
        return None
    outputs, reads = _passed(classifier, inputs, [*modules.values()], read)
    named = modules[layer] if layer is not None else None
    chosen = named or next((m for m, given in outputs.items() if reads and given[-1] is reads[-1]), None)
    given = outputs.get(chosen, []) if chosen else []
    fits = len(given) == 1 and isinstance(given[0], Tensor) and given[0].ndim == 3 and side(given[0].shape[1])
    return chosen if fits else None


def _tried(network: Attentive, inputs: Float[Tensor, "1 c h w"]) -> list[Tensor]:
    """Attention weights of an example; none where a module has the names of a layout, but computes something else."""
    try:
        with torch.no_grad():
            _, weights = network(inputs)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):
        return []
    return weights if network.exact else []


def _passed(
    classifier: nn.Module, inputs: Float[Tensor, "1 c h w"], modules: list[nn.Module], read: list[nn.Module]
) -> tuple[dict[nn.Module, list[Any]], list[Tensor]]:
    """What modules put out, inner ones first, and what others read, in the order of the calls."""
    outputs: dict[nn.Module, list[Any]] = {}
    reads: list[Tensor] = []
    handles = [m.register_forward_hook(lambda m, _, o: outputs.setdefault(m, []).append(o)) for m in modules]
    handles += [
        module.register_forward_pre_hook(lambda _, *given: reads.append(_tokens(*given)), with_kwargs=True)
        for module in read
    ]
    try:
        with torch.no_grad():
            classifier(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return outputs, reads


def _has(module: nn.Module, layout: Layout) -> bool:
    """Whether a module has the parts of a layout."""
    linear = all(isinstance(getattr(module, name, None), nn.Linear) for name in layout.inputs)
    return linear and hasattr(module, layout.heads) and (not layout.output or hasattr(module, layout.output))


def _layout(module: nn.Module) -> Layout:
    """The names of the parts of a self-attention module that is not torch's own."""
    return next(layout for layout in LAYOUTS if _has(module, layout))


def _projected(module: nn.Module, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "3 b heads n e"]:
    """Queries, keys and values of each head."""
    if isinstance(module, nn.MultiheadAttention):
        flat, heads = F.linear(tokens, module.in_proj_weight, module.in_proj_bias), module.num_heads
    else:
        layout = _layout(module)
        flat = torch.cat([getattr(module, name)(tokens) for name in layout.inputs], 2)
        heads = getattr(module, layout.heads)
    query, key, value = flat.unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    norms = [getattr(module, name, nn.Identity()) for name in ("q_norm", "k_norm")]
    return torch.stack([norms[0](query), norms[1](key), value])


def _tokens(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Tensor:
    """What attention reads: the first argument of a call."""
    return arguments[0] if arguments else next(value for value in named.values() if isinstance(value, Tensor))


def _close(ours: Tensor, theirs: Any) -> bool:
    if not isinstance(theirs, Tensor) or ours.shape != theirs.shape:
        return False
    return bool((ours - theirs).abs().max() <= TOLERANCE * theirs.abs().max().clamp(min=1e-30))
