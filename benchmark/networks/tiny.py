"""Convolutions of tiny images as matrix products, of which processors make more than of convolutions so small."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TypeGuard

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Size = tuple[int, ...]

TINY = 4
"""An image is tiny to a convolution where it has at most so many times the places of its kernel."""


LARGEST = 2**16
"""Elements of the matrix beyond which a convolution is the faster of the two."""


@contextmanager
def as_products(network: nn.Module) -> Iterator[None]:
    """Within it, a network on the CPU computes its small convolutions of tiny images as products, up to rounding.

    Its modules keep their types and weights, so that explainers find what they look for.
    """
    layers = [layer for layer in network.modules() if plain(layer) and layer.weight.device.type == "cpu"]
    for layer in layers:
        layer.forward = partial(_convolved, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def plain(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether a layer is a convolution that can be a product: no subclass, no groups, zero padding, a bias."""
    if type(layer) is not nn.Conv2d:
        return False
    return layer.groups == 1 and layer.bias is not None and layer.padding_mode == "zeros"


def tiny(layer: nn.Conv2d, size: Size) -> bool:
    """Whether images of this size are tiny to a convolution."""
    return math.prod(size) <= TINY * math.prod(layer.kernel_size)


def placement(layer: nn.Conv2d, size: Size) -> Float[Tensor, "k h w v u"]:
    """1 where a place (h, w) of the input meets an output (v, u) through an element k of the kernel, else 0."""
    return _placement(layer.kernel_size, layer.stride, layer.padding, layer.dilation, size)


@lru_cache(maxsize=32)
def _placement(kernel: Size, stride: Size, padding: Size | str, dilation: Size, size: Size) -> Tensor:
    one = F.one_hot(torch.arange(math.prod(size)), math.prod(size)).float().view(-1, 1, *size)
    elements = torch.eye(math.prod(kernel)).view(-1, 1, *kernel)
    met = F.conv2d(one, elements, None, stride, padding, dilation)
    return met.float().transpose(0, 1).unflatten(1, size).contiguous()  # kept, whatever the precision of its first use


def _convolved(layer: nn.Conv2d, inputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d v u"]:
    size = tuple(inputs.shape[2:])
    if not tiny(layer, size) or _num_elements(layer, size) > LARGEST:
        return nn.Conv2d.forward(layer, inputs)
    places = placement(layer, size)
    k, h, w, v, u = places.shape
    d, c, *_ = layer.weight.shape
    kernels = (layer.weight.reshape(d * c, k) @ places.view(k, -1)).view(d, c, h * w, v * u)
    matrix = kernels.permute(1, 2, 0, 3).reshape(c * h * w, d * v * u)
    assert layer.bias is not None  # those that are replaced have one, which may be a plain tensor for a while
    return (inputs.flatten(1) @ matrix).view(-1, d, v, u) + layer.bias.view(-1, 1, 1)


def _num_elements(layer: nn.Conv2d, size: Size) -> int:
    """Elements of the matrix of a convolution: every input value by every output value."""
    *_, height, width = placement(layer, size).shape
    return layer.in_channels * math.prod(size) * layer.out_channels * height * width
