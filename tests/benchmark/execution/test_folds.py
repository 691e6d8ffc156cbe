"""Cross-fitted maps: training images are explained by networks that did not see them, all others as before."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from roarbench.benchmark.attribution.folds import held_out, without
from roarbench.benchmark.execution import attempts, networks, runner, session, torchrun, workplace
from roarbench.benchmark.execution.attempts import attempt
from roarbench.benchmark.execution.folds import train_fold
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell, Fold, Ranking
from roarbench.benchmark.matrix.work import Group, counted, folds, groups
from roarbench.benchmark.networks.team import Team, TeamExecutor
from roarbench.benchmark.results.store import Store
from roarbench.datasets.stream import streamed
from tests.conftest import outcomes

Build = Callable[..., Matrix]
RECIPE = Recipe(epochs=1, batch_size=16, learning_rate=0.01)

SPY = '''
from dataclasses import dataclass, field
import torch
from torch import nn
from roarbench.datasets.base import Card, Dataset, Split

BITS = 8

def numbered(data_root, *, train: int = 60):
    """Images whose pixels are the bits of their number; test images have numbers of their own."""
    numbers = torch.arange(train + 40)
    images = (numbers[:, None] >> torch.arange(BITS) & 1).float().view(-1, 1, 2, 4)
    part = lambda at: Split(images[at], numbers[at] % 3)
    train_at, rest = numbers[:train], numbers[train:]
    return Dataset(part(train_at), part(rest[:20]), part(rest[20:]), 3, Card("", "", "", ""))

def numbers_of(bits):
    return (bits.flatten(1).long() << torch.arange(BITS)).sum(1)

class Memory(nn.Module):
    """Remembers which images it was trained on, and classifies by a linear layer."""
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(BITS, 3)
        self.register_buffer("seen", torch.zeros(2**BITS))
    def forward(self, inputs):
        if self.training:
            self.seen[numbers_of(inputs > 0)] = 1
        return self.linear(inputs.flatten(1))

def memory(feature_shape, num_classes):
    return Memory()

@dataclass(frozen=True)
class Spy:
    """Ranks first: pixel 0 if the network saw the image, pixel 1 if only the explainer did, pixel 2 if neither did."""
    trains = False
    hides = True
    def prepare(self, classifier, train):
        (seen,) = (m.seen for m in classifier.modules() if isinstance(m, Memory))
        return Told(seen, numbers_of(torch.cat([chunk.inputs for chunk in train.chunks()])))

@dataclass
class Told:
    seen: torch.Tensor
    given: torch.Tensor
    notes: dict = field(default_factory=dict)
    def __call__(self, inputs, targets):
        numbers = numbers_of(inputs)
        place = torch.where(self.seen[numbers] > 0, 0, torch.where(torch.isin(numbers, self.given), 1, 2))
        return nn.functional.one_hot(place, BITS).float().view(inputs.shape)
    def hide(self, inputs):
        return self(inputs, None) > 0, torch.zeros(len(inputs), 3)
'''
SAW, NEITHER = 0, 2


@pytest.fixture
def spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_matrix: Build) -> Build:
    """A matrix of an explainer that tells whether the network that it explains was trained on an image."""
    (tmp_path / "spy.py").write_text(SPY)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("spy", None)
    workplace.forget_data()

    def build(**overrides: object) -> Matrix:
        fields: dict = {
            "datasets": ("spy:numbered",), "classifiers": ("spy:memory",), "explainers": ("spy:Spy",),
            "recipe": RECIPE, "attribution_folds": 3,
        }  # fmt: skip
        return small_matrix(**(fields | overrides))

    return build


def ranked(matrix: Matrix, place: Workplace) -> Ranking:
    """The first ranking of a matrix, once its maps are stored."""
    cells = plan.cells(matrix)
    ranking = next(cell.ranking for cell in cells if cell.ranking)
    runner.train_original(ranking.training, place)
    for fold in folds(cells):
        assert attempt(fold, place)[0].status == "done"
    runner.rank((ranking,), place)
    return ranking


def told(ranking: Ranking, split: str, place: Workplace) -> set[int]:
    """The pixels that are ranked first, and alone kept by own masks."""
    count = len(workplace.data_for(ranking.training, place).splits[split])
    first = place.artefacts.load_ranks(ranking, split)[np.arange(count)].reshape(count, -1).argmin(1)
    own = place.artefacts.load_own_masks(ranking, split)[np.arange(count)].reshape(count, -1).argmax(1)
    assert first.tolist() == own.tolist()
    return set(first.tolist())


@pytest.mark.parametrize("count", [2, 3, 60])
def test_no_training_image_is_explained_by_a_network_or_explainer_that_saw_it(
    count: int, spy: Build, place: Workplace
) -> None:
    ranking = ranked(spy(attribution_folds=count), place)
    assert told(ranking, "train", place) == {NEITHER}
    assert told(ranking, "test", place) == told(ranking, "validation", place) == {NEITHER}


def test_without_folds_every_training_image_was_seen(spy: Build, place: Workplace) -> None:
    assert told(ranked(spy(attribution_folds=1), place), "train", place) == {SAW}


def test_folds_partition_the_training_split_and_keep_what_belongs_to_an_image(spy: Build, place: Workplace) -> None:
    cells = plan.cells(spy())
    data = workplace.data_for(cells[0].training, place)
    parts = [held_out(fold, data.train) for fold in folds(cells)]
    assert torch.cat(parts).sort().values.tolist() == list(range(60))
    for fold, index in zip(folds(cells), parts, strict=True):
        left = torch.ones(60, dtype=torch.bool).index_fill(0, index, value=False)
        rest = without(fold, data)
        assert torch.equal(rest.train.inputs, data.train.inputs[left])
        assert torch.equal(rest.train.labels, data.train.labels[left])
        assert rest.test is data.test


def maps(matrix: Matrix, place: Workplace) -> dict[str, np.ndarray]:
    ranking = ranked(matrix, place)
    data = workplace.data_for(ranking.training, place)
    return {n: place.artefacts.load_ranks(ranking, n)[np.arange(len(s))] for n, s in data.splits.items()}


@pytest.mark.parametrize("explainer", ["gradient", "smoothgrad[samples=2]", "random"])
def test_validation_and_test_images_are_explained_as_before(
    explainer: str, small_matrix: Build, place: Workplace
) -> None:
    before, crossed = (
        maps(small_matrix(explainers=(explainer,), attribution_folds=k), replace(place, folder=place.folder / str(k)))
        for k in (1, 3)
    )
    assert np.array_equal(before["test"], crossed["test"])
    assert np.array_equal(before["validation"], crossed["validation"])
    assert not np.array_equal(before["train"], crossed["train"])


def test_views_rank_the_same_alone_and_beside_others(small_matrix: Build, place: Workplace) -> None:
    names = ("smoothgrad[samples=2]", "vargrad[samples=2]")
    rankings = [maps(small_matrix(explainers=(n,), attribution_folds=2), _at(place, n)) for n in names]
    cells = plan.cells(small_matrix(explainers=names, attribution_folds=2))
    (group,) = (group for group in groups(cells) if group.rankings)
    together = _at(place, "both")
    runner.train_original(cells[0].training, together)
    for fold in folds(cells):
        train_fold(fold, together)
    runner.rank(group.rankings, together)
    for ranking, alone in zip(group.rankings, rankings, strict=True):
        both = together.artefacts.load_ranks(ranking, "train")
        assert np.array_equal(both[np.arange(len(alone["train"]))], alone["train"])


def _at(place: Workplace, name: str) -> Workplace:
    return replace(place, folder=place.folder / name)


def test_streams_have_the_maps_of_memory(small_matrix: Build, place: Workplace) -> None:
    matrix = small_matrix(explainers=("smoothgrad[samples=2]",), attribution_folds=3)
    memory, disk = _at(place, "memory"), replace(_at(place, "disk"), load=_streamed)
    found = [maps(matrix, place) for place in (memory, disk)]
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])
    weights = [
        sorted(file.read_bytes() for file in (p.folder / "artefacts/networks").iterdir()) for p in (memory, disk)
    ]
    assert weights[0] == weights[1]
    assert len(weights[0]) == 4


def _streamed(*arguments: object) -> object:
    data = workplace.load(*arguments)  # type: ignore[arg-type]
    return data.each(lambda _, split: streamed(split))


def test_a_fold_begins_from_the_weights_of_the_original_network(small_matrix: Build, place: Workplace) -> None:
    training = plan.cells(small_matrix())[0].training
    data = workplace.data_for(training, place)
    whole = networks.fresh_network(training, data, place)
    part = networks.fresh_network(training, without(Fold(training, 2, 0), data), place)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), part.parameters(), strict=True))


# -- plans


def test_each_fold_is_trained_once_for_all_explainers_orders_and_fractions(small_matrix: Build) -> None:
    cells = plan.cells(small_matrix(seeds=2, fractions=(0.3, 0.5), attribution_folds=4))
    trainings = [cell.training for cell in cells if cell.intact]
    assert folds(cells) == [Fold(training, 4, number) for training in trainings for number in range(4)]
    assert "       8 networks, each to explain a fold of training images that it did not see\n" in counted(cells)


def test_nothing_but_retrained_cells_needs_folds(small_matrix: Build) -> None:
    tested = small_matrix(retrain=(False,), evaluator=True, measures=("standard",), attribution_folds=3)
    assert folds(plan.cells(tested)) == []
    assert folds(plan.cells(replace(tested, foreign=True)))
    assert folds(plan.cells(small_matrix())) == []


def test_a_network_that_all_seeds_share_has_one_set_of_folds(small_matrix: Build) -> None:
    cells = plan.cells(small_matrix(seeds=3, protocol="paper", attribution_folds=2))
    assert [(fold.training.seed, fold.number) for fold in folds(cells)] == [(0, 0), (0, 1)]


@pytest.mark.parametrize("count", [0, -1])
def test_a_number_of_folds_below_one_is_refused(count: int, small_matrix: Build) -> None:
    with pytest.raises(ValueError, match=f"attribution_folds must be a number of folds, at least 1, got {count}"):
        plan.check(small_matrix(attribution_folds=count))


def test_recursive_curves_have_no_folds(small_matrix: Build) -> None:
    with pytest.raises(ValueError, match="recursive true needs attribution_folds 1"):
        plan.check(small_matrix(recursive=(False, True), attribution_folds=2))


def test_more_folds_than_training_images_are_refused_before_anything_is_written(spy: Build, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="attribution_folds must be at most 60"):
        session.run(spy(attribution_folds=61), tmp_path / "out", Resources(tmp_path, "cpu", 0))
    assert not (tmp_path / "out").exists()


# -- runs


def run(matrix: Matrix, folder: Path, workers: int = 0) -> dict[str, str]:
    session.run(matrix, folder, Resources(folder, "cpu", workers))
    return outcomes(folder)


def test_a_run_that_was_broken_off_goes_on_to_the_same_numbers(
    small_matrix: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = small_matrix(attribution_folds=3, mask_fractions=(0.5,), measures=("standard",))
    whole = run(matrix, tmp_path / "whole")
    assert {outcome.split()[0] for outcome in whole.values()} == {"done"}
    trained: list[Fold] = []

    def counting(fold: Fold, place: Workplace) -> object:
        trained.append(fold)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return train_fold(fold, place)

    monkeypatch.setattr(attempts, "train_fold", counting)
    with pytest.raises(KeyboardInterrupt):
        run(matrix, tmp_path / "broken")
    assert run(matrix, tmp_path / "broken") == whole
    assert [fold.number for fold in trained] == [0, 1, 2, 2]


@pytest.mark.whole
def test_workers_never_change_a_number(small_matrix: Build, tmp_path: Path) -> None:
    matrix = small_matrix(explainers=("smoothgrad[samples=2]", "random"), attribution_folds=2, foreign=True)
    assert run(matrix, tmp_path / "here") == run(matrix, tmp_path / "processes", workers=2)


def test_a_fold_that_fails_takes_the_retrained_cells_alone(
    small_matrix: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(fold: Fold, place: Workplace) -> object:
        if fold.number == 1:
            raise ValueError("no such luck")
        return train_fold(fold, place)

    monkeypatch.setattr(attempts, "train_fold", failing)
    matrix = small_matrix(attribution_folds=2, unretrained_fills=("mean",), measures=("standard",))
    run(matrix, tmp_path)
    for row in Store(tmp_path).rows():
        assert row.outcome
        expected = "failed" if row.specification["retrain"] and row.specification["ranking"] else "done"
        assert row.outcome.status == expected
        assert ("no such luck" in row.outcome.reason) == (expected == "failed")


def test_a_folder_holds_maps_of_one_kind(small_matrix: Build, tmp_path: Path) -> None:
    run(small_matrix(), tmp_path)
    with pytest.raises(ValueError, match="holds another matrix"):
        run(small_matrix(attribution_folds=2), tmp_path)


def test_groups_of_other_folds_are_other_passes(small_matrix: Build) -> None:
    cells: list[Cell] = [cell for k in (1, 2, 3) for cell in plan.cells(small_matrix(attribution_folds=k))]
    found: list[Group] = [group for group in groups(cells) if group.rankings]
    assert sorted(group.rankings[0].folds or 1 for group in found) == [1, 1, 2, 2, 3, 3]


def test_processes_that_follow_take_part_in_a_fold(
    small_matrix: Build, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fold, *_) = folds(plan.cells(small_matrix(attribution_folds=2)))
    told_of: list[object] = []
    team = Team(0, 2, "cpu", None)
    monkeypatch.setattr(Team, "tell", lambda _, work: told_of.append(work))
    assert TeamExecutor(team).submit(attempt, fold, place).result()[0].status == "done"
    assert told_of == [fold]
    taken: list[Fold] = []
    monkeypatch.setattr(torchrun, "trained_fold", lambda work, _: taken.append(work))
    torchrun.take_part(fold, place)
    assert taken == [fold]
