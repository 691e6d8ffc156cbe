"""Max-sensitivity: how much attributions change with small changes of the input."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample


@dataclass(frozen=True)
class MaxSensitivity:
    """Largest relative change of the attributions over 10 copies within 0.02 of the image.

    Paper: Yeh et al. 2019, arXiv:1901.09392, def. 2: max |a(x') - a(x)|, x' within a ball around x.
    Differs from the paper: divided by |a(x)|, as in Captum; the maximum is over random copies.

    Misleads: an explainer that ignores the input scores 0, the best value.
    """

    label = "sensitivity"
    better = "low"
    bounds = (0.0, None)
    needs = ("network",)
    cost = "10 passes of the explainer, shared with lipschitz"
    sees_noise = False

    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """Euclidean norms, 0 where nothing changes."""
        return (sample.changes / sample.maps.norm(dim=-1)).amax(0)
