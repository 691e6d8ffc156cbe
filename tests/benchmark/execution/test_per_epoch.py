"""A control whose masks are drawn anew in every epoch, and in nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from roarbench.benchmark.execution import networks, runner, workplace
from roarbench.benchmark.execution.session import Resources, run
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.matrix.work import bundles
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.removal.ranks import num_removed
from roarbench.benchmark.removal.reduction import redrawn, reduced, stored
from roarbench.benchmark.results.store import Store
from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.stream import Stream

Build = Callable[..., plan.Matrix]
CONTROLS = ("random", "random_per_epoch")


@pytest.fixture
def ranked(small_matrix: Build, place: Workplace) -> dict[str, Cell]:
    """A cell of each random control, whose ranking is stored; what is removed is black."""
    matrix = small_matrix(explainers=CONTROLS, orders=("morf",), fills=("zero",))
    cells = {c.ranking.explainer.name: c for c in plan.cells(matrix) if c.ranking}
    runner.train_original(cells["random"].training, place)
    for cell in cells.values():
        runner.rank((cell.ranking,), place)  # type: ignore[arg-type]
    return cells


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Dataset]]:
    """What networks are trained on."""
    found: list[Dataset] = []
    before = networks.trained

    def watch(network, specification, data, *others):  # type: ignore[no-untyped-def]
        found.append(data)
        return before(network, specification, data, *others)

    monkeypatch.setattr(runner, "trained", watch)
    yield found


def white(data: Dataset) -> Dataset:
    """Images of ones, so that what is black was removed."""
    return data.each(lambda _, split: replace(split, inputs=torch.ones_like(split.inputs)))


def read(split: Split) -> Tensor:
    return torch.cat([chunk.inputs for chunk in split.chunks()])


@pytest.mark.parametrize("streams", [False, True])
def test_masks_differ_between_epochs_and_remove_exactly_so_many_units(
    ranked: dict[str, Cell], place: Workplace, streams: bool
) -> None:
    cell, data = ranked["random_per_epoch"], white(workplace.data_for(ranked["random"].training, place))
    if streams:
        train = data.train
        stream = Stream(labels=train.labels, read=lambda at: train.inputs[at], shape=train.feature_shape, loaders=2)
        data = replace(data, train=stream)
    seen = redrawn(cell, data, reduced(cell, data, stored(cell, data.splits, place.artefacts)))
    with seeded("epochs"):
        first, second = read(seen.train), read(seen.train)
    with seeded("epochs"):
        assert torch.equal(read(seen.train), first)
    for epoch in (first, second):
        assert ((epoch == 0).flatten(1).sum(1) == num_removed(64, 0.5)).all()
    assert not (first == second).flatten(1).all(1).any()
    share = (first == 0).double().mean(0)
    assert (share - 0.5).abs().max() < 5 * 0.5 / len(first) ** 0.5  # uniform over places
    assert all(torch.equal(read(seen.splits[name]), read(seen.splits[name])) for name in ("validation", "test"))


def test_scores_and_the_ordinary_control_see_one_mask(
    ranked: dict[str, Cell], place: Workplace, fed: list[Dataset]
) -> None:
    for cell in ranked.values():
        _, seen = runner.retrained(cell, place)
        assert torch.equal(read(seen.train), read(seen.train))
        assert (fed[-1] is seen) is (cell is ranked["random"])


@pytest.mark.parametrize("change", [{"probe": "mask", "fill": None}, {"ranking": None}])
def test_masks_and_cells_without_a_ranking_are_not_redrawn(
    ranked: dict[str, Cell], place: Workplace, change: dict
) -> None:
    data = workplace.data_for(ranked["random"].training, place)
    assert redrawn(replace(ranked["random_per_epoch"], **change), data, data) is data


def test_least_squares_have_no_epochs(ranked: dict[str, Cell], place: Workplace) -> None:
    cell, data = ranked["random_per_epoch"], workplace.data_for(ranked["random"].training, place)
    solved = replace(cell.training, recipe=replace(cell.training.recipe, optimiser="least_squares"))
    assert redrawn(replace(cell, training=solved), data, data) is data


def test_cells_whose_masks_are_redrawn_stand_alone(small_matrix: Build) -> None:
    cells = [c for c in plan.cells(small_matrix(explainers=CONTROLS, fractions=(0.1, 0.5))) if c.ranking]
    found = {tuple(cell.ranking.explainer.name for cell in bundle.cells) for bundle in bundles(cells, 10)}  # type: ignore[union-attr]
    assert found == {("random",) * 4, ("random_per_epoch",)}


@pytest.mark.whole
def test_results_are_those_of_any_number_of_workers(small_matrix: Build, tmp_path: Path) -> None:
    matrix = small_matrix(explainers=CONTROLS, orders=("morf",), fractions=(0.9,))
    by_workers = []
    for workers in (0, 2):
        run(matrix, tmp_path / str(workers), Resources(tmp_path, "cpu", workers))
        rows = Store(tmp_path / str(workers)).rows()
        by_workers.append({str(row.specification): row.outcome.metrics for row in rows if row.outcome})
    assert by_workers[0] == by_workers[1]
    assert len(by_workers[0]) == 3
    reduced = [metrics["test_loss"] for text, metrics in by_workers[0].items() if "random" in text]
    assert len(set(reduced)) == 2


def test_the_label_of_a_batch_stays_with_its_image(ranked: dict[str, Cell], place: Workplace) -> None:
    data = workplace.data_for(ranked["random"].training, place)
    seen = redrawn(ranked["random_per_epoch"], data, data)
    index = torch.tensor([5, 2, 9])
    batch = seen.train.at(index)
    kept = batch.inputs != 0
    assert torch.equal(batch.labels, data.train.labels[index])
    assert torch.equal(batch.inputs[kept], data.train.inputs[index][kept])
