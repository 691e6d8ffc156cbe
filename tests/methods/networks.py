"""Tiny classifiers that keep the contract: standardise first, every ReLU its own module."""

import torch
from torch import Tensor, nn

from datasets.base import Split


class Standardise(nn.Module):
    """Subtracts 0.4 and divides by 0.3, by buffers as the real classifiers do."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(0.4))
        self.register_buffer("deviation", torch.tensor(0.3))

    def forward(self, inputs: Tensor) -> Tensor:
        return (inputs - self.mean) / self.deviation


class Residual(nn.Module):
    """x + conv(relu(x)), the ReLU on the very tensor that the skip connection carries."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.relu, self.conv = nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + self.conv(self.relu(inputs))


def convolutional(channels: int = 1, *, seed: int = 0) -> nn.Sequential:
    """8x8 images -> 3 logits; padding, batch norm and both poolings occur."""
    torch.manual_seed(seed)
    norm = nn.BatchNorm2d(4)
    norm.running_mean, norm.running_var = torch.randn(4) * 0.1, torch.rand(4) + 0.5
    return nn.Sequential(
        Standardise(),
        nn.ZeroPad2d(1),
        nn.Conv2d(channels, 4, 3),
        norm,
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(20, 3),
    ).eval()


def residual(*, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = [Standardise(), nn.Conv2d(1, 4, 3, padding=1), Residual(4), nn.Flatten(), nn.Linear(256, 3)]
    return nn.Sequential(*layers).eval()


def tabular(*, seed: int = 0) -> nn.Sequential:
    """Rows of 6 features -> 3 logits."""
    torch.manual_seed(seed)
    return nn.Sequential(Standardise(), nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)).eval()


def linear(shape: tuple[int, ...], *, seed: int = 0) -> nn.Sequential:
    """A linear model of three classes."""
    torch.manual_seed(seed)
    return nn.Sequential(Standardise(), nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 3)).eval()


def split(shape: tuple[int, ...], n: int = 12, *, seed: int = 1) -> Split:
    """Random examples of three classes; the first feature is declared informative."""
    draw = torch.Generator().manual_seed(seed)
    inputs = torch.rand(n, *shape, generator=draw)
    return Split(inputs, torch.arange(n) % 3, truth=_first_feature)


def _first_feature(inputs: Tensor) -> Tensor:
    truth = torch.zeros_like(inputs)
    truth.view(len(inputs), -1)[:, 0] = 1
    return truth
