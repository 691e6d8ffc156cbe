"""A few test images as explainers rank them and as retrained networks see them, kept for people to look at."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor, nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.spec import Cell, Order, Ranking, key
from roarbench.benchmark.matrix.units import unit_shape
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.ranks import spread
from roarbench.benchmark.removal.reduction import reduction
from roarbench.benchmark.results.shards import RankMap
from roarbench.datasets.base import Dataset, Split
from roarbench.methods.base import Skip

SEED = 0
"""Images are kept of the first seed alone."""

ASKED, RIGHT, WRONG = 256, 5, 3
"""Test images asked for, and how many of them are kept that the network classifies right and wrong."""

FRACTION = 0.9
VIEWS: tuple[tuple[Order, str], ...] = (("morf", "mean"), ("morf", "noisy_linear"), ("lerf", "mean"))
"""Orders and fills under which images are shown without 90 % of their units."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """The images of a gallery: their positions in the test split, themselves, and the predicted classes."""

    index: Int[Tensor, "m"]
    images: Split
    predicted: Int[Tensor, "m"]


def keep(folder: Path, rankings: Mapping[Ranking, RankMap], network: nn.Module, data: Dataset) -> None:
    """Writes what each ranking of the first seed makes of the same few examples; nothing for rows of a table.

    Args:
        folder: of the gallery.
        rankings: ranking -> its ranks of the test split; all of one network.
    """
    rank_maps = {ranking: ranks for ranking, ranks in rankings.items() if ranking.training.seed == SEED}
    if not rank_maps or len(data.test.feature_shape) == 1:
        return
    chosen = choose(network, data.test)
    folder.mkdir(parents=True, exist_ok=True)
    for ranking, ranks in rank_maps.items():
        _write(folder / f"{key(ranking)}.npz", ranking, chosen, data.class_names, _views(ranking, ranks, chosen, data))


def choose(network: nn.Module, test: Split) -> Chosen:
    """Up to 5 images that the network classifies right, then 3 that it does not, drawn at random, alike for all."""
    sample = torch.randperm(len(test), generator=generator("gallery"))[:ASKED]
    images = test.at(sample)
    with torch.no_grad():
        predicted = torch.cat([network(chunk.inputs).argmax(1) for chunk in images.chunks()]).cpu()
    right = predicted == images.labels.cpu()
    at = torch.cat([right.nonzero()[:RIGHT, 0], (~right).nonzero()[:WRONG, 0]])
    return Chosen(sample[at], images.at(at), predicted[at])


def _views(ranking: Ranking, ranks: RankMap, chosen: Chosen, data: Dataset) -> dict[str, np.ndarray]:
    """The ranks, and the images without 90 % of their units."""
    of_places = spread(torch.from_numpy(ranks[chosen.index.numpy()].astype("int64")), data.feature_shape)
    signals = len(data.feature_shape) == 2
    views = {"ranks": plane(of_places.expand(-1, *data.feature_shape) if signals else of_places).numpy()}
    for order, fill in VIEWS:
        cell = Cell(ranking.training, ranking, plugin(fill, "fill"), order, FRACTION)
        try:
            pixels = reduction(cell, "test", data, {"test": ranks})(chosen.images.inputs, chosen.index)
        except Skip:
            continue  # the fill does not apply to such images
        views[f"{order} {fill}"] = _bytes(pixels)
    return views


def _write(
    path: Path, ranking: Ranking, chosen: Chosen, names: tuple[str, ...], views: Mapping[str, np.ndarray]
) -> None:
    """One file, complete or absent."""
    identity = {
        "dataset": ranking.training.dataset.text, "classifier": ranking.training.classifier.text,
        "explainer": ranking.explainer.text, "unit": ranking.unit, "magnitude": ranking.magnitude,
        "target": ranking.target, "fraction": FRACTION,
        "units": math.prod(unit_shape(chosen.images.feature_shape, ranking.unit)),
    }  # fmt: skip
    draft = path.with_suffix(f".{os.getpid()}")
    with draft.open("wb") as handle:
        arrays = {
            "name": np.array(json.dumps(identity)), "images": _bytes(chosen.images.inputs),
            "labels": chosen.images.labels.cpu().numpy(), "predicted": chosen.predicted.numpy(),
            "class_names": np.array(names, dtype=str), **views,
        }  # fmt: skip
        np.savez_compressed(handle, allow_pickle=False, **arrays)
    draft.replace(path)


def plane(examples: Shaped[Tensor, "m c *place"]) -> Shaped[Tensor, "m k h w"]:
    """Examples as images: signals have a row for each channel, of volumes the middle slice is shown.

    Images that are neither grey nor RGB are the mean of their channels.
    """
    if examples.ndim == 3:
        return examples[:, None]
    images = examples[:, :, examples.shape[2] // 2] if examples.ndim == 5 else examples
    return images if images.shape[1] in (1, 3) else images.float().mean(1, keepdim=True)


def _bytes(examples: Float[Tensor, "m c *place"]) -> UInt8[np.ndarray, "m k h w"]:
    return (255 * plane(examples).clamp(0, 1)).round().byte().cpu().numpy()
