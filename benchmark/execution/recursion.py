"""Recursive ROAR: the network retrained at each step ranks what is left before more of it goes."""

import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from roarbench.benchmark.attribution.rankings import rank_splits
from roarbench.benchmark.execution.networks import fresh_network, original_network, trained
from roarbench.benchmark.execution.runner import scored
from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix.plugins import redraws
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.networks.brought import trainer
from roarbench.benchmark.networks.tiny import as_products
from roarbench.benchmark.removal import ranks as removal
from roarbench.benchmark.removal.reduction import reduced, shares
from roarbench.benchmark.results.store import Outcome
from roarbench.datasets.base import Dataset
from roarbench.datasets.stream import Stream
from roarbench.methods.base import Skip

Kept = dict[str, Bool[Tensor, "n *unit"]]
"""Split name -> masks of its examples, on the CPU."""


def measure_chain(cells: Sequence[Cell], place: Workplace) -> list[Outcome]:
    """Measures the cells of one recursive curve, given by rising fraction.

    Paper: Madsen, Meade, Adlakha, Reddy 2022, arXiv:2110.08412, s.3: what was removed stays removed, and the rest is
    ranked by the network that was retrained without it, so that what is redundant goes too.
    Differs from the paper: the class that the network of each step predicts is explained, as everywhere here.

    Raises:
        Skip: the explainer does not apply.
        ValueError: data that are not in memory.
    """
    place = replace(place, team=None)  # one process goes through the whole chain
    last, data = cells[-1], data_for(cells[-1].training, place)
    if last.ranking and redraws(last.ranking.explainer):
        raise Skip("recursive curves keep their masks, and this explainer draws them anew in every epoch")
    if isinstance(data.train, Stream):
        raise ValueError("recursive true needs data in memory; leave in_memory=false out")
    network, reduced_data = original_network(last.training, data, place), data
    kept_masks: Kept = {}
    outcomes: dict[float, Outcome] = {}
    for fraction in (*(last.steps or ()), last.removal_fraction):
        start = time.perf_counter()
        kept_masks = _narrowed(kept_masks, network, reduced_data, last, fraction)
        masks = {name: mask.numpy() for name, mask in kept_masks.items()}
        reduced_data = reduced(last, data, masks)
        own = trainer(last.training.classifier)
        network = trained(fresh_network(last.training, data, place), last.training, reduced_data, place, own)
        outcomes[fraction] = scored(network, reduced_data, start, place, shares(last, data, masks))
    return [outcomes[cell.removal_fraction] for cell in cells]


def _narrowed(kept_masks: Kept, network: nn.Module, reduced_data: Dataset, cell: Cell, fraction: float) -> Kept:
    """Masks of a larger fraction: what is gone stays gone, and the rest is ranked by a network that saw no more."""
    assert cell.ranking is not None
    with as_products(network):
        maps = rank_splits(network, reduced_data.splits, [cell.ranking]).maps[0]
    ranks = {name: torch.from_numpy(split_ranks.astype("int64")) for name, split_ranks in maps.items()}
    ranks = {
        name: removal.gone_first(split_ranks, kept_masks.get(name), cell.order) for name, split_ranks in ranks.items()
    }
    return {
        name: removal.kept(split_ranks, removal_fraction=fraction, order=cell.order)
        for name, split_ranks in ranks.items()
    }
