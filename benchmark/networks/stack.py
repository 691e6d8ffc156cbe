"""Networks of one structure trained side by side: each parameter of all of them is one tensor.

Small networks spend their time on starting operations, not on arithmetic. A stack starts each operation once for all
replicas, and where an image is tiny it replaces convolutions by matrix products, of which processors make more.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.benchmark.networks.classifiers import Standardize
from roarbench.benchmark.networks.tiny import placement, plain, tiny

FOLDED = (nn.ReLU, nn.Flatten, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
"""Layers without parameters that treat every example by itself."""

VECTOR = 16
"""Numbers that the widest of today's processors treat at once."""


class Stack(nn.Module):
    """Replicas of one network, all with its weights: `(r, b, *feature)` -> logits `(r, b, k)`.

    A replica computes what the network would, up to rounding, and the same bits whatever replicas stand beside it.
    """

    def __init__(self, network: nn.Module, replicas: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(_stacked(layer, replicas) for layer in leaves(network)))

    def forward(self, inputs: Float[Tensor, "r b *feature"]) -> Float[Tensor, "r b k"]:
        """Each replica sees inputs of its own."""
        return self.layers(inputs)

    def copy_to(self, network: nn.Module, replica: int) -> None:
        """Gives a network of this structure the weights of one replica."""
        with torch.no_grad():
            for mine, theirs in zip(self.layers, leaves(network), strict=True):
                for name, parameter in theirs.named_parameters():
                    parameter.copy_(getattr(mine, name)()[replica])


def stackable(network: nn.Module, feature_shape: tuple[int, ...]) -> bool:
    """Whether a stack of this network is faster than its copies one by one: known layers only, and tiny images."""
    weights = [weight for layer in leaves(network) for weight in layer.parameters()]
    if len(set(weights)) < len(weights) or not all(weight.requires_grad for weight in weights):
        return False  # a stack would train a layer that is used twice as two, and one that is frozen
    shape = (1, *feature_shape)
    with torch.no_grad():
        passing = torch.zeros(shape, device=next(network.parameters()).device)
        for layer in leaves(network):
            if not (type(layer) in (Standardize, *FOLDED) or _whole(layer) or _tiny(layer, passing)):
                return False  # a subclass may compute something else
            passing = layer(passing)
    return True


def leaves(network: nn.Module) -> Iterator[nn.Module]:
    """The layers of nested `nn.Sequential`s in order; anything else is a layer by itself."""
    if type(network) is nn.Sequential:
        for part in network:
            yield from leaves(part)
    else:
        yield network


def shape_of_one(parameter: nn.Parameter) -> tuple[int, ...]:
    """Shape of a parameter, of one replica's where it belongs to a stack."""
    return tuple(getattr(parameter, "shape_of_one", parameter.shape))


class Repeated(nn.Module):
    """A parameter for each replica, in a row of whole vectors of the processor.

    Optimisers treat what does not fill a vector one by one, with other rounding: without the padding the bits of a
    replica would depend on its place in the stack.
    """

    def __init__(self, parameter: Tensor | None, replicas: int) -> None:
        super().__init__()
        if parameter is None:
            raise ValueError("layers of a stack need a bias")
        self.shape = parameter.shape
        row = F.pad(parameter.detach().flatten(), (0, -parameter.numel() % VECTOR))
        self.rows = nn.Parameter(row.repeat(replicas, 1), requires_grad=parameter.requires_grad)
        self.rows.shape_of_one = self.shape  # type: ignore[attr-defined]

    def forward(self) -> Float[Tensor, "r *shape"]:
        return self.rows[:, : self.shape.numel()].view(-1, *self.shape)


class StackedLinear(nn.Module):
    """Linear layers side by side."""

    def __init__(self, layer: nn.Linear, replicas: int) -> None:
        super().__init__()
        self.weight, self.bias = Repeated(layer.weight, replicas), Repeated(layer.bias, replicas)

    def forward(self, inputs: Float[Tensor, "r b d"]) -> Float[Tensor, "r b e"]:
        return torch.bmm(inputs, self.weight().transpose(1, 2)) + self.bias()[:, None]


class StackedConv2d(nn.Module):
    """Convolutions side by side, as products with matrices that hold every kernel at every place."""

    def __init__(self, layer: nn.Conv2d, replicas: int) -> None:
        super().__init__()
        self.layer = [layer]  # in a list: no part of this module
        self.weight, self.bias = Repeated(layer.weight, replicas), Repeated(layer.bias, replicas)
        self.places: Tensor | None = None

    def forward(self, inputs: Float[Tensor, "r b c h w"]) -> Float[Tensor, "r b d v u"]:
        if self.places is None:
            self.places = placement(self.layer[0], inputs.shape[3:]).to(inputs)
        weight, b = self.weight(), inputs.shape[1]
        r, d, c, *_ = weight.shape
        _, h, w, v, u = self.places.shape
        places = self.places.flatten(1).expand(r, -1, -1)
        kernels = torch.bmm(weight.view(r, d * c, -1), places).view(r, d, c, h * w, v * u)
        matrix = kernels.permute(0, 2, 3, 1, 4).reshape(r, c * h * w, d * v * u)
        return torch.bmm(inputs.flatten(2), matrix).view(r, b, d, v, u) + self.bias()[:, None, :, None, None]


class Folded(nn.Module):
    """A layer without parameters: replicas are more examples to it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Float[Tensor, "r b *feature"]) -> Float[Tensor, "r b *out"]:
        return self.layer(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])


def _whole(layer: nn.Module) -> bool:
    return type(layer) is nn.Linear and layer.bias is not None


def _tiny(layer: nn.Module, inputs: Tensor) -> bool:
    return plain(layer) and tiny(layer, tuple(inputs.shape[2:]))


def _stacked(layer: nn.Module, replicas: int) -> nn.Module:
    if isinstance(layer, nn.Linear):
        return StackedLinear(layer, replicas)
    if isinstance(layer, nn.Conv2d):
        return StackedConv2d(layer, replicas)
    return Folded(layer) if isinstance(layer, FOLDED) else layer
