"""The shared evaluator: one training for all explainers, and what it says of masks of which the truth is known."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from roarbench.benchmark.execution import session
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.execution.workplace import data_for
from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.matrix.work import Group, bundles, evaluators, groups
from roarbench.benchmark.removal.reduction import reduction, scattered
from roarbench.benchmark.results.store import Row, Store

MATRIX = Matrix(
    datasets=("blocks[train=200,test=100]",), classifiers=("cnn_small[width=4]",), explainers=("random", "truth"),
    seeds=1, fractions=(0.0, 0.5, 1.0), retrain=(False,), unretrained_fills=(), measures=(),
    recipe=Recipe(epochs=2, batch_size=32, learning_rate=0.01),
)  # fmt: skip


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("evaluator")
    session.run(MATRIX, folder, Resources(folder, device="cpu", workers=0))
    return Store(folder).rows()


def judged(rows: list[Row], explainer: str, order: str) -> dict[str, float | None]:
    for row in rows:
        cell, ranking = row.specification, row.specification["ranking"]
        alike = cell["probe"] == "evaluator" and cell["order"] == order
        if alike and ranking and ranking["explainer"]["text"] == explainer:
            assert row.outcome
            return row.outcome.metrics
    raise AssertionError(explainer)


def test_one_training_serves_all_explainers_and_orders() -> None:
    planned = cells(MATRIX)
    assert len(evaluators(planned)) == 1
    assert Counter(cell.probe for cell in planned)["evaluator"] == 2 + 2 * 2
    shared = [cell for cell in planned if cell.probe == "evaluator" and cell.ranking]
    assert [len(bundle.cells) for bundle in bundles(shared, 1)] == [4]


def test_nothing_else_than_test_images_is_explained() -> None:
    assert {group.splits for group in groups(cells(MATRIX)) if group.rankings} == {("test",)}
    retrained = Group((), (Cell(cells(MATRIX)[0].training, None, None, retrain=True),))
    assert retrained.splits == ("train", "validation", "test")


def test_the_truth_is_found_and_random_is_not(rows: list[Row]) -> None:
    assert all(row.outcome and row.outcome.status == "done" for row in rows)
    truth, random = judged(rows, "truth", "morf"), judged(rows, "random", "morf")
    assert truth["test_accuracy"] < random["test_accuracy"]  # type: ignore[operator]
    assert truth["delta"] > 0.1  # type: ignore[operator]
    assert truth["delta_p"] < 1e-3 < random["delta_p"]  # type: ignore[operator]
    kept = judged(rows, "truth", "lerf")
    assert kept["test_accuracy"] > judged(rows, "random", "lerf")["test_accuracy"]  # type: ignore[operator]
    assert kept["delta"] > 0.1  # type: ignore[operator]


def test_masks_are_new_at_every_read_and_say_nothing_of_the_image(tmp_path: Path) -> None:
    place = session.workplace(tmp_path, Resources(tmp_path, device="cpu"))
    judge = evaluators(cells(MATRIX))[0].cell
    data = data_for(judge.training, place)
    seen = scattered(judge, data).train
    few = torch.arange(20)
    assert not seen.at(few).inputs.equal(seen.at(few).inputs)
    shares = (seen.at(torch.arange(len(seen))).inputs == data.train.inputs).flatten(1).double().mean(1)
    assert shares.min() < 0.5
    assert shares.max() > 0.95


def test_foreign_masks_are_those_of_other_examples_and_stay(tmp_path: Path) -> None:
    place = session.workplace(tmp_path, Resources(tmp_path, device="cpu"))
    matrix = replace(MATRIX, datasets=("blocks[train=120,test=100]",), retrain=(True,), foreign=True)
    cell = next(cell for cell in cells(matrix) if cell.probe == "foreign")
    data = data_for(cell.training, place)
    size = len(data.train)
    own = torch.zeros(size, *data.feature_shape, dtype=torch.bool)
    own[torch.arange(size), 0, torch.arange(size) // 8 % 16, torch.arange(size) % 8] = True  # each keeps another pixel
    seen = reduction(cell, "train", data, {"train": own.numpy()})
    masks = seen.masks(torch.arange(size))
    givers = masks.flatten(1).long().argmax(1)
    assert givers.sort().values.equal(torch.arange(size))
    assert not (givers == torch.arange(size)).any()
    assert seen.masks(torch.arange(size)).equal(masks)
    test = torch.zeros(len(data.test), *data.feature_shape, dtype=torch.bool).numpy()
    assert not reduction(cell, "test", data, {"test": test}).masks(torch.arange(3)).any()
