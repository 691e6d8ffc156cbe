"""SaCo: do groups of units that attributions call more important matter more, and by how much?"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.measures.units import scores
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.ranks import rank


@dataclass(frozen=True)
class SaCo:
    """Agreement of the order of groups of units with the effect of replacing each group, weighted by the gap (SaCo).

    Paper: Wu et al. 2024, arXiv:2404.01415 (salience-guided faithfulness coefficient). Units fall into K groups by
    rank; s(G) is the sum of the attributions of a group. D(G) is the drop
    of the probability when it is replaced. Of all
    pairs i < j the weight is s(G_i) - s(G_j), with its sign turned where D(G_i) < D(G_j). The
    coefficient is the sum of these by the sum of their magnitudes.
    Differs from the paper: replaced units get the training mean, not that of the image. Drops are compared on the scale
    of log-odds: their order is that of probabilities, and those near 1 do not tie.

    Misleads: the network was never trained on images without a group. Groups far down a signed ranking speak against
    the class; maps of magnitudes call them unimportant. A map without differences scores 0.

    Attributes:
        groups: number of groups; no more than there are units.
        magnitude: rank and sum magnitudes.
    """

    label = "SaCo"
    better = "high"
    bounds = (-1.0, 1.0)
    needs = ("network",)
    cost = "11 passes of the classifier"

    groups: int = 10
    magnitude: bool = False

    def __post_init__(self) -> None:
        if self.groups < 2:
            raise ValueError(f"saco[groups] must be at least 2, got {self.groups}")

    @torch.no_grad()
    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """In [-1, 1], 0 for random attributions."""
        units = scores(sample, sample.maps.abs() if self.magnitude else None)
        number = min(self.groups, units[0].numel())
        group = grouped(units.flatten(1), number).view_as(units)
        salience = torch.stack([torch.where(group == g, units, 0.0).flatten(1).sum(1) for g in range(number)], 1)
        return coefficient(salience, _drops(sample, group, number))


def grouped(units: Float[Tensor, "n u"], number: int) -> Integer[Tensor, "n u"]:
    """Group of each unit, 0 for the highest scores; groups are of nearly equal size."""
    ranks = rank(units, unit="feature", magnitude=False, generator=generator("assessment", "ties"))
    return ranks * number // units.shape[1]


def coefficient(salience: Float[Tensor, "n g"], drops: Float[Tensor, "n g"]) -> Float[Tensor, "n"]:
    """The coefficient of groups in the order of their salience.

    >>> coefficient(torch.tensor([[3.0, 1.0, 0.0]]), torch.tensor([[0.5, 0.1, 0.2]])).tolist()  # (2 + 3 - 1) / 6
    [0.6666666865348816]
    """
    first, second = torch.triu_indices(salience.shape[1], salience.shape[1], 1, device=salience.device)
    weights = salience[:, first] - salience[:, second]
    signed = torch.where(drops[:, first] < drops[:, second], -weights, weights)
    total = weights.abs().sum(1)
    return torch.where(total > 0, signed.sum(1) / total.clamp(min=torch.finfo(total.dtype).tiny), 0.0)


def _drops(sample: Sample, group: Integer[Tensor, "n *unit"], number: int) -> Float[Tensor, "n g"]:
    """How far the log-odds of the explained class fall without each group."""
    inputs, mean = sample.inputs, sample.mean
    members = group[:, None] if inputs.ndim > 2 else group
    intact = _log_odds(sample, inputs)
    without = [torch.where(members == g, mean, inputs) for g in range(number)]
    return torch.stack([intact - _log_odds(sample, changed) for changed in without], 1)


def _log_odds(sample: Sample, inputs: Float[Tensor, "n *feature"]) -> Float[Tensor, "n"]:
    """Log-odds of the explained class against all others."""
    logits, own = sample.network(inputs).double(), sample.targets[:, None]
    others = logits.scatter(1, own, -torch.inf).logsumexp(1)
    return logits.gather(1, own)[:, 0] - others
