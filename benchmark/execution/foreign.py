"""How much more the mask of an image takes, or leaves, than masks of other images: Delta, and its exact test."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.networks import training
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.exchange import Blocks, Exchange, exchanged
from roarbench.benchmark.removal.reduction import Foreign, Reduction
from roarbench.datasets.base import Split


def deltas(
    network: nn.Module, test: Split, own: Reduction, hits: Bool[Tensor, "n"], predicted: Int[Tensor, "n"]
) -> dict[str, float | None]:
    """Delta and p against all other images, and against those of the same predicted class.

    Args:
        network: never trained behind the mask of the image that it saw.
        test: intact.
        own: what a cell leaves of the test split.
        hits: which images are classified right behind their own masks.
        predicted: class of each intact image by the network that was explained.

    Returns:
        `delta` and `delta_in_class`: accuracy behind masks of other images minus that behind own ones (`morf`), or the
        reverse (`lerf`); positive where the masks find what the network uses. `delta_p` and `delta_in_class_p`:
        exact chances, in [0, 1], of so large a delta if masks had nothing to do with images. `delta_z` and
        `delta_in_class_z`: its distance from 0 in standard deviations of that. None where no image has another.
    """

    def behind(images: Int[Tensor, "e"], givers: Int[Tensor, "e"]) -> Bool[Tensor, "e"]:
        giver = torch.zeros(len(test), dtype=torch.int64).index_put((images,), givers)
        seen = Foreign.like(own, lambda at: giver[at.cpu()]).of(test)
        return training.score(network, seen.take(images)).hits

    metrics: dict[str, float | None] = {}
    for name, groups in {"delta": torch.zeros(len(test), dtype=torch.int64), "delta_in_class": predicted}.items():
        draws = generator("exchange", name, own.cell.training.seed, len(test))
        metrics |= _named(name, exchanged(Blocks.of(groups, draws), hits, behind), own.cell)
    return metrics


def _named(name: str, exchange: Exchange | None, cell: Cell) -> dict[str, float | None]:
    if exchange is None:
        return {name: None, f"{name}_p": None, f"{name}_z": None}
    kept = exchange.own - exchange.foreign
    if cell.order == "morf":
        return {name: -kept, f"{name}_p": exchange.p_low, f"{name}_z": -exchange.z}
    return {name: kept, f"{name}_p": exchange.p_high, f"{name}_z": exchange.z}
