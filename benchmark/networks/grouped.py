"""Networks of known layers trained side by side on a card, which one small network alone would leave idle.

`torch.vmap` makes grouped convolutions and batched products of their layers, so that every operation is started once
for all replicas. A processor gains nothing by it.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap

from roarbench.benchmark.networks.airbench import Whitening
from roarbench.benchmark.networks.classifiers import Block, Preprocessed, Standardize
from roarbench.benchmark.networks.stack import Repeated

KNOWN = (
    nn.Sequential, Preprocessed, Standardize, Whitening, Block, nn.Identity, nn.Flatten, nn.Linear, nn.Dropout,
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.ReLU, nn.GELU, nn.ZeroPad2d,
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
)  # fmt: skip
"""Layers that do the same at every step: no choices by values, no state but parameters and buffers."""

LAUNCH_BOUND = 2**35
"""Floating-point operations of a step below which a card waits for its next operation: 0.3 ms at 100 a picosecond."""


class Grouped(nn.Module):
    """Replicas of one network, all with its weights: `(r, b, *feature)` -> logits `(r, b, k)`, as in training.

    A replica computes what the network would, up to rounding. Dropout hits the same units of all replicas.
    """

    def __init__(self, network: nn.Module, replicas: int) -> None:
        super().__init__()
        self.template = [copy.deepcopy(network).train().to("meta")]  # in a list: no part of this module
        self.names = [name for name, _ in network.named_parameters()]
        self.rows = nn.ModuleList(Repeated(parameter, replicas) for parameter in network.parameters())
        self.buffer_names = [name for name, _ in network.named_buffers()]
        for number, buffer in enumerate(network.buffers()):
            self.register_buffer(str(number), torch.stack([buffer] * replicas))

    def forward(self, inputs: Float[Tensor, "r b *feature"]) -> Float[Tensor, "r b k"]:
        """Each replica sees inputs of its own."""
        return vmap(self._one, randomness="same")(self._parameters_by_name(), self._buffers_by_name(), inputs)

    def copy_to(self, network: nn.Module, replica: int) -> None:
        """Gives a network of this structure the weights and running averages of one replica."""
        with torch.no_grad():
            for theirs, row in zip(network.parameters(), self.rows, strict=True):
                theirs.copy_(row()[replica])
            for buffer, mine in zip(network.buffers(), self.buffers(), strict=True):
                buffer.copy_(mine[replica])

    def _one(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor) -> Tensor:
        return functional_call(self.template[0], (parameters, buffers), (inputs,))

    def _parameters_by_name(self) -> dict[str, Tensor]:
        return {name: row() for name, row in zip(self.names, self.rows, strict=True)}

    def _buffers_by_name(self) -> dict[str, Tensor]:
        return dict(zip(self.buffer_names, self.buffers(), strict=True))


def known(network: nn.Module) -> bool:
    """Whether all layers of a network are known; a subclass may compute something else."""
    layers = list(network.modules())
    cumulative = any(isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.momentum is None for layer in layers)
    return all(type(layer) in KNOWN for layer in layers) and not cumulative


def launch_bound(network: nn.Module, feature_shape: tuple[int, ...], batch_size: int) -> bool:
    """Whether a card takes longer to start the operations of a step than to do them, in a network of known layers."""
    return known(network) and step_flops(network, feature_shape, batch_size) <= LAUNCH_BOUND


def step_flops(network: nn.Module, feature_shape: tuple[int, ...], batch_size: int) -> float:
    """Floating-point operations of one training step; a backward pass counts as two forward. Nothing is computed."""
    from torch.utils.flop_counter import FlopCounterMode  # takes 0.14 s to import

    sketch = copy.deepcopy(network).eval().to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        sketch(torch.zeros(1, *feature_shape, device="meta"))
    return 3.0 * batch_size * counter.get_total_flops()
