"""A ROAR table of ten cells, against the plain loop: the same masks, initial weights and batches.

Ours scores the training images of every network too, and stores losses and hits.
"""

import contextlib
import io
from collections.abc import Iterator
from functools import partial

import captum.attr
import numpy as np
import torch

from roarbench.benchmark.execution import session
from roarbench.benchmark.execution.executor import Pool, execute
from roarbench.benchmark.execution.processes import executor
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.networks.precision import multiplies_bf16
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.removal.reduction import reduction, stored
from roarbench.benchmark.results.store import Store
from tests.speed.peers import plain_loop
from tests.speed.peers.plain_loop import Masked, Table
from tests.speed.peers.subject import Row, Site
from tests.speed.peers.ten_cells import TenCells, name, of_pixels, ten_cells
from tests.speed.timing import compare

EXACT, NOISE = 0.01, 0.03
"""Most that accuracies of a cell may differ after the same training, and mean accuracies after others: products in
bfloat16, an original network or smoothing noise that are not the same to the last bit."""

SUBJECTS = {
    "MNIST": ("mnist[train=1000,test=500,validation=0]", "cnn_small", Recipe(epochs=2, learning_rate=2e-3)),
    "8x8 digits": ("digits[validation=0]", "cnn_small[width=16]", Recipe(epochs=8, learning_rate=2e-3)),
}


def rows(site: Site) -> Iterator[Row]:
    """Ten cells whose maps are there, in float32 and as they are by default, and all of it beginning with the data."""
    for title, subject in SUBJECTS.items():
        with ten_cells(site, *subject, "fp32") as given:
            tied = sum(ties(given, cell, split) for cell in given.cells for split in given.splits)
            gap = f"{tied} masks; {agreement(loop(given), cells(given), each=EXACT)}"
            ratio = compare(partial(loop, given), partial(cells, given), turns=site.turns)
            yield Row(f"ROAR, 10 cells, {title}", "plain loop", gap, ratio)
            gap, work = agreement(script(given), run(given)), f"ROAR with original network and maps, {title}"
            ratio = compare(partial(script, given), partial(run, given), turns=site.turns)
            yield Row(work, "plain loop, Captum", gap, ratio)
        if multiplies_bf16(site.device):
            with ten_cells(site, *subject, "bf16") as given:
                gap, work = agreement(loop(given), cells(given)), f"ROAR, 10 cells, {title}, here in bfloat16"
                ratio = compare(partial(loop, given), partial(cells, given), turns=site.turns)
                yield Row(work, "plain loop", gap, ratio)


def loop(given: TenCells) -> Table:
    """Accuracies by the plain loop, from the maps behind our ranks."""
    return _looped(given, given.maps)


def cells(given: TenCells) -> Table:
    """Accuracies as a run measures and stores them, in this process, from stored ranks."""
    store = Store(given.folder(), create=True)
    store.plan({}, given.cells)
    with contextlib.redirect_stderr(io.StringIO()), executor(0) as here:
        execute(store, given.cells, given.place, Pool(here, 1), keep_ranks=True)
    accuracies = given.accuracies(store)
    store.close()
    return accuracies


def script(given: TenCells) -> Table:
    """Original network, maps by Captum and cells by the plain loop."""
    network, nothing = given.fresh(), {split: np.zeros(len(one)) for split, one in given.splits.items()}
    intact = {split: Masked(given.arrays[split], maps, 0.0, np.zeros((1, 1))) for split, maps in nothing.items()}
    plain_loop.cell(intact["train"], intact["test"], network, given.training.recipe, given.orders())
    saliency = captum.attr.Saliency(network)
    tunnel = partial(captum.attr.NoiseTunnel(saliency).attribute, nt_samples=15, nt_samples_batch_size=1, stdevs=0.15)
    methods = {"gradient": partial(saliency.attribute, abs=False), "smoothgrad": partial(tunnel, abs=False)}
    maps: dict[str, dict[str, np.ndarray]] = {explainer: {} for explainer in methods}
    for explainer, method in methods.items():
        for split, one in given.splits.items():
            leaves = [part.clone().requires_grad_() for part in one.inputs.split(256)]
            with seeded("peers", explainer, split):
                parts = [method(leaf, target=network(leaf).argmax(1)).detach() for leaf in leaves]
            maps[explainer][split] = of_pixels(torch.cat(parts).cpu().numpy())
    return _looped(given, maps)


def run(given: TenCells) -> Table:
    """A run in a new folder, in this process: checks, original network, maps, cells and store; no report."""
    folder = given.folder()
    with contextlib.redirect_stderr(io.StringIO()):
        session.run(given.matrix, folder, Resources(given.place.data_root, given.place.device, workers=0))
    store = Store(folder)
    accuracies = given.accuracies(store)
    store.close()
    return accuracies


def agreement(one: Table, other: Table, *, each: float = 1.0) -> str:
    """How far accuracies are apart, in words.

    Args:
        each: most that those of a cell may differ.

    Raises:
        AssertionError: they are too far apart.
    """
    assert one.keys() == other.keys()
    gaps = [other[cell] - accuracy for cell, accuracy in one.items()]
    mean, most = sum(gaps) / len(gaps), max(map(abs, gaps))
    words = f"accuracy: mean {100 * mean:+.1f}, most {100 * most:.1f} points"
    assert most <= each and abs(mean) <= NOISE, words
    return words


def ties(given: TenCells, cell: Cell, split: str) -> int:
    """Images of a split whose masks differ, which they may where pixels tie for the last place.

    Raises:
        AssertionError: they differ otherwise.
    """
    maps = given.maps[name(cell)[0]][split]
    masked = Masked(given.arrays[split], maps, cell.removal_fraction, np.zeros((1, 1)))
    of_ours = reduction(cell, split, given.data, stored(cell, given.splits, given.place.artefacts))
    kept, differing = of_ours.masks(torch.arange(len(maps))).flatten(1).numpy(), 0
    for index, (mask, values) in enumerate(zip(kept, maps.reshape(len(maps), -1), strict=True)):
        other = np.ones_like(mask)
        other[masked.removed(index)] = False
        differing += bool((mask != other).any())
        assert len(np.unique(values[mask != other])) <= 1, f"the masks of image {index} of {split} differ"
    return differing


def _looped(given: TenCells, maps: dict[str, dict[str, np.ndarray]]) -> Table:
    fractions, recipe = dict.fromkeys(cell.removal_fraction for cell in given.cells), given.training.recipe
    return plain_loop.table(given.arrays, maps, fractions, given.fresh, given.orders, recipe)
