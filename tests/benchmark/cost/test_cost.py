"""What a run would take: counted by hand, and compared with runs."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from roarbench.benchmark.cost.costs import Absent, Cost, _Measured, costs, network_bytes, rank_bytes
from roarbench.benchmark.cost.forecast import forecast
from roarbench.benchmark.cost.sample import Sample, sample
from roarbench.benchmark.execution import runner, workplace
from roarbench.benchmark.execution.executor import Pool, execute
from roarbench.benchmark.execution.processes import SerialExecutor
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan, work
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.results.store import Store
from roarbench.datasets.base import Card, Dataset, Split

Build = Callable[..., Matrix]
EXAMPLES = 1797
VAST = """
import torch
from roarbench.datasets.base import Card, Dataset, Split
def vast(data_root, *, train: int = 1281167):
    image = torch.rand(1, 8, 8)
    split = lambda n: Split(image.expand(n, 1, 8, 8), torch.arange(n) % 10)
    return Dataset(split(train), split(0), split(50000), 10, Card("", "", "", ""))
"""
LATE = """
import time
from dataclasses import dataclass
from roarbench.methods.base import Skip
@dataclass(frozen=True)
class Late:
    def prepare(self, classifier, train):
        while True: time.sleep(0.01)
@dataclass(frozen=True)
class Unfit:
    def prepare(self, classifier, train):
        raise Skip("needs sound")
"""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timings of no worth, for tests that only count."""
    monkeypatch.setattr("roarbench.benchmark.cost.sample.LIMIT", 0.02)


def cost_of(matrix: Matrix, place: Workplace) -> Cost:
    found = costs(plan.cells(matrix), place)
    assert len(found) == 1
    assert isinstance(found[0], Cost)
    return found[0]


@pytest.fixture
def few(small_matrix: Build, place: Workplace) -> Sample:
    training = plan.cells(small_matrix(recipe=Recipe(epochs=2, precision="fp32")))[0].training
    return sample(workplace.load(training.dataset, 0, place.data_root), training, "cpu")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in (("vast", VAST), ("late", LATE)):
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("hurried")
def test_the_paper_needs_432_passes_and_alone_three_times_as_many(small_matrix: Build, place: Workplace) -> None:
    cost = cost_of(small_matrix(explainers=("paper",)), place)
    bases = 1 + 1 + 25
    assert cost.passes == bases + 15 * bases == 432
    # Alone, each base and each of three ensembles pays for its own; squares are copies on one channel.
    assert cost.alone == bases + 3 * 15 * bases == 1242


@pytest.mark.usefixtures("hurried")
def test_work_is_counted_as_it_is_planned(small_matrix: Build, place: Workplace) -> None:
    matrix = small_matrix(seeds=2, fractions=(0.3, 0.6, 1.0), explainers=("gradient", "random"), retrain=(True, False))
    counts = {line.what: line.count for line in cost_of(matrix, place).lines}
    # 2 seeds x (2 explainers x 2 orders x 2 fractions), four of a pass side by side; everything removed stands alone
    assert counts.pop("retrained networks, 4 side by side") == 16
    assert counts.pop("retrained networks") == 2
    assert counts.pop("original networks scored on reduced inputs") == 18
    assert counts.pop("original networks") == 2
    assert counts == {"ranking by random": 2, "ranking by gradient, 1 pass": 2}


@pytest.mark.usefixtures("hurried")
def test_networks_and_preparations_of_folds_are_counted(small_matrix: Build, place: Workplace, few: Sample) -> None:
    matrix = small_matrix(seeds=2, explainers=("gradient",), attribution_folds=3, unretrained_fills=("mean",))
    cost = cost_of(matrix, place)
    assert {line.what: line.count for line in cost.lines}["networks of folds"] == 2 * 3
    assert cost.weights == (2 + 6) * network_bytes(few.network)
    cells = plan.cells(matrix)
    data = workplace.load(cells[0].training.dataset, 0, place.data_root)
    for part, times in ((cells, 4), ([cell for cell in cells if not cell.retrain], 1)):
        measured = _Measured(cells[0].training, data, few, work.groups(part), [])
        measured.passes = {source: replace(cost, preparing=1e6) for source, cost in measured.passes.items()}
        (line,) = measured.rankings()
        assert line.seconds == pytest.approx(times * 1e6, rel=1e-3)


