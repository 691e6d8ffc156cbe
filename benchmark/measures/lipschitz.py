"""A local Lipschitz estimate: how much attributions change for each unit of distance of the input."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample


@dataclass(frozen=True)
class Lipschitz:
    """Largest relative change of the attributions by the distance of a copy, over 10 copies within 0.02.

    Paper: Alvarez-Melis, Jaakkola 2018, arXiv:1806.08049, eq. 2: max |a(x) - a(x')| / |x - x'|.
    Differs from the paper: over random copies, and divided by |a(x)|, so that explainers of any scale compare.

    Misleads: an explainer that ignores the input scores 0, the best value.
    """

    label = "Lipschitz"
    better = "low"
    bounds = (0.0, None)
    needs = ("network",)
    cost = "10 passes of the explainer, shared with max_sensitivity"
    sees_noise = False

    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """In 1 by unit of input distance."""
        return (sample.changes / sample.maps.norm(dim=-1) / sample.distances).amax(0)
