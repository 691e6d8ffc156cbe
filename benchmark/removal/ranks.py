"""Ranking features and replacing them: the heart of the protocol (Hooker et al. 2019, arXiv:1806.10758, s.3).

Features are ranked once; every removal fraction, order and fill is then a comparison with the ranks. A *unit* is what
goes as a whole: a pixel with all its channels, a patch of pixels, or a single feature.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Integer, Shaped
from torch import Tensor

from roarbench.benchmark.matrix.spec import Order, Unit, check_fraction
from roarbench.benchmark.matrix.units import unit_shape

Normal = Callable[[], Float[Tensor, "n *feature"]]
"""Standard normal numbers, one for each feature of the inputs and on their device; the same at every call."""

Fill = Callable[[Float[Tensor, "n *feature"], Bool[Tensor, "n *unit"], Float[Tensor, "*channel"], Normal], Tensor]
"""(inputs, mask of kept units, training mean, normal) -> what replaces the removed units, broadcastable to the inputs.
The normal numbers of an example depend on it alone, whatever the batch, the mask or the explainer."""


def rank(
    attributions: Float[Tensor, "n *feature"], *, unit: Unit, magnitude: bool, generator: torch.Generator
) -> Integer[Tensor, "n *unit"]:
    """Rank of every unit, 0 for the most important; a permutation of 0..units-1 for each example.

    The score of a unit is the sum over its features. Ties are broken at random: a seeded shuffle before a stable
    sort, because `topk` and `argsort` alone favour a corner of the image.

    Args:
        attributions: signed; `(n, d)`, or `(n, c, ...)` with any number of axes after the channels.
        unit: ranks have the shape `unit_shape` of an example.
        magnitude: rank absolute values.
        generator: on the CPU, so that every device breaks ties alike.

    Returns:
        int64 on the device of the attributions.

    Raises:
        ValueError: attributions that are not finite.
    """
    if not attributions.isfinite().all():
        bad = int((~attributions.isfinite()).flatten(1).any(1).sum())
        raise ValueError(f"attributions must be finite, got NaN or infinity in {bad} of {len(attributions)} examples")
    scores = summed(attributions.abs() if magnitude else attributions, unit)
    flat = scores.flatten(1)
    shuffle = torch.rand(flat.shape, generator=generator, dtype=torch.float64).argsort(1).to(flat.device)
    by_score = flat.gather(1, shuffle).argsort(dim=1, descending=True, stable=True)
    order = shuffle.gather(1, by_score)
    positions = torch.arange(flat.shape[1], device=flat.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, positions).view(scores.shape)


def num_removed(num_units: int, removal_fraction: float, order: Order = "morf") -> int:
    """How many units of an example go: `morf` removes, and `lerf` keeps, the nearest whole number to the share.

    Without the second half, `lerf` at 1 - t would not keep exactly what `morf` at t removes where the share ends in .5.

    >>> num_removed(64, 0.1)
    6
    >>> num_removed(25, 0.1), num_removed(25, 0.9, "lerf")
    (2, 23)

    Raises:
        ValueError: a fraction outside [0, 1].
    """
    check_fraction(removal_fraction)
    if order == "lerf":
        return num_units - _nearest(num_units * (1 - removal_fraction))
    return _nearest(num_units * removal_fraction)


def _nearest(number: float) -> int:
    """The nearest integer, where 2.5 and 2.4999999999999996 are one number: t and 1 - (1 - t) must agree."""
    return round(round(number, 9))


def kept(
    ranks: Integer[Tensor, "n *unit"], *, removal_fraction: float, order: Order = "morf"
) -> Bool[Tensor, "n *unit"]:
    """Mask of the units that stay (True = kept); exactly `num_removed` units of every example go.

    Args:
        order: "morf" removes the most important units first (ROAR), "lerf" the least important (KAR). What `morf` at t
            removes is exactly what `lerf` at 1 - t keeps.

    Raises:
        ValueError: a fraction outside [0, 1], or ranks that are not a permutation.
    """
    num_units = ranks.shape[1:].numel()
    count = num_removed(num_units, removal_fraction, order)
    mask = ranks >= count if order == "morf" else ranks < num_units - count
    if not (mask.flatten(1).sum(1) == num_units - count).all():
        raise ValueError(f"ranks must be a permutation of 0..{num_units - 1} for every example")
    return mask


def gone_first(
    ranks: Integer[Tensor, "n *unit"], kept: Bool[Tensor, "n *unit"] | None, order: Order
) -> Integer[Tensor, "n *unit"]:
    """Ranks by which what is not kept any more goes first, then the rest as it is ranked.

    Args:
        kept: mask of the units that were kept so far; None for all.
    """
    if kept is None:
        return ranks
    late = kept if order == "morf" else ~kept
    keys = ranks.flatten(1) + late.flatten(1) * ranks.shape[1:].numel()
    return keys.argsort(1).argsort(1).view_as(ranks)


def remove(
    inputs: Float[Tensor, "n *feature"],
    mask: Bool[Tensor, "n *unit"],
    fill: Fill,
    train_mean: Float[Tensor, "*channel"],
    normal: Normal,
) -> Float[Tensor, "n *feature"]:
    """Replaces every feature whose unit is not kept.

    Args:
        train_mean: mean of the intact training inputs, `(c, 1, 1)` per channel or `(d,)` per feature.
        normal: standard normal numbers for fills that ask for them.
    """
    return torch.where(mask, inputs, fill(inputs, mask, train_mean, normal))


def summed(values: Float[Tensor, "n *feature"], unit: Unit) -> Float[Tensor, "n *unit"]:
    """Sum over the features of each unit."""
    units = unit_shape(tuple(values.shape[1:]), unit)
    if units == values.shape[1:]:
        return values
    places = values.sum(1, keepdim=True)
    return places if places.shape[1:] == units else by_patch(places, units).sum(-1)


def by_patch(values: Shaped[Tensor, "n *place"], units: tuple[int, ...]) -> Shaped[Tensor, "n *unit p"]:
    """Values of the places of each patch together, on a last axis; axes that are no longer than `units` stay."""
    for axis, count in enumerate(units, 1):
        values = values.unflatten(axis, (count, -1)).movedim(axis + 1, -1)
    return values.flatten(len(units) + 1)


def spread(values: Shaped[Tensor, "n *unit"], feature_shape: tuple[int, ...]) -> Shaped[Tensor, "n *mask"]:
    """Masks or ranks of patches as those of their places; others as they are."""
    for axis, length in enumerate(feature_shape[1:], 2):
        if values.shape[axis] < length:
            values = values.repeat_interleave(length // values.shape[axis], axis)
    return values


@dataclass
class Hidden:
    """Counts the features that masks hide, and those among them that are not zero."""

    features: int = 0
    hidden: int = 0
    lit: int = 0
    lit_hidden: int = 0

    def add(self, inputs: Float[Tensor, "n *feature"], mask: Bool[Tensor, "n *unit"]) -> None:
        """Counts more examples."""
        hidden, nonzero = ~mask.expand_as(inputs), inputs != 0
        self.features += hidden.numel()
        self.hidden += int(hidden.sum())
        self.lit += int(nonzero.sum())
        self.lit_hidden += int((hidden & nonzero).sum())

    @property
    def share(self) -> float:
        """Share of the features that is hidden."""
        return self.hidden / self.features

    @property
    def nonzero_share(self) -> float | None:
        """Share of the features other than zero that is hidden; None where there are none."""
        return self.lit_hidden / self.lit if self.lit else None