@pytest.mark.usefixtures("hurried")
def test_fills_masks_and_recursive_steps_are_counted_apart(small_matrix: Build, place: Workplace) -> None:
    matrix = small_matrix(
        explainers=("gradient",), fractions=(0.3, 0.6), orders=("morf",), fills=("mean", "noisy_linear"),
        mask_fractions=(0.5,), unretrained_fills=("blur",), recursive=(False, True),
    )  # fmt: skip
    lines = cost_of(matrix, place).lines
    assert {line.what: line.count for line in lines} == {
        "original networks": 1,
        "retrained networks, 4 side by side, mean": 2,
        "retrained networks, 4 side by side, noisy_linear": 2,
        "retrained networks, masks alone": 1,
        "original networks scored on reduced inputs, blur": 2,
        "recursive steps of gradient, mean": 2,
        "recursive steps of gradient, noisy_linear": 2,
        "ranking by gradient, 1 pass": 1,
    }
    assert {line.together for line in lines if line.what.startswith("recursive")} == {2}


@pytest.mark.usefixtures("hurried")
def test_a_recursive_curve_is_one_piece_of_work_whatever_of_it_is_measured(
    small_matrix: Build, place: Workplace
) -> None:
    matrix = small_matrix(explainers=("gradient",), fractions=(0.2, 0.5, 0.9), orders=("morf",), recursive=(True,))
    cells = plan.cells(matrix)
    for some in (cells, [cell for cell in cells if cell.steps is None or cell.removal_fraction == 0.9]):
        (cost,) = costs(some, place)
        assert isinstance(cost, Cost)
        (line,) = (line for line in cost.lines if line.what.startswith("recursive"))
        assert (line.what, line.count, line.together) == ("recursive steps of gradient", 3, 3)


@pytest.mark.usefixtures("hurried")
def test_the_test_split_of_an_unretrained_network_is_scored_intact_and_reduced(
    small_matrix: Build, place: Workplace, few: Sample
) -> None:
    cells = plan.cells(small_matrix(explainers=("gradient",), retrain=(False,)))
    data = workplace.load(cells[0].training.dataset, 0, place.data_root)
    measured = _Measured(cells[0].training, data, few, work.groups(cells), [])
    measured.scoring = 100.0  # beside which nothing else counts
    (line,) = (line for line in measured.trainings(1) if line.what.startswith("original networks scored"))
    assert line.seconds == pytest.approx(100 * (len(data.validation) + 2 * len(data.test)), rel=0.01)


@pytest.mark.usefixtures("hurried")
def test_rank_maps_and_weights_are_counted_in_bytes(small_matrix: Build, place: Workplace) -> None:
    cost = cost_of(small_matrix(explainers=("smoothgrad", "vargrad", "random"), seeds=2), place)
    assert sorted(cost.ranks) == [EXAMPLES * 64] * 2 + [EXAMPLES * 64 * 2] * 2  # one byte holds the ranks of 64 pixels
    assert cost.weights == 2 * 4 * (2 + 64 * 16 + 16 + 16 * 10 + 10)


def test_bytes_of_rank_maps_are_those_on_disk(small_matrix: Build, place: Workplace) -> None:
    cells = plan.cells(small_matrix(explainers=("random",)))
    runner.train_original(cells[0].training, place)
    ranking = cells[-1].ranking
    assert ranking
    runner.rank((ranking,), place)
    stored = sum(file.stat().st_size for file in place.folder.rglob("*.npy"))
    header = 128
    assert rank_bytes((ranking,), workplace.load(ranking.training.dataset, 0, place.data_root)) == stored - 3 * header


def test_ranks_of_many_units_take_wider_numbers(small_matrix: Build) -> None:
    inputs = torch.zeros(1, 3, 20, 20).expand(5, 3, 20, 20)
    split = Split(inputs, torch.zeros(5, dtype=torch.int64))
    data = Dataset(split, split, split, 2, Card("", "", "", ""))
    ranking = plan.cells(small_matrix())[-1].ranking
    assert ranking
    assert rank_bytes((ranking,), data) == 15 * 400 * 2
    assert rank_bytes((replace(ranking, unit="feature"),), data) == 15 * 1200 * 2


