"""Infidelity: do attributions predict how the logit reacts to perturbations?"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.randomness import generator


@dataclass(frozen=True)
class Infidelity:
    """Squared error of attributions as predictions of how noise changes the logit, in squared logits.

    Paper: Yeh et al. 2019, arXiv:1901.09392, def. 1: E[(beta * I . a(x) - (f(x) - f(x - I)))^2], beta the best factor
    for the example, so that the size of a map does not matter (the authors' code; `normalize` of Captum).
    Differs from the paper: I is Gaussian noise, the same for all explainers, and perturbed inputs are not clipped. Maps
    are taken as they come: those with the input as a factor are not divided by it.

    Misleads: maps of magnitudes score worse, since they have no signs. Where the network is far from linear, the value
    depends on the size of the noise. A map of zeros is as far off as no explanation at all.

    Attributes:
        perturbations: noisy copies of each example.
        deviation: standard deviation of the noise; inputs lie in [0, 1].
    """

    label = "infidelity"
    better = "low"
    bounds = (0.0, None)
    needs = ("network",)
    cost = "100 passes of the classifier"

    perturbations: int = 100
    deviation: float = 0.2

    def __post_init__(self) -> None:
        if self.perturbations < 1:
            raise ValueError(f"infidelity[perturbations] must be at least 1, got {self.perturbations}")
        if not self.deviation > 0:
            raise ValueError(f"infidelity[deviation] must be above 0, got {self.deviation:g}")

    @torch.no_grad()
    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """Squared logits, 0 where attributions predict all changes."""
        inputs, maps, draw = sample.inputs, sample.maps, generator("assessment", "removals")
        logits, sums = sample.logits(inputs), torch.zeros(3, len(maps), dtype=maps.dtype, device=maps.device)
        for _ in range(self.perturbations):
            perturbation = self.deviation * torch.randn(inputs.shape, generator=draw).to(inputs.device)
            prediction = (maps * perturbation.flatten(1)).sum(-1)
            drop = logits - sample.logits(inputs - perturbation)
            sums += torch.stack([prediction.square(), prediction * drop, drop.square()])
        explained = torch.where(sums[0] > 0, sums[1].square() / sums[0], 0.0)
        return (sums[2] - explained).clamp(min=0) / self.perturbations
