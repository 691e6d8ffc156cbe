"""The shared evaluator (EVAL-X: Jethani et al. 2021, arXiv:2103.01890): one training, then forward passes.

It has only seen random masks. They say nothing of the class, so it has learned to read none.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.networks import fresh_network, predictions, trained
from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix.spec import Cell, Original, Ranking
from roarbench.benchmark.removal.reduction import reduced, reduction, scattered, shares
from roarbench.benchmark.results.shards import RankMap
from roarbench.benchmark.results.store import Outcome
from roarbench.datasets.base import Dataset


def train_evaluator(judge: Cell, place: Workplace) -> Outcome:
    """Trains a shared evaluator, stores its weights and returns the outcome of its cell, on intact images.

    Raises:
        Skip: the recipe has no epochs.
    """
    start = time.perf_counter()
    network, data = trained_evaluator(judge, place)
    place.artefacts.save_network(judge, network)
    return runner.scored(network, data, start, place, shares(None, data, {}))


def trained_evaluator(judge: Cell, place: Workplace) -> tuple[nn.Module, Dataset]:
    """A network trained behind random masks, and the intact data."""
    assert judge.evaluator
    recipe = judge.training.recipe
    longer = replace(judge.training, recipe=replace(recipe, epochs=recipe.epochs * judge.evaluator.epochs))
    with place.in_step():
        data = data_for(judge.training, place)
        network = fresh_network(judge.training, data, place)
    return trained(network, longer, scattered(judge, data), place), data


def evaluate(cells: Sequence[Cell], place: Workplace) -> list[Outcome]:
    """Scores of one shared evaluator behind the masks of cells, and behind masks of other images.

    Each outcome is the one that its cell has alone; no split but the test split is looked at.
    """
    judge = cells[0].judge
    assert judge
    data = data_for(judge.training, place)
    network = fresh_network(judge.training, data, place)
    place.artefacts.load_network(judge, network)
    rankings = dict.fromkeys(cell.ranking for cell in cells if cell.ranking)
    explained = dict.fromkeys(ranking.training for ranking in rankings)
    classes = {original: predictions(original, place) for original in explained}
    ranks = {ranking: place.artefacts.load_ranks(ranking, "test") for ranking in rankings}
    return [_evaluated(cell, network.eval(), classes, ranks, data=data, place=place) for cell in cells]


def _evaluated(
    cell: Cell,
    network: nn.Module,
    classes: Mapping[Original, Tensor],
    ranks: Mapping[Ranking, RankMap],
    *,
    data: Dataset,
    place: Workplace,
) -> Outcome:
    start, of_test = time.perf_counter(), {"test": ranks[cell.ranking]} if cell.ranking else {}
    seen, hidden = reduced(cell, data, of_test), shares(cell, data, of_test)
    outcome = runner.scored(network, seen, start, place, hidden)
    if not cell.ranking:
        return outcome
    own = reduction(cell, "test", data, of_test)
    return runner.with_deltas(outcome, network, own, data.test, classes[cell.ranking.training])