@pytest.mark.usefixtures("hurried")
def test_a_vast_data_set_is_never_held(small_matrix: Build, place: Workplace, mine: None) -> None:
    cost = cost_of(small_matrix(datasets=("vast:vast",), explainers=("gradient",)), place)
    assert "1,281,167 + 50,000 examples of 1x8x8" in cost.title
    assert sum(cost.ranks) == (1281167 + 50000) * 64
    assert all(line.seconds for line in cost.lines)


def test_data_that_are_absent_leave_the_counts(small_matrix: Build, place: Workplace) -> None:
    matrix = small_matrix(datasets=("mnist",))
    assert isinstance(costs(plan.cells(matrix), place)[0], Absent)
    text = forecast(matrix, Resources(place.data_root, "cpu", 0))
    assert "5 cells" in text
    assert "neither bytes nor hours" in text
    assert "noise[train=" in text
    assert not place.data_root.exists()


@pytest.mark.usefixtures("hurried")
def test_a_forecast_writes_nothing(small_matrix: Build, place: Workplace, tmp_path: Path) -> None:
    text = forecast(small_matrix(), Resources(place.data_root, "cpu", 2))
    assert "device-hours" in text
    assert "with 2 workers" in text
    assert re.search(r"on one NVIDIA A100 perhaps \S+ hours: .* not measured", text)
    assert not list(tmp_path.iterdir())


def test_the_rate_counts_operations_by_hand(small_matrix: Build, place: Workplace, monkeypatch: Any) -> None:
    """A linear layer of 64 features and 10 classes does 2 * 64 * 10 operations, and twice as many backward."""
    training = plan.cells(small_matrix(classifiers=("linear",)))[0].training
    few = sample(place.load(training.dataset, 0, place.data_root), training, "cpu")
    monkeypatch.setattr(Sample, "training", lambda self, replicas: 0.5)
    assert few.rate() == 3 * 2 * 64 * 10 / 0.5


@pytest.mark.usefixtures("hurried")
def test_explainers_that_do_not_apply_cost_nothing(small_matrix: Build, place: Workplace, mine: None) -> None:
    cost = cost_of(small_matrix(explainers=("late:Unfit", "gradient")), place)
    retrained = [line.count for line in cost.lines if line.what.startswith("retrained")]
    assert sum(retrained) == 2
    assert [line.note for line in cost.lines if "Unfit" in line.what] == ["does not apply: needs sound"]


def test_preparing_that_does_not_end_is_stopped(few: Sample, mine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roarbench.benchmark.cost.sample.PATIENCE", 0.2)
    started = time.monotonic()
    found = few.passing(build(plugin("late:Late", "explainer"), "explainer"))
    assert time.monotonic() - started < 10
    assert found.note.startswith("at least")
    assert found.preparing == 0.2


def test_measuring_leaves_the_network_alone(few: Sample) -> None:
    before = {name: value.clone() for name, value in few.network.state_dict().items()}
    few.training(1)
    few.training(3)
    few.scoring()
    assert all(torch.equal(value, before[name]) for name, value in few.network.state_dict().items())
    assert network_bytes(few.network) == sum(4 * value.numel() for value in before.values())


@pytest.mark.whole
def test_hours_are_near_those_of_a_run(small_matrix: Build, place: Workplace) -> None:
    recipe = Recipe(epochs=8, batch_size=128, learning_rate=0.01, precision="fp32")
    explainers = ("random", "gradient", "integrated_gradients")
    matrix = small_matrix(classifiers=("cnn_small[width=8]",), explainers=explainers, recipe=recipe)
    cells = plan.cells(matrix)
    predicted = sum(line.total for line in cost_of(matrix, place).lines)
    store = Store(place.folder, create=True)
    store.plan({}, cells)
    started = time.process_time()
    execute(store, cells, place, Pool(SerialExecutor(), 1))
    measured = time.process_time() - started
    store.close()
    assert measured / 3 < predicted < measured * 3, f"predicted {predicted:.2f} s, measured {measured:.2f} s"
