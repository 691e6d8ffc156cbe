"""From explainers to rank maps."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.attribution import rankings as attribution
from roarbench.benchmark.attribution.rankings import rank_splits
from roarbench.benchmark.execution import networks, runner, workplace
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.spec import Ranking
from roarbench.datasets.base import Dataset

Build = Callable[..., Matrix]


def rankings_of(matrix: Matrix) -> list[Ranking]:
    return list(dict.fromkeys(cell.ranking for cell in cells(matrix) if cell.ranking))


@pytest.fixture
def trained(small_matrix: Build, place: Workplace) -> tuple[nn.Module, Dataset]:
    training = cells(small_matrix())[0].training
    runner.train_original(training, place)
    data = workplace.load(training.dataset, 0, place.data_root)
    return networks.original_network(training, data, place), data


def test_views_rank_the_same_alone_and_beside_others(small_matrix: Build, trained: tuple[nn.Module, Dataset]) -> None:
    network, data = trained
    rankings = rankings_of(small_matrix(explainers=("smoothgrad", "vargrad", "smoothgrad_squared")))
    together = rank_splits(network, data.splits, rankings).maps
    for ranking, expected in zip(rankings, together, strict=True):
        alone = rank_splits(network, data.splits, [ranking]).maps[0]
        assert all(np.array_equal(alone[name], expected[name]) for name in data.splits)


def test_every_split_is_ranked_with_the_smallest_integers(
    small_matrix: Build, trained: tuple[nn.Module, Dataset]
) -> None:
    network, data = trained
    ranks = rank_splits(network, data.splits, rankings_of(small_matrix())[:1]).maps[0]
    for name, split in data.splits.items():
        assert ranks[name].shape == split.inputs.shape
        assert ranks[name].dtype == np.uint8


def test_ranks_belong_to_their_examples_whatever_the_order_of_chunks(
    small_matrix: Build, trained: tuple[nn.Module, Dataset]
) -> None:
    network, data = trained
    ranking = rankings_of(small_matrix(explainers=("deviation",)))[0]
    ranks = rank_splits(network, data.splits, [ranking]).maps[0]["test"]
    scores = (data.test.inputs - data.train.inputs.mean(0)).abs().flatten(1)
    first = torch.from_numpy(ranks.astype("int64")).flatten(1).argmin(1)
    assert torch.equal(scores.gather(1, first[:, None])[:, 0], scores.amax(1))


def test_chunks_of_sorted_data_are_mixed(small_matrix: Build, trained: tuple[nn.Module, Dataset]) -> None:
    network, data = trained
    by_class = data.train.at(data.train.labels.argsort())
    seen: list[Tensor] = []
    patch = pytest.MonkeyPatch()
    patch.setattr(attribution, "_passes", lambda _, __, split, ___: seen.append(split.labels) or iter(()))
    rank_splits(network, {"train": by_class}, rankings_of(small_matrix())[:1])
    patch.undo()
    assert all((chunk.bincount(minlength=10) > 5).all() for chunk in seen[0].split(attribution.CHUNK)[:-1])


def test_an_empty_split_has_no_ranks(small_matrix: Build, trained: tuple[nn.Module, Dataset]) -> None:
    network, data = trained
    splits = {"train": data.train, "validation": type(data.train)(data.train.inputs[:0], data.train.labels[:0])}
    assert len(rank_splits(network, splits, rankings_of(small_matrix())[:1]).maps[0]["validation"]) == 0


@pytest.mark.parametrize("target", ["predicted", "label"])
def test_the_explained_class_is_the_one_the_specification_names(
    target: str, trained: tuple[nn.Module, Dataset]
) -> None:
    network, data = trained
    seen: list[Tensor] = []

    def attribute(inputs: Tensor, targets: Tensor) -> Tensor:
        seen.append(targets)
        return inputs

    list(attribution._passes(attribute, network, data.train, target))
    with torch.no_grad():
        expected = data.train.labels if target == "label" else network(data.train.inputs).argmax(1)
    assert torch.equal(torch.cat(seen), expected)
    assert max(map(len, seen)) <= attribution.CHUNK
