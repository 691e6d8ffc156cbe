"""Tiny classifiers that standardise first, with ReLUs as modules or as networks have them elsewhere."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roarbench.benchmark.networks.vit import vit_tiny
from roarbench.datasets.base import Split


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


class TwoNames(nn.Module):
    """A wrapper that takes the layers of a network apart, and keeps the network."""

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        self.network, self.features = network, nn.Sequential(*list(network)[:-1])

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network[-1](self.features(inputs))


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


def transformer(channels: int = 1, *, depth: int = 2, seed: int = 0) -> nn.Sequential:
    """8x8 images -> 3 logits by way of a class token and 16 patches."""
    torch.manual_seed(seed)
    return nn.Sequential(Standardise(), vit_tiny((channels, 8, 8), 3, width=8, depth=depth, heads=2)).eval()


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


SPELLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "module in place": nn.ReLU(inplace=True),
    "function": F.relu,
    "function in place": lambda x: F.relu(x, inplace=True),
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(),
    "clamp": lambda x: x.clamp(min=0),
    "clamp in place": lambda x: x.clamp_(0),
    "clamp_min": lambda x: torch.clamp_min(x, 0.0),
    "one module for all": nn.ReLU(),
}
"""Ways to write a ReLU; a module stands for itself, used again and again."""


class Spelled(nn.Module):
    """Two convolutions, the second beside a skip connection; ReLUs spelled in one way, or as modules of their own."""

    def __init__(self, spelling: str | None) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.pool, self.last = nn.AvgPool2d(2), nn.Linear(64, 3)
        made = SPELLINGS[spelling] if spelling else None
        self.rectify, self.again = made or nn.ReLU(), made or nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        maps = self.rectify(self.first(inputs))
        return self.last(self.pool(maps + self.again(self.second(maps))).flatten(1))


def spelled(spelling: str | None) -> nn.Sequential:
    """8x8 grey images -> 3 logits, the same whatever the spelling; without one, ReLUs are modules of their own."""
    torch.manual_seed(3)
    return nn.Sequential(Standardise(), Spelled(spelling)).eval()
