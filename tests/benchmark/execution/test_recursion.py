"""Recursive curves: each step explains the network retrained at the step before, and what is gone stays gone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from roarbench.benchmark.execution import attempts, recursion, runner, session
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan, work
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal import ranks as removal
from roarbench.benchmark.results.store import Store

Build = Callable[..., plan.Matrix]


def chain(matrix: plan.Matrix) -> tuple[Cell, ...]:
    (found,) = work.chains(plan.cells(matrix))
    return found.cells


@pytest.fixture
def recursive(small_matrix: Build) -> plan.Matrix:
    return small_matrix(explainers=("gradient",), fractions=(0.2, 0.5, 0.8), orders=("morf",), recursive=(True,))


def test_what_is_gone_stays_gone_and_the_rest_keeps_its_order() -> None:
    ranks = torch.tensor([[3, 0, 2, 1]])
    kept = torch.tensor([[True, True, False, True]])
    assert removal.gone_first(ranks, kept, "morf").tolist() == [[3, 1, 0, 2]]
    assert removal.gone_first(ranks, kept, "lerf").tolist() == [[2, 0, 3, 1]]
    assert removal.gone_first(ranks, None, "lerf") is ranks


@pytest.mark.parametrize("order", ["morf", "lerf"])
def test_masks_of_rising_fractions_are_nested(order: str) -> None:
    first, second = (
        removal.rank(torch.rand(9, 1, 4, 4), unit="pixel", magnitude=True, generator=generator("x")) for _ in range(2)
    )
    small = removal.kept(first, removal_fraction=0.25, order=order)  # type: ignore[arg-type]
    large = removal.kept(removal.gone_first(second, small, order), removal_fraction=0.5, order=order)  # type: ignore[arg-type]
    assert not (large & ~small).any()
    assert (~large).flatten(1).sum(1).tolist() == [8] * 9


def test_the_first_step_is_the_ordinary_cell(recursive: plan.Matrix, place: Workplace) -> None:
    first = chain(recursive)[0]
    runner.train_original(first.training, place)
    (outcome,) = recursion.measure_chain([first], place)
    ordinary = replace(first, steps=None)
    runner.rank((ordinary.ranking,), place)  # type: ignore[arg-type]
    assert outcome.metrics == runner.measure(ordinary, place).metrics


def test_later_steps_explain_the_retrained_network(recursive: plan.Matrix, place: Workplace) -> None:
    cells = chain(recursive)
    runner.train_original(cells[0].training, place)
    seen: list[torch.Tensor] = []
    rank_splits = recursion.rank_splits
    with pytest.MonkeyPatch.context() as patch:

        def spy(network, splits, rankings):  # type: ignore[no-untyped-def]
            seen.append(next(network.parameters()).detach().clone())
            return rank_splits(network, splits, rankings)

        patch.setattr(recursion, "rank_splits", spy)
        outcomes = recursion.measure_chain(cells, place)
    assert len(seen) == len(outcomes) == 3
    assert not torch.equal(seen[0], seen[1]) and not torch.equal(seen[1], seen[2])
    units = 64
    shares = [outcome.metrics["share_removed"] for outcome in outcomes]
    assert np.allclose(shares, [removal.num_removed(units, t) / units for t in (0.2, 0.5, 0.8)])


def test_a_part_of_a_curve_has_the_numbers_of_the_whole(recursive: plan.Matrix, place: Workplace) -> None:
    cells = chain(recursive)
    runner.train_original(cells[0].training, place)
    whole = recursion.measure_chain(cells, place)
    assert recursion.measure_chain(cells[2:], place)[0].metrics == whole[2].metrics


def test_a_run_measures_recursive_curves_beside_the_others(small_matrix: Build, tmp_path: Path) -> None:
    matrix = small_matrix(fractions=(0.3, 0.6, 1.0), orders=("morf",), recursive=(False, True))
    counts = session.run(matrix, tmp_path / "run", Resources(tmp_path, "cpu", 0))
    assert counts == {"done": 1 + 1 + 2 * 2 * 2}
    rows = Store(tmp_path / "run").rows()
    assert sum(row.specification["steps"] is not None for row in rows) == 4


def test_a_chain_that_fails_marks_its_own_cells(recursive: plan.Matrix, place: Workplace) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempts, "measure_chain", lambda *_: 1 / 0)
        outcomes = attempts.attempt(work.Chain(chain(recursive)), place)
    assert [outcome.status for outcome in outcomes] == ["failed"]


def test_data_without_validation_have_recursive_curves_too(small_matrix: Build, tmp_path: Path) -> None:
    matrix = small_matrix(
        datasets=("roar_toy[train=200,test=100]",), classifiers=("linear",), explainers=("gradient",), orders=("morf",),
        fractions=(0.25, 0.5), recursive=(True,),
    )  # fmt: skip
    assert session.run(matrix, tmp_path / "run", Resources(tmp_path, "cpu", 0)) == {"done": 3}


def test_masks_of_every_epoch_have_no_recursive_curve(small_matrix: Build, tmp_path: Path) -> None:
    matrix = small_matrix(explainers=("random_per_epoch",), orders=("morf",), recursive=(True,))
    assert session.run(matrix, tmp_path / "run", Resources(tmp_path, "cpu", 0)) == {"done": 1, "skipped": 1}
