"""A small convolutional network for inputs with any number of axes: signals, images, volumes."""

from collections.abc import Sequence

from torch import nn

KINDS = {
    1: (nn.Conv1d, nn.MaxPool1d, nn.AdaptiveAvgPool1d),
    2: (nn.Conv2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d),
    3: (nn.Conv3d, nn.MaxPool3d, nn.AdaptiveAvgPool3d),
}
"""Convolution, pooling and average along so many axes."""


def cnn_nd(
    feature_shape: Sequence[int], num_classes: int, *, width: int = 16, layers: int = 3, kernel: int = 3
) -> nn.Module:
    """Convolutions with ReLU for signals, images or volumes, pooled by 2 while 4 places remain, then averaged.

    Args:
        width: channels of the first layer; each layer has twice as many as the one before.
        layers: how many convolutions there are.
        kernel: side of their kernels, odd.
    """
    channels, *places = feature_shape
    if len(places) not in KINDS:
        raise ValueError(f"cnn_nd needs signals, images or volumes, got features {tuple(feature_shape)}; use mlp")
    for name, value in (("width", width), ("layers", layers), ("kernel", kernel)):
        if value < 1:
            raise ValueError(f"cnn_nd[{name}] must be at least 1, got {value}")
    if kernel % 2 == 0:
        raise ValueError(f"cnn_nd[kernel] must be odd, got {kernel}; use {kernel + 1}")
    convolution, pooling, average = KINDS[len(places)]
    modules: list[nn.Module] = []
    for layer in range(layers):
        out = width * 2**layer
        modules += [convolution(channels, out, kernel, padding=kernel // 2), nn.ReLU()]
        if min(places) >= 8:
            modules.append(pooling(2))
            places = [length // 2 for length in places]
        channels = out
    return nn.Sequential(*modules, average(1), nn.Flatten(), nn.Linear(channels, num_classes))
