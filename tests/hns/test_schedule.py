"""The schedule of alpha: its values, and windows made by hand."""

from collections.abc import Iterable

import pytest

from roarbench.hns.schedule import Alpha, plateau, published

VALUES = [1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1]


def drops(alpha: Alpha, losses: Iterable[float]) -> list[int]:
    """Numbers of the observations, from 1, after which alpha was lowered."""
    return [number for number, loss in enumerate(losses, start=1) if alpha.observe(loss)]


def test_alpha_falls_from_one_to_a_tenth_in_eighteen_drops_and_the_nineteenth_ends() -> None:
    alpha, seen = Alpha(patience=2), []
    while not alpha.finished:
        seen.append(alpha.value)
        assert not alpha.observe(1.0)
        assert alpha.observe(1.0)
    assert seen == VALUES
    assert alpha.num_drops == 19
    assert alpha.value == 0.1


def test_nothing_moves_after_the_end() -> None:
    alpha = Alpha(patience=2, num_drops=19)
    assert alpha.finished
    assert not drops(alpha, [1.0] * 10)
    assert (alpha.num_drops, alpha.value, list(alpha.window)) == (19, 0.1, [])


def test_alpha_of_any_number_of_drops_is_a_round_number() -> None:
    """No 0.04999999999999968 as in the published code."""
    assert [Alpha(num_drops=n).value for n in range(19)] == VALUES
    assert [Alpha(num_drops=n).finished for n in range(20)] == [False] * 19 + [True]


@pytest.mark.parametrize("patience", [2, 3, 7, 100])
def test_a_flat_loss_lowers_alpha_once_a_window(patience: int) -> None:
    """The window is emptied by a drop: the next one needs as many batches again."""
    assert drops(Alpha(patience=patience), [0.7] * (3 * patience + 1)) == [patience, 2 * patience, 3 * patience]


@pytest.mark.parametrize("patience", [2, 3, 7, 100])
def test_the_published_condition_fires_once_a_window_on_a_restless_loss(patience: int) -> None:
    restless = [0.1, 2.0] * (2 * patience)
    found = drops(Alpha(patience=patience, stagnation="published"), restless[: 3 * patience + 1])
    assert found == [patience, 2 * patience, 3 * patience]


@pytest.mark.parametrize("stagnation", ["plateau", "published"])
def test_alpha_stays_while_the_window_fills(stagnation: str) -> None:
    alpha = Alpha(patience=5, stagnation=stagnation)  # type: ignore[arg-type]
    assert drops(alpha, [1.0, 50.0, 1.0, 50.0]) == []
    assert list(alpha.window) == [1.0, 50.0, 1.0, 50.0]
    assert alpha.value == 1.0


def test_the_window_slides_until_the_loss_lies_flat() -> None:
    """Of four: (8, 4 | 2, 1), (4, 2 | 1, 1), (2, 1 | 1, 1) still fall; (1, 1 | 1, 1) does not."""
    alpha = Alpha(patience=4)
    assert drops(alpha, [8.0, 4.0, 2.0, 1.0, 1.0, 1.0]) == []
    assert list(alpha.window) == [2.0, 1.0, 1.0, 1.0]
    assert alpha.observe(1.0)
    assert list(alpha.window) == []


def test_the_published_window_forgets_what_is_older_than_patience() -> None:
    """Of (6, 6, 4, 3) the range is 3 and the mean 4.75; with the 10 before them 7 and 5.83: it would fire."""
    assert drops(Alpha(patience=4, stagnation="published"), [10.0, 6.0, 6.0, 6.0, 4.0, 3.0]) == []
    assert drops(Alpha(patience=6, stagnation="published"), [10.0, 6.0, 6.0, 6.0, 4.0, 3.0]) == [6]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ([10.0, 10.0, 11.0, 11.0], True),
        ([10.0, 10.0, 9.0, 9.0], True),
        ([10.0, 10.0, 11.1, 11.1], False),
        ([10.0, 10.0, 8.9, 8.9], False),
        ([5.0, 15.0, 15.0, 5.0], True),
        ([4.0, 3.0, 2.0, 1.0], False),
        ([1.0, 2.0, 3.0, 4.0], False),
        ([10.0, 10.0, 999.0, 10.0, 10.0], True),
        ([10.0, 10.0, 10.0, 20.0, 20.0], False),
        ([1.0, 1.0], True),
        ([1.0, 2.0], False),
        ([0.0, 0.0], True),
        ([float("nan")] * 4, False),
    ],
)
def test_a_plateau_neither_falls_nor_rises(window: list[float], expected: bool) -> None:
    assert plateau(window) is expected


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ([9.0, 31.0], True),  # mean 20, range 22 = 1.1 * 20
        ([9.1, 30.9], False),
        ([5.0, 5.0, 5.0, 5.0], False),
        ([2.3, 2.31, 2.29, 2.3], False),
        ([0.0, 0.0, 0.0, 1.0], True),
        ([2.0, 1.5, 1.0, 0.5], True),
        ([4.0, 3.0, 3.0, 2.0], False),
    ],
)
def test_the_published_condition_wants_a_range_above_the_mean(window: list[float], expected: bool) -> None:
    assert published(window) is expected


@pytest.mark.parametrize("constant", [0.0, 0.3, 1.0])
def test_a_constant_alpha_never_moves(constant: float) -> None:
    alpha = Alpha(patience=2, constant=constant)
    assert drops(alpha, [1.0] * 100) == []
    assert (alpha.value, alpha.num_drops, alpha.finished) == (constant, 0, False)


@pytest.mark.parametrize("loss", [lambda n: 2.3 * 0.8**n, lambda n: 0.1 * 1.3**n])
def test_a_loss_that_falls_or_rises_steadily_never_lowers_alpha(loss: object) -> None:
    assert drops(Alpha(patience=4), [loss(n) for n in range(60)]) == []  # type: ignore[operator]
