"""MPRT, the model parameter randomisation test: what is left of a map once weights are shuffled?"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.measures.units import similarity
from roarbench.benchmark.randomness import generator


@dataclass(frozen=True)
class Mprt:
    """Mean rank correlation of a map with maps of the network as its weights are shuffled, layer by layer from the top.

    Paper: Adebayo et al. 2018, arXiv:1810.03292, s. 3.1 (model parameter randomisation test, cascading).
    Differs from the paper: the weights of a layer are shuffled among themselves, so that activations keep their size;
    the paper draws new ones. Rank correlation of magnitudes alone. In networks with many layers only a few depths are
    measured, always including the whole network.

    Misleads: a map that ignores the network scores 1, as controls do; one that is noise of the network would score
    best. Shuffled networks still show edges of the image, and maps that multiply by the input keep it.

    Attributes:
        depths: depths at which maps are compared at most, evenly spread over the layers.
        magnitude: compare magnitudes; false compares maps as they are signed.
    """

    label = "MPRT"
    better = "low"
    bounds = (-1.0, 1.0)
    needs = ("network",)
    cost = "10 preparations and passes of the explainer"
    sees_noise = False

    depths: int = 10
    magnitude: bool = True

    def __post_init__(self) -> None:
        if self.depths < 1:
            raise ValueError(f"mprt[depths] must be at least 1, got {self.depths}")

    @torch.no_grad()
    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """In [-1, 1]; 0 where a map of a shuffled network is constant.

        Raises:
            Skip: the explainer trains networks of its own, and would train anew at every depth.
        """
        maps = [sample.explained_by(network, f"mprt {done}") for done, network in cascade(sample.network, self.depths)]
        return torch.stack([similarity(sample.maps, one, magnitude=self.magnitude) for one in maps]).mean(0)


def cascade(network: nn.Module, depths: int) -> Iterator[tuple[int, nn.Module]]:
    """Copies of a network with more and more layers shuffled from the top, and how many each has.

    Every copy is the one before it, changed in place: it is to be used before the next is asked for.
    """
    shuffled = copy.deepcopy(network)
    layers = [layer for layer in shuffled.modules() if list(layer.parameters(recurse=False))][::-1]
    for start, end in zip([0, *_stops(len(layers), depths)], _stops(len(layers), depths), strict=False):
        shuffle(layers[start:end], start)
        yield end, shuffled


def shuffle(layers: Sequence[nn.Module], start: int) -> None:
    """Shuffles the entries of each weight of some layers; `start` is how many layers lie above them."""
    for number, layer in enumerate(layers, start):
        for name, weight in layer.named_parameters(recurse=False):
            order = torch.randperm(weight.numel(), generator=generator("assessment", "mprt", number, name))
            weight.data = weight.data.flatten()[order.to(weight.device)].view_as(weight)


def _stops(num_layers: int, depths: int) -> list[int]:
    """How many layers are shuffled at each depth, all of them at the last.

    >>> _stops(3, 10), _stops(20, 4)
    ([1, 2, 3], [5, 10, 15, 20])
    """
    count = min(num_layers, depths)
    return [num_layers * depth // count for depth in range(1, count + 1)]
