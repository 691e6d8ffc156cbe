"""One piece of work at a time: train an original network, rank features, measure a cell."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor, nn

from roarbench.benchmark.attribution import gallery
from roarbench.benchmark.attribution.folds import held_out, without
from roarbench.benchmark.attribution.guard import same_weights
from roarbench.benchmark.attribution.own_masks import measured, noted, store_crossed
from roarbench.benchmark.attribution.rankings import Held, Ranked, rank_splits, require_same
from roarbench.benchmark.execution.foreign import deltas
from roarbench.benchmark.execution.networks import (
    fresh_network,
    original_network,
    predictions,
    trained,
    trained_original,
)
from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix.plugins import build
from roarbench.benchmark.matrix.spec import Cell, Original, Ranking
from roarbench.benchmark.measures.assessment import assess, known, samples
from roarbench.benchmark.measures.sample import Background
from roarbench.benchmark.networks import training
from roarbench.benchmark.networks.brought import trainer
from roarbench.benchmark.networks.tiny import as_products
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.removal.reduction import (
    Reduction,
    masks_at_random,
    redrawn,
    reduced,
    reduction,
    shares,
    stored,
)
from roarbench.benchmark.results import shards
from roarbench.benchmark.results.artefacts import new_own_masks, save_own
from roarbench.benchmark.results.hits import packed, unpacked
from roarbench.benchmark.results.provenance import provenance
from roarbench.benchmark.results.shards import RankMap
from roarbench.benchmark.results.store import Outcome
from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.stream import Stream
from roarbench.methods.base import OwnMasks, Skip, source_of

Metrics = dict[str, float | None]

SPLITS = ("train", "validation", "test")

TRIED = 2
"""Examples that an explainer of the user's own is tried on."""

REPLICAS, STACKED_NUMBERS = 10, 2**27
"""Networks trained side by side, and numbers that their training inputs may be together: half a gigabyte."""

CARD_SHARE, CARD_NUMBERS = 1 / 8, 2**29
"""Share of the free memory of a card that those may take instead, and numbers where the driver sees no card."""

QUICK_NUMBERS = 2**20
"""Numbers in the test images of which cells without retraining take less than a second each."""


def train_original(original: Original, place: Workplace) -> Outcome:
    """Trains a network on intact inputs, stores its weights and returns the outcome of the intact cell."""
    start = time.perf_counter()
    network, data = trained_original(original, place)
    outcome = scored(network, data, start, place, shares(None, data, {}))
    place.artefacts.save_network(original, network)
    return outcome


def try_explainer(ranking: Ranking, place: Workplace) -> None:
    """Explains a few test examples of an untrained network, with an explainer that is prepared as in the run.

    Raises:
        Skip: the explainer does not apply.
        ValueError: it returns something else, or changes what it must leave.
    """
    data = data_for(ranking.training, place)
    network = fresh_network(ranking.training, data, place).eval()
    few = data.test.at(torch.arange(min(TRIED, len(data.test))))
    ranked = rank_splits(network, {"train": data.train, "test": few}, [ranking], only=["test"])
    if isinstance(ranked.attribute.attribute, OwnMasks):
        ranked.attribute.hide(few.inputs)
        noted(ranked.attribute)


