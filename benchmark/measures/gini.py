"""The Gini index: how sparse attributions are."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample


@dataclass(frozen=True)
class Gini:
    """Gini index of the magnitudes: 0 where all are equal, 1 - 1/d where a single one of d is not zero.

    Paper: Hurley, Rickard 2009, arXiv:0811.4706; 1 - 2 * sum over k of c_k / |c|_1 * (d - k + 1/2) / d, with c_k the
    k-th smallest magnitude.
    Differs from the paper: nowhere. Maps that repeat themselves over channels have the index of one channel.

    Misleads: sparse maps are easy to read, whether they are right or not.
    """

    label = "Gini"
    bounds = (0.0, 1.0)
    form = "probability"
    cost = "nothing"
    sees_noise = False

    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """In [0, 1]."""
        return gini(sample.maps)


def gini(maps: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
    """The index of each map.

    >>> gini(torch.tensor([[1.0, 1.0], [0.0, -3.0]])).tolist()
    [0.0, 0.5]
    """
    size = maps.shape[-1]
    ordered = maps.abs().sort(dim=-1).values
    weights = (torch.arange(size, 0, -1, device=maps.device) - 0.5) / size
    return 1 - 2 * (ordered * weights).sum(-1) / ordered.sum(-1)
