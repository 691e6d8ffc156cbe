"""The pointing game: does the highest attribution lie inside the truth?"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.measures.units import relevant, scores


@dataclass(frozen=True)
class PointingGame:
    """Share of the examples whose highest attribution lies on a truly relevant unit.

    Paper: Zhang et al. 2016, arXiv:1608.00507, s. 4.1: hits by hits and misses.
    Differs from the paper: nothing is tolerated beyond the truth, where the paper allows 15 pixels. A pixel has the sum
    of its channels. Of several equal highest units each counts alike. Examples whose units are all of one kind do not
    count.

    Misleads: one unit decides, and all others are ignored. By chance it is the share of relevant units. A network
    may decide by other features than those that the truth names.
    """

    label = "pointing game"
    better = "high"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("truth",)
    cost = "nothing"

    def measure(self, sample: Sample) -> Float[Tensor, "n"] | None:
        """In [0, 1], NaN for examples that do not count."""
        if (true := relevant(sample)) is None:
            return None
        units = scores(sample).flatten(1)
        highest = units == units.amax(1, keepdim=True)
        hits = (highest & true).sum(1).double() / highest.sum(1)
        return torch.where(true.any(1) & ~true.all(1), hits, torch.nan)