def rank(
    rankings: tuple[Ranking, ...], place: Workplace, assessed: Sequence[Cell] = (), splits: Sequence[str] = SPLITS
) -> list[Outcome]:
    """Stores the rank maps of rankings that share one pass.

    Args:
        splits: all of them, or "test" alone.
        assessed: cells that measure the attributions of this pass themselves.

    Returns:
        What became of those.

    Raises:
        Skip: the explainer does not apply.
    """
    wanted = {cell.ranking for cell in assessed}
    todo = [ranking for ranking in rankings if ranking in wanted or not place.artefacts.has_ranks(ranking, splits[0])]
    if not todo:
        return []
    data = data_for(todo[0].training, place)
    network, crossed = original_network(todo[0].training, data, place), bool(todo[0].folds) and "train" in splits
    with ExitStack() as drafts, as_products(network):
        folders = [drafts.enter_context(place.artefacts.new_ranks(ranking)) for ranking in todo]
        new = [partial(shards.create, folder) for folder in folders]
        held = _held(todo[0], data, place) if crossed else None
        ranked = rank_splits(network, data.splits, todo, new, only=splits, held=held)
        for ranking, folder in zip(todo, folders, strict=True):
            _hide(ranking, ranked, data, folder, splits)
        start, maps = time.perf_counter(), dict(zip(todo, ranked.maps, strict=True))
        gallery.keep(place.folder / "gallery", {r: splits["test"] for r, splits in maps.items()}, network, data)
        results = _assessed(assessed, maps, ranked, data=data, place=place)
        outcomes = iter(_shared([one for one in results if not isinstance(one, Skip)], start, place))
        return [Outcome("skipped", reason=str(o)) if isinstance(o, Skip) else next(outcomes) for o in results]


def _held(ranking: Ranking, data: Dataset, place: Workplace) -> Iterator[Held]:
    """The folds of the training split, each with the stored network that did not see it, one at a time."""
    for fold in ranking.crossed:
        seen = without(fold, data)
        network = fresh_network(fold.training, seen, place)
        place.artefacts.load_network(fold, network)
        with as_products(network.eval()):
            yield Held(network, seen.train, held_out(fold, data.train))


def _hide(ranking: Ranking, ranked: Ranked, data: Dataset, folder: Path, splits: Sequence[str]) -> None:
    """Stores masks that an explainer chose itself, and what they achieve; a view of another explainer has none."""
    explainer, attribute = build(ranking.explainer, "explainer"), ranked.attribute.attribute
    if isinstance(attribute, OwnMasks) and source_of(explainer) == explainer:
        name, before = ranking.explainer.text, data.train.stamp
        new, whole = new_own_masks(folder), [name for name in splits if not (ranked.crossed and name == "train")]
        with seeded(*ranked.seed, "own"), same_weights(name, ranked.attribute.network):
            save_own(folder, measured(ranked.attribute, {name: data.splits[name] for name in whole}, new))
        if ranked.crossed:
            store_crossed(ranked.crossed, data.train, new, ranked.seed)
        require_same(data.train, before, name)


def _assessed(
    cells: Sequence[Cell],
    maps: Mapping[Ranking, Mapping[str, RankMap]],
    ranked: Ranked,
    *,
    data: Dataset,
    place: Workplace,
) -> list[Metrics | Skip]:
    """Measures of the attributions of one pass, cell by cell, or why one does not apply: the others go on."""
    rankings = list(dict.fromkeys(cell.ranking for cell in cells if cell.ranking))
    if not rankings:
        return []
    explainers, ranks = [build(r.explainer, "explainer") for r in rankings], [maps[r]["test"] for r in rankings]
    target, seed, original = rankings[0].target, ranked.seed, rankings[0].training
    background = Background(data.train, original.pairing(), partial(place.artefacts.tuned, original))
    network, attribute = ranked.attribute.network, ranked.attribute
    drawn = samples(
        network, attribute, explainers, data.test, target=target, seed=seed, ranks=ranks, background=background
    )
    of = dict(zip(rankings, drawn, strict=True))
    results: list[Metrics | Skip] = []
    for ranking, asked in ((cell.ranking, cell.measure) for cell in cells):
        try:
            results += [assess(of[ranking], asked)] if ranking else []
        except Skip as skip:
            results.append(skip)
    return results


def _shared(results: Sequence[Metrics], start: float, place: Workplace) -> list[Outcome]:
    """The outcomes of cells that were measured at one go, each with its share of the seconds since it started."""
    seconds = (time.perf_counter() - start) / max(1, len(results))
    outcomes = []
    for metrics in results:
        clocked = {"seconds_per_image": str(metrics["seconds_per_image"])}  # no result: it differs from run to run
        outcomes.append(Outcome("done", known(metrics), "", seconds, provenance(place.device) | clocked))
    return outcomes


