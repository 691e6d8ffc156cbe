"""RISE: logits of images behind random masks, averaged with the masks as weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.adapting import LINEAR
from roarbench.methods.base import AttributionFunction, Explains

SMALLEST_CELL = 2
"""Pixels along the side of a cell, at least: on tiny images there are fewer cells than asked for."""


@dataclass(frozen=True)
class Rise:
    """RISE: mean logit over random masks that show a pixel; masks are coarse, enlarged smoothly and shifted.

    Paper: Petsiuk, Das, Saenko 2018, arXiv:1806.07421, eq. 6; 1 / (n p) * sum over masks of logit_t(x * m) * m.
    Differs from the paper: the logit, not the probability. 500 masks, not 4000 or more. All images of a batch share
    their masks. A cell has at least 2 pixels along its side. Enlarged bilinearly by PyTorch, whose outermost half
    cell is constant. In tabular rows every feature is hidden by itself.
    Cost: `samples` forward passes.

    Attributes:
        samples: masks, n; each costs a forward pass.
        cells: cells along the side of a mask before it is enlarged.
        share: probability that a cell is shown, p.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    samples: int = 500
    cells: int = 7
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"rise[samples] must be at least 1, got {self.samples}")
        if self.cells < 2:
            raise ValueError(f"rise[cells] must be at least 2, got {self.cells}")
        if not 0 < self.share < 1:
            raise ValueError(f"rise[share] must lie between 0 and 1, got {self.share:g}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. One mask at a time: memory does not grow with `samples`."""

        @torch.no_grad()
        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            total = torch.zeros_like(inputs)
            for mask in masks(self.samples, self.cells, self.share, tuple(inputs.shape[1:])):
                there = mask.to(inputs)
                logits = classifier(inputs * there).gather(1, targets[:, None])
                total += logits.view(-1, *[1] * (inputs.ndim - 1)) * there
            return total / (self.samples * self.share)

        return attribute


def masks(samples: int, cells: int, share: float, shape: tuple[int, ...]) -> Iterator[Float[Tensor, "*place"]]:
    """Random masks in [0, 1], one by one: places `(h, w)` for images `(c, h, w)`, `(d,)` for rows `(d,)`, on the CPU.

    A mask of places has a cell more than asked for along each side, and is cut where a random shift says.
    """
    for _ in range(samples):
        if len(shape) == 1:
            yield (torch.rand(shape) < share).float()
            continue
        counts = [max(2, min(cells, side // SMALLEST_CELL)) for side in shape[1:]]
        sides = [-(-side // count) for side, count in zip(shape[1:], counts, strict=True)]
        coarse = (torch.rand(1, 1, *[count + 1 for count in counts]) < share).float()
        size = [(count + 1) * side for count, side in zip(counts, sides, strict=True)]
        mask = F.interpolate(coarse, size, mode=LINEAR[len(size)], align_corners=False)[0, 0]
        for axis, (side, length) in enumerate(zip(sides, shape[1:], strict=True)):
            mask = mask.narrow(axis, int(torch.randint(side, ())), length)
        yield mask
