"""Random logit: how alike are the maps of two classes of one image?"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.measures.units import similarity
from roarbench.benchmark.randomness import generator
from roarbench.methods.base import Skip


@dataclass(frozen=True)
class RandomLogit:
    """Rank correlation of a map with that of another class of the same example.

    Paper: Sixt, Granz, Landgraf 2020, arXiv:1912.09818, s. 4 (random logit test).
    Differs from the paper: rank correlation of magnitudes in place of structural similarity. The other class is drawn
    at random, the same for all explainers.

    Misleads: explainers that do not ask for the class score 1, as controls do. With two classes the gradients of both
    may differ in their sign alone, which magnitudes hide. Classes may share features for good reason.

    Attributes:
        magnitude: compare magnitudes; false compares maps as they are signed.
    """

    label = "random logit"
    better = "low"
    bounds = (-1.0, 1.0)
    needs = ("network",)
    cost = "a pass of the explainer"
    sees_noise = False

    magnitude: bool = True

    @torch.no_grad()
    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """In [-1, 1], 0 where one of the maps is constant.

        Raises:
            Skip: there is no other class.
        """
        num_classes = sample.network(sample.inputs).shape[1]
        if num_classes < 2:
            raise Skip("random_logit needs another class, and the network has one")
        steps = torch.randint(1, num_classes, (len(sample.targets),), generator=generator("assessment", "class"))
        others = (sample.targets + steps.to(sample.targets)) % num_classes
        maps = sample.explained_for(others, "random_logit")
        return similarity(sample.maps, maps, magnitude=self.magnitude)
