"""IDSDS: do attributions order patches as the network, used to losing one, depends on each of them?"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.measures.tuning import tuned
from roarbench.benchmark.measures.units import patches, require_images, scores, spearman
from roarbench.methods.base import Skip

SIDE = 4
"""Patches along each side of an image."""

LOST = 0.5
"""Share of the images of the fine-tuning that lose a patch."""


@dataclass(frozen=True)
class Idsds:
    """Rank correlation of the attributions of 16 patches with the drop of the logit when each patch is removed.

    Paper: Hesse et al. 2024, arXiv:2407.11910 (in-domain single deletion score). The network is fine-tuned on images of
    which half lose a random patch, so that such images are in its domain. Each patch p has c = f_y(x) - f_y(x without
    p), and a, the sum of the attributions in p. The number is the rank correlation of a and c over 4 x 4 patches.
    Differs from the paper: y is the explained class; a patch that is lost gets the training mean. Sides that 4 does not
    divide have patches of nearly equal size.

    Misleads: nothing is said of the order within a patch, nor of patches that only matter together. Explainers that
    train networks of their own are left out, unless `network=original`.

    Attributes:
        magnitude: take the sum of the magnitudes in a patch, as for maps whose sign means nothing.
        network: tuned explains the network that is measured, as the paper does. original keeps the maps of the trained
            network, and takes the drops alone from the fine-tuned one.
        epochs: of the fine-tuning, which all explainers share.
    """

    label = "IDSDS"
    better = "high"
    bounds = (-1.0, 1.0)
    needs = ("network", "retraining")
    cost = "17 passes of the classifier and one of the explainer; a fine-tuning of 5 epochs, shared by all explainers"

    magnitude: bool = False
    network: Literal["tuned", "original"] = "tuned"
    epochs: int = 5

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"idsds[epochs] must be at least 1, got {self.epochs}")

    @torch.no_grad()
    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """In [-1, 1], 0 where all patches are alike.

        Raises:
            Skip: rows, images of fewer than 4 pixels a side, or an explainer that would train anew.
        """
        require_images(sample, "idsds")
        height, width = sample.inputs.shape[2:]
        if min(height, width) < SIDE:
            raise Skip(f"idsds needs images of at least {SIDE} pixels a side")
        network = tuned(sample, "idsds", _losing_a_patch, epochs=self.epochs)
        patch_of = patches(height, width, SIDE).to(sample.inputs.device)
        return spearman(self._sums(sample, network, patch_of), _drops(sample, network, patch_of))

    def _sums(self, sample: Sample, network: nn.Module, patch_of: Integer[Tensor, "h w"]) -> Float[Tensor, "n p"]:
        """What attributions say of each patch."""
        tuned_maps = self.network == "tuned"
        maps = sample.explained_by(network, f"idsds[epochs={self.epochs}]") if tuned_maps else sample.maps
        pixels = scores(sample, maps.abs() if self.magnitude else maps).flatten(1)
        return pixels @ F.one_hot(patch_of.flatten(), SIDE**2).to(pixels)


def _drops(sample: Sample, network: nn.Module, patch_of: Integer[Tensor, "h w"]) -> Float[Tensor, "n p"]:
    """How far the logit of the explained class falls without each patch."""
    inputs, mean = sample.inputs, sample.mean
    intact = sample.logits(inputs, network)
    without = [torch.where(patch_of == patch, mean, inputs) for patch in range(SIDE**2)]
    return torch.stack([intact - sample.logits(changed, network) for changed in without], 1)


def _losing_a_patch(number: int, shape: tuple[int, ...]) -> Bool[Tensor, "n 1 h w"]:
    """Masks of which half hide one patch, and the others nothing."""
    patch, whole = torch.randint(SIDE**2, (number, 1, 1)), torch.rand(number, 1, 1) >= LOST
    return (whole | (patches(shape[1], shape[2], SIDE) != patch))[:, None]
