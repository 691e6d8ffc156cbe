"""The bar of a run: what is being done, and seconds left by what each kind of work took."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from roarbench.benchmark.execution.progress import Progress, kind_of, words
from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.matrix.work import Bundle, Group, bundles, groups, trainings

Build = Callable[..., Matrix]


class Clock:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def planned(small_matrix: Build) -> list[Cell]:
    return cells(small_matrix(explainers=("gradient", "random"), unretrained_fills=("mean",), seeds=2))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shown(planned: list[Cell], clock: Clock) -> Progress:
    return Progress("run", planned, 1, clock)


def done(shown: Progress, clock: Clock, part: Bundle | Group, seconds: float) -> None:
    """A piece of work and its cells, after so many seconds."""
    shown.begins(part)
    clock.now += seconds
    shown.ended(part)
    for cell in part.cells if isinstance(part, Bundle) else part.assessed:
        shown.recorded(cell)


def test_nothing_is_known_before_anything_is_done(shown: Progress) -> None:
    assert shown.seconds_left() is None and shown.left() == ""


def test_each_kind_of_work_counts_by_what_it_took(shown: Progress, clock: Clock, planned: list[Cell]) -> None:
    ranked = [cell for cell in planned if cell.ranking and cell.probe != "attribution"]
    retrained = [bundle for bundle in bundles(ranked, 1) if bundle.cells[0].retrain]
    kept = [bundle for bundle in bundles(ranked, 1) if not bundle.cells[0].retrain]
    done(shown, clock, retrained[0], 10.0)
    done(shown, clock, kept[0], 0.5)
    assert shown.seconds_left() == pytest.approx(10.0 * (len(retrained) - 1) + 0.5 * (len(kept) - 1))


def test_retraining_that_has_not_begun_counts_as_an_original_network(
    shown: Progress, clock: Clock, planned: list[Cell]
) -> None:
    original = trainings(planned)[0]
    shown.expect([original])
    shown.begins(original)
    clock.now += 3.0
    shown.ended(original)
    retrained = sum(cell.retrain and not cell.intact for cell in planned if cell.probe != "attribution")
    assert shown.seconds_left() == pytest.approx(3.0 * retrained)


def test_rankings_of_another_seed_take_as_long(shown: Progress, clock: Clock, planned: list[Cell]) -> None:
    passes = [group for group in groups(planned) if group.rankings]
    shown.expect(passes)
    done(shown, clock, passes[0], 7.0)
    alike = [group for group in passes[1:] if kind_of(group) == kind_of(passes[0])]
    assert len(alike) == 1
    assert shown.mean(kind_of(alike[0])) == 7.0
    assert shown.seconds_left() == pytest.approx(7.0)


def test_two_workers_need_half_the_time(planned: list[Cell], clock: Clock) -> None:
    alone, both = (Progress("run", planned, capacity, clock) for capacity in (1, 2))
    bundle = Bundle(tuple(cell for cell in planned if cell.retrain and cell.ranking and cell.probe == "image")[:2])
    left = []
    for shown in (alone, both):
        done(shown, clock, bundle, 4.0)
        left.append(shown.seconds_left() or 0.0)
    assert left[0] == pytest.approx(2 * left[1])


def test_work_is_named(planned: list[Cell]) -> None:
    passes = [group for group in groups(planned) if group.rankings]
    assert words(trainings(planned)[0]).startswith("training ")
    assert {words(group) for group in passes} == {"explaining by gradient", "explaining by random"}
    many = replace(passes[0], rankings=tuple(group.rankings[0] for group in passes) + passes[0].rankings)
    assert words(many) == "explaining by gradient, random"
