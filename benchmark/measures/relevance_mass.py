"""Relevance mass accuracy: how much of what speaks for the class lies inside the truth."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.measures.units import relevant, scores


@dataclass(frozen=True)
class RelevanceMass:
    """Share of the positive attributions that lies on truly relevant units (relevance mass accuracy).

    Paper: Arras, Osman, Samek 2022, arXiv:2003.07258, s. 2.2: the relevance inside the ground truth by that of the
    whole image.
    Differs from the paper: relevance is pooled over channels by its sum, and its positive part is taken; the paper has
    several poolings. Examples without positive attributions, or whose units are all of one kind, do not count.

    Misleads: by chance it is the share of relevant units, which differs between data. A network may decide by other
    features than those that the truth names.
    """

    label = "mass inside truth"
    better = "high"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("truth",)
    cost = "nothing"

    def measure(self, sample: Sample) -> Float[Tensor, "n"] | None:
        """In [0, 1], NaN for examples that do not count."""
        if (true := relevant(sample)) is None:
            return None
        positive = scores(sample).flatten(1).clamp(min=0)
        mass = (positive * true).sum(1) / positive.sum(1)  # NaN without positive attributions
        return torch.where(true.any(1) & ~true.all(1), mass, torch.nan)
