"""Paired statistics against hand-computed numbers, and against simulated data whose truth is known."""

import math
from itertools import combinations, permutations, product

import numpy as np
import pytest

from roarbench.benchmark.results.statistics import summarise
from roarbench.reports.statistics.areas import area, racu
from roarbench.reports.statistics.groups import cliques
from roarbench.reports.statistics.ranks import critical_difference, friedman

SIMULATED = 1500
NOMINAL = 0.05


def error_of(rate: float, simulated: int) -> float:
    """Four standard errors of a simulated rate."""
    return 4 * math.sqrt(rate * (1 - rate) / simulated)


def noise(n: int, simulated: int = SIMULATED, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(simulated, n))


# by hand


def test_areas_take_the_true_fractions() -> None:
    assert area([0.0, 0.1, 1.0], np.array([1.0, 0.5, 0.5])) == pytest.approx(0.075 + 0.45)


def test_racu_is_one_at_full_removal_and_none_at_random() -> None:
    fractions, random, full = [0.0, 0.5, 1.0], np.array([[0.9, 0.8, 0.1]]), np.array([0.1])
    assert racu(fractions, np.full((1, 3), 0.1), random, full) == [1.0]
    assert racu(fractions, random, random, full) == [0.0]
    half = np.array([[0.9, 0.45, 0.1]])  # 0.175 of 0.55
    assert racu(fractions, half, random, full) == pytest.approx([0.175 / 0.55])
    assert racu(fractions, random + 9, random, full) == pytest.approx([-1.0])
    assert np.isnan(racu(fractions, random, np.full((1, 3), 0.1), full)).all()


def three(method: tuple[float, ...], random: tuple[float, ...]) -> np.ndarray:
    """RACU by seed of flat curves above an accuracy of 0.1 at full removal."""
    curves = [np.repeat(np.array(of)[:, None], 3, axis=1) for of in (method, random)]
    return racu([0.0, 0.5, 1.0], *curves, np.full(len(method), 0.1))


def test_racu_divides_means_and_clips_the_result_alone() -> None:
    """A seed that has little to divide by, here 0.02 against 0.4, neither rules the mean nor is cut before it."""
    found = three((0.3, 0.3, 0.3), (0.5, 0.5, 0.12))
    assert found.mean() == pytest.approx((0.2 + 0.2 - 0.18) / (0.4 + 0.4 + 0.02))
    assert three((0.0, 0.0), (0.2, 0.4)).mean() == pytest.approx(1)  # better than full removal
    assert np.ptp(three((0.3, 0.2), (0.5, 0.3))) == pytest.approx(0)  # the same ratio in every seed


@pytest.mark.parametrize("n", [5, 10])
def test_intervals_of_racu_cover(n: int) -> None:
    """Areas whose normaliser differs from seed to seed by a fifth."""
    drawn = np.random.default_rng(n)
    above = 0.3 + 0.06 * drawn.normal(size=(SIMULATED, n))
    method = 0.1 + above * 0.4 + 0.02 * drawn.normal(size=(SIMULATED, n))
    made = [summarise(three(tuple(m), tuple(0.1 + a)).tolist()) for m, a in zip(method, above, strict=True)]
    covered = np.mean([abs(one.mean - 0.6) <= one.half_width for one in made])
    assert covered == pytest.approx(0.95, abs=error_of(0.95, SIMULATED) + 0.01)


def test_cliques_are_maximal() -> None:
    assert cliques(["x", "y"], []) == [frozenset("xy")]
    assert cliques(list("xyz"), apart("xy", "yz", "xz")) == [frozenset(name) for name in "xyz"]
    assert cliques(list("wxyz"), apart("wz", "wy", "xz")) == [frozenset("wx"), frozenset("xy"), frozenset("yz")]


@pytest.mark.parametrize("seed", range(10))
def test_cliques_are_all_there_are(seed: int) -> None:
    drawn = np.random.default_rng(seed).random((7, 7)) < 0.4
    pairs = {frozenset((i, j)) for i, j in combinations("abcdefg", 2) if drawn["abcdefg".index(i), "abcdefg".index(j)]}
    free = [frozenset(c) for n in range(1, 8) for c in combinations("abcdefg", n)]
    free = [clique for clique in free if not any(pair <= clique for pair in pairs)]
    maximal = {clique for clique in free if not any(clique < other for other in free)}
    assert set(cliques(list("abcdefg"), pairs, most=99)) == maximal


def apart(*pairs: str) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in pairs}


def test_friedman_is_that_of_demsar() -> None:
    values = np.array([[1.0, 2, 3], [1, 3, 2], [1, 2, 3], [1, 2, 3]])
    made = friedman(values)
    assert made.ranks.mean(axis=0).tolist() == [1.0, 2.25, 2.75]
    assert made.statistic == pytest.approx(6.5)
    assert critical_difference(4, 14) == pytest.approx(2.569 * math.sqrt(4 * 5 / (6 * 14)), rel=1e-3)
    assert friedman(values, highest_first=True).ranks[0].tolist() == [3.0, 2.0, 1.0]
    assert friedman(np.ones((3, 3))).p == 1.0
    with pytest.raises(ValueError, match="3 data sets"):
        friedman(values[:2])


# on data whose truth is known


def test_friedman_finds_no_order_among_equals() -> None:
    drawn = np.random.default_rng(0).normal(size=(150, 5, 6))
    made = [friedman(values) for values in drawn]
    assert np.mean([one.p <= NOMINAL for one in made]) <= NOMINAL + error_of(NOMINAL, 150)
    spread = np.array([np.ptp(one.ranks.mean(axis=0)) for one in made])
    assert np.mean(spread > critical_difference(6, 5)) <= NOMINAL + error_of(NOMINAL, 150)


def test_p_of_friedman_is_near_the_exact_one_where_data_sets_are_few() -> None:
    """Of three data sets and explainers, all orders can be counted; chi-squared would say 0.097 instead of 0.194."""
    values = np.array([[1.0, 2, 3], [1, 2, 3], [1, 3, 2]])
    orders = [np.array(order) for order in product(permutations((1, 2, 3)), repeat=3)]
    sums = [(order.sum(axis=0) ** 2).sum() for order in orders]
    exact = np.mean([one >= (values.sum(axis=0) ** 2).sum() for one in sums])
    assert friedman(values).p == pytest.approx(exact, abs=0.01) and exact == pytest.approx(0.194, abs=1e-3)
