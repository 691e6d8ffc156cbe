"""Networks that go on training behind masks which say nothing of the class: once for all explainers."""

import copy
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.networks.training import train
from roarbench.datasets.stream import streamed

Draw = Callable[[int, tuple[int, ...]], Bool[Tensor, "n *unit"]]
"""(number, shape of an example) -> masks (True = kept) on the CPU, from the global generator."""

LEARNING_RATE = 1e-3
"""Peak of one cycle: a fifth of that of the default recipe, for the network has learned already."""


def tuned(sample: Sample, name: str, draw: Draw, *, epochs: int) -> nn.Module:
    """A copy of the network of a sample after more epochs behind masks that are drawn anew at every read.

    What is hidden is the training mean. Labels are those of the data.

    Args:
        name: of the masks, with all parameters that they depend on.
    """
    full_name = f"{name}[epochs={epochs}]"
    pairing = ("tuned", full_name, *sample.background.pairing)
    recipe = Recipe("adam", epochs, learning_rate=LEARNING_RATE, precision="fp32")
    masked = streamed(sample.background.train).mapped(partial(_behind, draw, sample.mean.cpu()))
    network = copy.deepcopy(sample.network).requires_grad_()
    return sample.tuned(full_name, network, lambda network: train(network, masked, recipe, pairing=pairing))


def _behind(
    draw: Draw, mean: Float[Tensor, "*channel"], inputs: Float[Tensor, "b *feature"], index: Int[Tensor, "b"]
) -> Float[Tensor, "b *feature"]:
    """Inputs behind masks."""
    masks = draw(len(inputs), tuple(inputs.shape[1:])).to(inputs.device)
    return torch.where(masks, inputs, mean.to(inputs))