def measure(cell: Cell, place: Workplace) -> Outcome:
    """Reduces all splits, retrains and scores the network after its last epoch."""
    start = time.perf_counter()
    network, reduced_data = retrained(cell, place)
    ranks = stored(cell, reduced_data.splits, place.artefacts)
    return _compared(scored(network, reduced_data, start, place, _known(cell, place, ranks)), network, cell, place)


def measure_kept(cells: Sequence[Cell], place: Workplace) -> list[Outcome]:
    """Scores an original network, which is read from disk once, on what each cell leaves of the test images."""
    start, data = time.perf_counter(), data_for(cells[0].training, place)
    network, outcomes = original_network(cells[0].training, data, place), []
    classes = training.predicted(network, data.test)
    for cell in cells:
        ranks = stored(cell, data.splits, place.artefacts)
        reduced_data, metrics = reduced(cell, data, ranks), _known(cell, place, ranks)
        outcomes.append(scored(network, reduced_data, start, place, metrics, classes))
        start = time.perf_counter()
    return outcomes


def _compared(outcome: Outcome, network: nn.Module, cell: Cell, place: Workplace) -> Outcome:
    """An outcome; with what own masks do beside masks of other images, where the network cannot have read them."""
    if cell.probe != "foreign" or not cell.ranking:
        return outcome
    data, classes = data_for(cell.training, place), predictions(cell.ranking.training, place)
    own = reduction(cell, "test", data, stored(cell, data.splits, place.artefacts))
    return with_deltas(outcome, network, own, data.test, classes)


def with_deltas(outcome: Outcome, network: nn.Module, own: Reduction, test: Split, classes: Tensor) -> Outcome:
    """An outcome with what masks of the test images do beside masks of other images.

    Args:
        network: never trained behind the mask of the image that it saw.
        own: what the cell leaves of the test split.
        test: intact.
        classes: predicted for each test image by the network that was explained.
    """
    start = time.perf_counter()
    assert outcome.hits is not None
    metrics = deltas(network, test, own, torch.from_numpy(unpacked(outcome.hits, len(test))), classes)
    seconds = time.perf_counter() - start
    told = outcome.provenance | {"seconds_of_delta": str(seconds)}  # no result: it differs from run to run
    return replace(outcome, metrics=outcome.metrics | metrics, seconds=outcome.seconds + seconds, provenance=told)


def retrained(cell: Cell, place: Workplace) -> tuple[nn.Module, Dataset]:
    """A network retrained on what a cell leaves of its data set, and that."""
    with place.in_step():
        data = data_for(cell.training, place)
        reduced_data = reduced(cell, data, stored(cell, data.splits, place.artefacts))
        network, specification = _begun(cell, data, place)
    own = trainer(cell.training.classifier)
    return trained(network, specification, redrawn(cell, data, reduced_data), place, own), reduced_data


def _begun(cell: Cell, data: Dataset, place: Workplace) -> tuple[nn.Module, Original]:
    """Where a cell's training begins, and its recipe: fresh weights, or those of the explained network to fine-tune."""
    network, recipe = fresh_network(cell.training, _like(cell, data), place), cell.training.recipe
    if recipe.finetune is None or cell.probe == "mask":  # masks are no images
        return network, cell.training
    place.artefacts.load_network(cell.training, network)
    return network, replace(cell.training, recipe=replace(recipe, epochs=recipe.finetune))


