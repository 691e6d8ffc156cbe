"""ResNet-50 for photographs. A file of its own, because torchvision takes seconds to import."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torchvision.models import resnet as torchvision_resnet

from roarbench.benchmark.networks.classifiers import require_images


def resnet50(feature_shape: Sequence[int], num_classes: int) -> nn.Module:
    """torchvision's ResNet-50 for images of about 224 pixels, with ReLU modules of their own (He et al. 2016).

    Differs from torchvision: the three activations of a block are separate modules, none in place; names and shapes
    of the weights are torchvision's.
    """
    require_images(feature_shape, "resnet50")
    network = torchvision_resnet.ResNet(Bottleneck, [3, 4, 6, 3], num_classes=num_classes)
    network.relu = nn.ReLU()
    if feature_shape[0] != 3:
        network.conv1 = nn.Conv2d(feature_shape[0], 64, 7, stride=2, padding=3, bias=False)
    return network


class Bottleneck(torchvision_resnet.Bottleneck):
    """torchvision's bottleneck block with three ReLU modules instead of one used three times in place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.relu
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.relu2(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu3(out + (x if self.downsample is None else self.downsample(x)))
