"""The seeker: a plain convolutional classifier, 4x4 convolutions with stride 2 (djib2011/hide-and-seek)."""

from collections.abc import Sequence

from torch import nn

SMALL = (1, 2, 4)
LARGE = (1, 2, 4, 8, 8)


def seeker_small(feature_shape: Sequence[int], num_classes: int, *, width: int = 32) -> nn.Module:
    """Three convolutions (32, 64, 128 channels at width 32): the HnS seeker for images up to about 64 x 64.

    Differs from the paper: returns logits, not softmax probabilities.
    """
    return _seeker(feature_shape, num_classes, [width * factor for factor in SMALL])


def seeker_large(feature_shape: Sequence[int], num_classes: int, *, width: int = 32) -> nn.Module:
    """Five convolutions (32, 64, 128, 256, 256 channels at width 32): the HnS seeker for larger images.

    Differs from the paper: returns logits, not softmax probabilities.
    """
    return _seeker(feature_shape, num_classes, [width * factor for factor in LARGE])


def seeker_resnet(feature_shape: Sequence[int], num_classes: int) -> nn.Module:
    """ResNet-50 without its pooling, flattened into one linear layer: the seeker of `hns_resnet`.

    Differs from the paper: starts from random weights everywhere; its stand-alone seeker starts from ImageNet weights.
    """
    from torchvision.models import resnet50  # takes seconds to import

    channels, height, width = feature_shape
    stages = list(resnet50(weights=None).children())[:-2]
    if channels != 3:
        stages[0] = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    cells = -(-height // 32) * -(-width // 32)
    return nn.Sequential(*stages, nn.Flatten(), nn.Linear(2048 * cells, num_classes))


def _seeker(feature_shape: Sequence[int], num_classes: int, channels: Sequence[int]) -> nn.Module:
    if len(feature_shape) != 3:
        raise ValueError(f"a seeker needs images (c, h, w), got features {tuple(feature_shape)}; use mlp")
    current, height, width = feature_shape
    layers: list[nn.Module] = []
    for out in channels:
        layers += [*_same_convolution(current, out, height, width), nn.ReLU()]
        current, height, width = out, (height + 1) // 2, (width + 1) // 2
    head = nn.Linear(current * height * width, num_classes)
    return keras_initialised(nn.Sequential(*layers, nn.Flatten(), head))


def _same_convolution(channels: int, out: int, height: int, width: int) -> list[nn.Module]:
    """A 4x4 convolution with stride 2 and TensorFlow's "same" padding: an odd side gets one more at its end."""
    if height % 2 == 0 and width % 2 == 0:
        return [nn.Conv2d(channels, out, 4, stride=2, padding=1)]
    return [nn.ZeroPad2d((1, 1 + width % 2, 1, 1 + height % 2)), nn.Conv2d(channels, out, 4, stride=2)]


def keras_initialised(network: nn.Sequential) -> nn.Sequential:
    """Glorot-uniform weights and zero biases, the defaults the published networks were trained from."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