def measure_together(cells: Sequence[Cell], place: Workplace) -> list[Outcome]:
    """Measures the cells of a bundle, whose networks stack; each outcome is the one that the cell has alone."""
    start, data = time.perf_counter(), data_for(cells[0].training, place)
    ranks = [stored(cell, data.splits, place.artefacts) for cell in cells]
    reduced_data = [reduced(cell, data, of_cell) for cell, of_cell in zip(cells, ranks, strict=True)]
    network, specification = _begun(cells[0], data, place)
    inputs = torch.stack([part.train.inputs for part in reduced_data])
    with seeded("training", *specification.pairing()):
        stack = training.train_stack(
            network, inputs, data.train.labels, specification.recipe, pairing=specification.pairing()
        )
    outcomes = []
    for replica, (cell, part, of_cell) in enumerate(zip(cells, reduced_data, ranks, strict=True)):
        stack.copy_to(network, replica)
        outcome = scored(network, part, start, place, _known(cell, place, of_cell))
        outcomes.append(_compared(outcome, network, cell, place))
    share = (time.perf_counter() - start) / len(cells)
    return [replace(outcome, seconds=share) for outcome in outcomes]


def num_replicas(specification: Original, place: Workplace) -> int:
    """How many networks of a training are worth training side by side; 1 where they do not stack.

    The driver asks; it may have no GPU where its workers have one.
    """
    if place.team or trainer(specification.classifier):
        return 1
    device, place = place.device, replace(place, device="cpu")
    data = data_for(specification, place)
    if isinstance(data.train, Stream):
        return 1
    network = fresh_network(specification, data, place)
    if not training.side_by_side(network, data.train, specification.recipe, device):
        return 1
    return most_replicas(data.train.inputs.numel(), device)


def num_scored(specification: Original, place: Workplace) -> int:
    """How many cells an original network measures at once: what a kill may cost is the work of seconds."""
    test = data_for(specification, replace(place, device="cpu")).test
    quick = not place.team and not isinstance(test, Stream) and test.inputs.numel() <= QUICK_NUMBERS
    return REPLICAS if quick else 1


def most_replicas(numbers: int, device: str) -> int:
    """How many networks that stack are trained side by side on a device, on training inputs of so many numbers."""
    return max(1, min(REPLICAS, _room(device) // numbers))


def _room(device: str) -> int:
    """Numbers that the training inputs of networks side by side may be together."""
    if not device.startswith("cuda"):
        return STACKED_NUMBERS
    if not torch.cuda.is_available():
        return CARD_NUMBERS
    free, _ = torch.cuda.mem_get_info(device)
    return int(free * CARD_SHARE) // torch.float32.itemsize


def _known(cell: Cell, place: Workplace, ranks: Mapping[str, RankMap]) -> Metrics:
    """The share that was removed, and what the explainer's own masks achieve."""
    hidden_shares = shares(cell, data_for(cell.training, place), ranks)
    return hidden_shares | (place.artefacts.load_own(cell.ranking) if cell.ranking else {})


def _like(cell: Cell, data: Dataset) -> Dataset:
    """Data whose statistics standardise what a cell's network sees: intact images; for a probe of masks, random ones.

    No explainer has a say in it, so that networks of one bundle are standardised alike.
    """
    return replace(data, train=masks_at_random(cell, data.train)) if cell.probe == "mask" else data


def scored(
    network: nn.Module,
    data: Dataset,
    started: float,
    place: Workplace,
    metrics: Metrics,
    classes: Int[Tensor, "n"] | None = None,
) -> Outcome:
    """The outcome of a network: its scores on every split, and what else is known.

    Args:
        classes: of the test examples, whose mean probability is wanted too.
    """
    metrics |= {"chance": training.chance(data.test), "test_examples": float(len(data.test))}
    scores: dict[str, training.Score] = {}
    for name, split in data.splits.items():
        score = scores[name] = training.score(network, split, classes=classes if name == "test" else None)
        if len(split) and not math.isfinite(score.loss):
            raise ValueError(f"training diverged: the {name} loss is {score.loss}; lower --learning-rate")
        metrics[f"{name}_accuracy"] = score.accuracy if len(split) else None
        metrics[f"{name}_loss"] = score.loss if len(split) else None
    if classes is not None:
        metrics["test_target_probability"] = scores["test"].probability
    origin = provenance(place.device) | ({"processes": str(place.team.size)} if place.team else {})
    hits = packed(scores["test"].hits.numpy())
    return Outcome("done", metrics, "", time.perf_counter() - started, origin, hits)
