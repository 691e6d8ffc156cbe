"""The classifiers that are explained and retrained: input standardisation, then a network.

Contract, checked before a run starts (`contract.py`): `(b, *feature)` in [0, 1] -> float32 logits `(b, k)`, and weights
that are drawn anew whenever a network is built. How a ReLU is written does not matter.
"""

import inspect
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from roarbench.benchmark.matrix.plugins import build
from roarbench.benchmark.matrix.spec import PlugIn
from roarbench.benchmark.networks.airbench import FITTED, Whitening
from roarbench.datasets.base import Split
from roarbench.datasets.statistics import statistics


class Standardize(nn.Module):
    """(x - mean) / std per channel of images, per feature of tabular rows; constants are fixed when built."""

    mean: Tensor
    std: Tensor

    def __init__(self, train: Float[Tensor, "n *feature"] | Split) -> None:
        """Takes the statistics of inputs, or of a split; a constant channel keeps its scale."""
        super().__init__()
        moments = train.statistics if isinstance(train, Split) else statistics(train)
        self.register_buffer("mean", moments.mean.clone())
        self.register_buffer("std", torch.where(moments.std > 0, moments.std, 1.0))

    @classmethod
    def by(cls, mean: Float[Tensor, "*channel"], std: Float[Tensor, "*channel"]) -> "Standardize":
        """Constants that are known already."""
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.register_buffer("mean", mean)
        made.register_buffer("std", std)
        return made

    def forward(self, inputs: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *standardised"]:
        """Inputs of the same shape; three constants make three channels of a grey image."""
        return (inputs - self.mean) / self.std


class Preprocessed(nn.Sequential):
    """Preprocessing of its own, then a network: `classifier` adds no other."""


def classifier(identity: PlugIn, train: Float[Tensor, "n *feature"] | Split, num_classes: int) -> nn.Sequential:
    """A freshly initialised classifier; weights come from the global generator.

    Args:
        train: training inputs, or their split: their shape sizes the network, their statistics standardise its inputs.
    """
    shape = train.feature_shape if isinstance(train, Split) else tuple(train.shape[1:])
    network = _built(identity, shape, num_classes)
    whole = network if isinstance(network, Preprocessed) else nn.Sequential(Standardize(train), network)

    def first(most: int) -> Float[Tensor, "n *feature"]:
        inputs = train.at(torch.arange(most)).inputs if isinstance(train, Split) else train[:most]
        return whole[0](inputs.to(next(whole[0].buffers()).device))

    for module in whole[1].modules():
        if isinstance(module, Whitening):
            module.fit(first(min(len(train), max(1, FITTED // math.prod(shape[1:])))))
    if any(map(is_lazy, [*whole[1].parameters(), *whole[1].buffers()])):
        with torch.no_grad():
            whole[1].eval()(first(1).cpu())
        whole[1].train()
    return whole


def _built(identity: PlugIn, shape: tuple[int, ...], num_classes: int) -> nn.Module:
    """What the factory of a classifier returns.

    Raises:
        ValueError: it takes other arguments, or returns no module.
    """
    factory = build(identity, "classifier")
    requirement = "must be a function name(feature_shape, num_classes) that returns an nn.Module"
    signature = inspect.signature(factory)
    try:
        signature.bind(shape, num_classes)
    except TypeError:
        raise ValueError(f"{requirement}, got one of the arguments {signature}") from None
    network = factory(shape, num_classes)
    if not isinstance(network, nn.Module):
        raise ValueError(f"{requirement}, got {type(network).__name__}")
    return network


def linear(feature_shape: Sequence[int], num_classes: int) -> nn.Module:
    """A linear map of all features; with the recipe "least_squares" it is solved in closed form."""
    return nn.Sequential(nn.Flatten(), nn.Linear(_size(feature_shape), num_classes))


def mlp(feature_shape: Sequence[int], num_classes: int, *, width: int = 128, hidden_layers: int = 2) -> nn.Module:
    """Fully connected layers with ReLU, for tabular data and very small images."""
    layers: list[nn.Module] = [nn.Flatten()]
    current = _size(feature_shape)
    for _ in range(hidden_layers):
        layers += [nn.Linear(current, width), nn.ReLU()]
        current = width
    return nn.Sequential(*layers, nn.Linear(current, num_classes))


def resnet8(feature_shape: Sequence[int], num_classes: int, *, width: int = 16) -> nn.Module:
    """Residual network with one block at each of three sizes (16, 32, 64 channels), for small images."""
    return _residual_network(feature_shape, num_classes, channels=(width, 2 * width, 4 * width), blocks=1)


def resnet18(feature_shape: Sequence[int], num_classes: int, *, width: int = 64) -> nn.Module:
    """ResNet-18 with a 3x3 stem and no max-pooling, the usual form for images of 28 to 64 pixels (He et al. 2016)."""
    return _residual_network(feature_shape, num_classes, channels=(width, 2 * width, 4 * width, 8 * width), blocks=2)


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut; where the shape changes, the shortcut is a 1x1 convolution.

    It is given the pixels that it looks at instead of a stride: on AVX2, oneDNN 3.13 writes beyond its memory in
    strided 1x1 convolutions of fewer than 8 channels that lie channels last.
    """

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        # First, so that the last convolution in module order, Grad-CAM's default, is the 3x3 one.
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, bias=False), nn.BatchNorm2d(out))
        self.conv1 = nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False)
        self.bn1, self.relu1 = nn.BatchNorm2d(out), nn.ReLU()
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm2d(out), nn.ReLU()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b out h2 w2"]:
        out = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(out + self.shortcut(x[..., :: self.stride, :: self.stride]))


def _residual_network(
    feature_shape: Sequence[int], num_classes: int, *, channels: Sequence[int], blocks: int
) -> nn.Module:
    require_images(feature_shape, "a residual network")
    stem = nn.Conv2d(feature_shape[0], channels[0], 3, padding=1, bias=False)
    layers: list[nn.Module] = [stem, nn.BatchNorm2d(channels[0]), nn.ReLU()]
    current = channels[0]
    for out in channels:
        for _ in range(blocks):
            layers.append(Block(current, out, stride=2 if out != current else 1))
            current = out
    return _he_initialised(
        nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(current, num_classes))
    )


def _he_initialised(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def _size(feature_shape: Sequence[int]) -> int:
    return math.prod(feature_shape)


def require_images(feature_shape: Sequence[int], name: str) -> None:
    """Raises ValueError unless features are `(c, h, w)`."""
    if len(feature_shape) != 3:
        raise ValueError(f"{name} needs images (c, h, w), got features {tuple(feature_shape)}; use mlp")
