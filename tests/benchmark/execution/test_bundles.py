"""Bundles: cells measured together have the outcomes they have alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from roarbench.benchmark.execution import attempts, runner
from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.matrix.work import Bundle, bundles
from roarbench.benchmark.networks.classifiers import Standardize

Build = Callable[..., plan.Matrix]


def reduced(matrix: plan.Matrix) -> list[Cell]:
    return [cell for cell in plan.cells(matrix) if not cell.intact]


@pytest.fixture
def ranked(small_matrix: Build, place: Workplace) -> list[Cell]:
    """Six cells of one seed, of which everything is known but their accuracies."""
    cells = reduced(small_matrix(explainers=("random",), fractions=(0.1, 0.5, 0.9)))
    runner.train_original(cells[0].training, place)
    runner.rank((cells[0].ranking,), place)  # type: ignore[arg-type]
    return cells


def test_networks_of_a_seed_retrained_on_images_or_on_masks_of_one_fraction_share_bundles(small_matrix: Build) -> None:
    cells = reduced(small_matrix(retrain=(True, False), mask_fractions=(0.3, 0.9), seeds=2))
    found = bundles(cells, size=3)
    assert sorted(map(repr, (cell for bundle in found for cell in bundle.cells))) == sorted(map(repr, cells))
    shared = [bundle.cells for bundle in found if len(bundle.cells) > 1]
    assert shared and all(cell.retrain for part in shared for cell in part)
    assert all(len({cell.probe for cell in part}) == 1 for part in shared)
    masks = [part for part in shared if part[0].probe == "mask"]
    assert masks and all(len({cell.removal_fraction for cell in part}) == 1 for part in masks)
    assert all(len({cell.training for cell in part}) == 1 and len(part) <= 3 for part in shared)


def test_cells_measured_together_have_the_metrics_they_have_alone(ranked: list[Cell], place: Workplace) -> None:
    together = runner.measure_together(ranked, place)
    assert [outcome.metrics for outcome in together] == [runner.measure(cell, place).metrics for cell in ranked]
    assert len({outcome.seconds for outcome in together}) == 1


@pytest.fixture
def scored(small_matrix: Build, place: Workplace) -> list[Cell]:
    """Four cells of an original network that is not retrained, and whose rank maps are stored."""
    matrix = small_matrix(explainers=("random",), retrain=(False,), unretrained_fills=("mean", "noisy_linear"))
    cells = reduced(matrix)
    runner.train_original(cells[0].training, place)
    runner.rank((cells[0].ranking,), place, splits=("test",))  # type: ignore[arg-type]
    return cells


def test_cells_of_an_original_network_share_bundles_of_a_size_of_their_own(scored: list[Cell]) -> None:
    assert [len(bundle.cells) for bundle in bundles(scored, 2, scored=3)] == [3, 1]
    assert [len(bundle.cells) for bundle in bundles(scored, 2)] == [1] * 4


def test_a_network_read_once_gives_the_metrics_of_one_read_for_each_cell(scored: list[Cell], place: Workplace) -> None:
    together = runner.measure_kept(scored, place)
    alone = [outcome for cell in scored for outcome in runner.measure_kept([cell], place)]
    assert [(one.metrics, one.hits) for one in together] == [(one.metrics, one.hits) for one in alone]


def test_a_network_that_is_not_retrained_sees_every_reduced_image_once_and_intact_ones_once_for_all_cells(
    scored: list[Cell], place: Workplace
) -> None:
    seen: list[int] = []

    def count(module: nn.Module, inputs: tuple[Tensor], _: Tensor) -> None:
        if isinstance(module, Standardize):
            seen.append(len(inputs[0]))

    with register_module_forward_hook(count):
        runner.measure_kept(scored, place)
    assert sum(seen) == (1 + len(scored)) * len(data_for(scored[0].training, place).test)


def test_only_what_takes_seconds_together_is_scored_together(
    scored: list[Cell], place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runner.num_scored(scored[0].training, place) == runner.REPLICAS
    monkeypatch.setattr(runner, "QUICK_NUMBERS", 449 * 64 - 1)
    assert runner.num_scored(scored[0].training, place) == 1


def test_networks_behind_foreign_masks_are_trained_together_too(small_matrix: Build, place: Workplace) -> None:
    cells = [cell for cell in reduced(small_matrix(explainers=("random",), foreign=True)) if cell.probe == "foreign"]
    runner.train_original(cells[0].training, place)
    runner.rank((cells[0].ranking,), place)  # type: ignore[arg-type]
    (bundle,) = bundles(cells, 5)
    together = runner.measure_together(bundle.cells, place)
    assert [outcome.metrics for outcome in together] == [runner.measure(cell, place).metrics for cell in cells]
    assert all(outcome.metrics["delta"] is not None for outcome in together)


def test_what_stacks_is_measured_together_and_nothing_else(small_matrix: Build, place: Workplace) -> None:
    training = plan.cells(small_matrix())[0].training
    assert runner.num_replicas(training, place) == runner.REPLICAS
    assert (
        runner.num_replicas(replace(training, recipe=replace(training.recipe, optimiser="least_squares")), place) == 1
    )
    augmented = replace(training.recipe, augmentation="shift_flip")
    assert runner.num_replicas(replace(training, recipe=augmented), place) == 1


ORDINARY = {"datasets": ("squares[test=60,train=200]",), "classifiers": ("cnn_small[width=4]",)}
"""Images that are too large for a stack on a processor."""


def test_networks_of_ordinary_images_are_measured_together_on_a_card_alone(
    small_matrix: Build, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver may have no card where its workers have one."""
    training = plan.cells(small_matrix(**ORDINARY))[0].training
    assert runner.num_replicas(training, place) == 1
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert runner.num_replicas(training, replace(place, device="cuda:1")) == runner.REPLICAS
    large = replace(training, classifier=plugin("resnet18", "classifier"))
    assert runner.num_replicas(large, replace(place, device="cuda")) == 1
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    room = 3.5 * 4 * 180 * 256 / runner.CARD_SHARE
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (int(room), 0))
    assert runner.num_replicas(training, replace(place, device="cuda")) == 3


def test_networks_of_ordinary_images_measured_together_score_as_they_do_alone(
    small_matrix: Build, place: Workplace
) -> None:
    """Up to rounding, which a card does in another order for each number of replicas."""
    cells = reduced(small_matrix(**ORDINARY, explainers=("random",), fractions=(0.3, 0.9)))
    runner.train_original(cells[0].training, place)
    runner.rank((cells[0].ranking,), place)  # type: ignore[arg-type]
    for together, cell in zip(runner.measure_together(cells, place), cells, strict=True):
        assert together.metrics == pytest.approx(runner.measure(cell, place).metrics, abs=1e-3)


def test_a_bundle_that_fails_is_tried_cell_by_cell(
    ranked: list[Cell], place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no memory for so many")

    monkeypatch.setattr(runner, "measure_together", fail)
    assert attempts.attempt(Bundle(tuple(ranked)), place)[0].status == "failed"
    assert [attempts.attempt(part, place)[0].status for part in Bundle(tuple(ranked)).split()] == ["done"] * 6
