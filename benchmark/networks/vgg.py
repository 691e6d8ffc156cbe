"""The two classifiers that ClaDec was published with: small VGGs, with pooling and with strides."""

from collections.abc import Sequence

from torch import nn

from roarbench.benchmark.networks.classifiers import require_images

CHANNELS, STRIDES = (32, 64, 128, 128, 256, 256, 512, 512), (2, 2, 1, 2, 1, 2, 1, 2)


def vgg_small(feature_shape: Sequence[int], num_classes: int, *, dropout: float = 0.5) -> nn.Module:
    """Two convolutions (32, 64) with pooling and a hidden layer of 128, for images up to about 64 x 64.

    Source: github.com/tomtuamnuq/cladec-mnist; rectification comes before batch norm, as there.
    Differs from the published code: returns logits, not sigmoids.
    """
    require_images(feature_shape, "vgg_small")
    channels, height, width = feature_shape
    size = 64 * (height // 4) * (width // 4)
    if not size:
        raise ValueError(f"vgg_small needs sides of at least 4, got {tuple(feature_shape)}; use mlp")
    network = nn.Sequential(
        *_block(channels, 32), *_block(32, 64), nn.Flatten(), nn.Dropout(dropout),
        nn.Linear(size, 128), nn.ReLU(), nn.Linear(128, num_classes),
    )  # fmt: skip
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.get_parameter("bias"))
    return network


def vgg_strided(feature_shape: Sequence[int], num_classes: int, *, dropout: float = 0.5) -> nn.Module:
    """Eight convolutions (32 to 512 channels), strides instead of pooling, for images of about 32 x 32.

    Source: github.com/JohnTailor/ClaDec, written anew.
    Differs from the published code: remaining maps of larger images are averaged to one pixel; 32 x 32 images leave
    just one.
    """
    require_images(feature_shape, "vgg_strided")
    layers: list[nn.Module] = []
    current = feature_shape[0]
    for out, stride in zip(CHANNELS, STRIDES, strict=True):
        convolution = nn.Conv2d(current, out, 3, stride=stride, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(out), nn.ReLU()]
        current = out
    ending = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(current, num_classes)]
    return nn.Sequential(*layers, *ending)


def _block(channels: int, out: int) -> list[nn.Module]:
    """A convolution, rectified, then normalised as Keras does by default, then pooled."""
    convolution = nn.Conv2d(channels, out, 3, padding=1)
    return [convolution, nn.ReLU(), nn.BatchNorm2d(out, eps=1e-3, momentum=0.01), nn.MaxPool2d(2)]
