"""Blurriness: how smooth are the masks that a ranking makes?"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.measures.units import require_images


@dataclass(frozen=True)
class Blurriness:
    """1 minus the total variation of the rank map, relative to a random one: 0 for noise, near 1 for smooth masks.

    Paper: Song, Cha, Seo 2026, arXiv:2304.13836v5: measures by removal favour smooth maps.
    Differs from the paper: a number for each ranking, to be read beside such measures. The total variation is the mean
    difference of the ranks of neighbours, down and across. It is that of ranks, for masks are made of them. So it does
    not depend on the scale of a map. Pixels that tie are noise, as they are in the masks.

    Misleads: a smooth map may be right: objects are smooth, too.
    """

    label = "blurriness"
    bounds = (None, 1.0)
    form = "probability"
    cost = "nothing"
    sees_noise = False

    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """At most 1, about 0 for random ranks.

        Raises:
            Skip: the data are rows, whose features have no neighbours.
        """
        require_images(sample, "blurriness")
        ranks = sample.ranked.double()
        steps = [ranks.diff(dim=dim).abs().flatten(1) for dim in (2, 3)]
        expected = (ranks[0].numel() + 1) / 3  # of two ranks that are drawn at random without replacement
        return 1 - torch.cat(steps, 1).mean(1) / expected
