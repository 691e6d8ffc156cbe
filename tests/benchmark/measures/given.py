"""Samples whose network, maps and data are known, so that measures can be re-derived by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from roarbench.benchmark.measures.assessment import samples
from roarbench.benchmark.measures.sample import Background, Sample
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.ranks import rank
from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction
from roarbench.methods.gradient import Gradient


def untuned(name: str, network: nn.Module, fit: Callable[[nn.Module], None]) -> None:
    """Keeps a network as it is, where others would fit it."""


def two_classes(weight: Tensor, bias: float = 0.0) -> nn.Sequential:
    """A network whose second logit is linear in the inputs, and whose first is 0."""
    layer = nn.Linear(weight.numel(), 2)
    with torch.no_grad():
        layer.weight.copy_(torch.stack([torch.zeros(weight.numel()), weight.flatten()]))
        layer.bias.copy_(torch.tensor([0.0, bias]))
    return nn.Sequential(nn.Flatten(), layer).eval()


def data(shape: tuple[int, ...], n: int = 60, *, classes: int = 2, **more: Any) -> Split:
    """Random examples."""
    inputs = torch.rand(n, *shape, generator=generator("given"))
    return Split(inputs, torch.arange(n) % classes, **more)


def sample_of(network: nn.Module, attribute: AttributionFunction, test: Split, **more: Any) -> Sample:
    """The sample of an attribution function, of which ranks by sign are stored; labels are explained.

    Args:
        more: `keep` of the background; no network is tuned without. `magnitude` ranks by magnitudes.
    """
    with torch.enable_grad():
        maps = attribute(test.inputs, test.labels)
    ranks = rank(maps, unit="pixel", magnitude=more.get("magnitude", False), generator=generator("ties")).numpy()
    background = Background(test, keep=more.get("keep", untuned))
    given: dict[str, Any] = {"target": "label", "seed": ("given",), "background": background}
    return samples(network, attribute, [Gradient()], test, ranks=[ranks.astype(np.uint16)], **given)[0]


def normal(*shape: int) -> Tensor:
    """Standard normal numbers, always the same."""
    return torch.randn(shape, generator=generator("numbers"))


def noise(inputs: Tensor, targets: Tensor) -> Tensor:
    """Random maps, the same for an example wherever it stands."""
    rows = [torch.randn(x.shape, generator=generator("noise", float(x.sum()))) for x in inputs]
    return torch.stack(rows)
