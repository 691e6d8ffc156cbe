"""The order of work: answers that cost little come first, whatever trains explainers goes beside the rest."""

from collections.abc import Callable

import pytest

from roarbench.benchmark.execution.queue import Queue, Work
from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.work import Bundle, Group, bundles, groups, trains

Build = Callable[..., Matrix]


@pytest.fixture
def parts(small_matrix: Build) -> list[Group]:
    matrix = small_matrix(explainers=("hide_and_seek", "gradient", "random"), fractions=(0.0, 0.5))
    return [group for group in groups(cells(matrix)) if group.rankings]


def order(queue: Queue, capacity: int) -> list[str]:
    """What is taken, where a piece of work is done as soon as as many as fit are under way."""
    names, running = [], list[Work]()
    while queue:
        part = queue.take(running)
        running = [*running, part][-capacity + 1 :] if capacity > 1 else []
        names.append(_name(part))
        if isinstance(part, Group):
            queue.add(bundles(part.reduced, 10))
    return names


def _name(part: Work) -> str:
    if isinstance(part, Bundle):
        return "retrained" if part.cells[0].retrain else "scored"
    assert isinstance(part, Group)
    return "trains" if any(map(trains, part.rankings)) else "ranks"


def test_one_process_retrains_after_all_scores_and_trains_explainers_last(parts: list[Group]) -> None:
    names = order(Queue(parts, 1, roomy=True), 1)
    first_retraining, training = names.index("retrained"), names.index("trains")
    assert names[:first_retraining].count("ranks") == 2
    assert "scored" not in names[first_retraining:training]
    assert "ranks" not in names[first_retraining:] and "retrained" in names[first_retraining:training]


def test_of_two_processes_one_trains_explainers_beside_the_retraining(parts: list[Group]) -> None:
    names = order(Queue(parts, 2, roomy=True), 2)
    assert names.index("trains") > max(at for at, name in enumerate(names) if name == "ranks")
    assert names.index("trains") < names.index("retrained")


def test_little_room_is_never_taken_by_ranks_that_wait(parts: list[Group]) -> None:
    names = order(Queue(parts, 1, roomy=False), 1)
    ranked = [at for at, name in enumerate(names) if name == "ranks"]
    assert "retrained" in names[ranked[0] : ranked[1]]


def test_everything_is_taken_once(parts: list[Group]) -> None:
    for capacity, roomy in ((1, True), (2, True), (4, False)):
        names = order(Queue(parts, capacity, roomy=roomy), capacity)
        assert (names.count("ranks"), names.count("trains")) == (2, 1)


def test_of_rankings_those_that_are_known_to_be_quick_go_first(parts: list[Group]) -> None:
    ranking = [part for part in parts if not any(map(trains, part.rankings))]
    slow = {ranking[0]: 9.0, ranking[1]: 1.0}
    queue = Queue(ranking, 1, roomy=True, seconds=lambda part: slow.get(part, 0.0) if isinstance(part, Group) else 0.0)
    assert [queue.take([]) for _ in ranking] == [ranking[1], ranking[0]]
