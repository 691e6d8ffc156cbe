"""Paired statistics against hand-computed numbers, and against simulated data whose truth is known."""

import math
from collections.abc import Callable
from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy.stats import permutation_test, ttest_rel

from roarbench.reports.statistics.areas import area, racu
from roarbench.reports.statistics.groups import cliques, groups, nested, separated
from roarbench.reports.statistics.ranks import critical_difference, friedman
from roarbench.reports.statistics.tests import (
    difference,
    holm,
    least_p,
    minimum_detectable,
    paired,
    pairs,
    sign_flip_test,
    t_test,
)
from roarbench.reports.tables.summary import disputed

SIMULATED = 1500
NOMINAL = 0.05


def error_of(rate: float, simulated: int) -> float:
    """Four standard errors of a simulated rate."""
    return 4 * math.sqrt(rate * (1 - rate) / simulated)


def noise(n: int, simulated: int = SIMULATED, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(simulated, n))


# by hand


def test_a_difference_is_that_of_the_textbook() -> None:
    made = difference([1.0, 2.0, 3.0, math.nan])
    assert (made.mean, made.n) == (2.0, 3)
    assert made.half_width == pytest.approx(4.302653 / math.sqrt(3))
    assert made.p_t == pytest.approx(ttest_rel([1, 2, 3], [0, 0, 0]).pvalue)
    assert made.p_exact == 0.25 == made.least_p  # two of eight changes of sign reach a sum of 6


def test_the_exact_test_is_that_of_scipy() -> None:
    values = noise(8, 1)[0] + 0.5
    found = permutation_test((values, np.zeros(8)), lambda a, b, axis: (a - b).mean(axis=axis), vectorized=True,
                             permutation_type="samples", n_resamples=math.inf)  # fmt: skip
    assert sign_flip_test(list(values)) == pytest.approx(found.pvalue)


def test_many_seeds_are_drawn_not_enumerated_and_agree_with_the_t_test() -> None:
    values = list(noise(20, 1)[0] + 0.2)
    assert sign_flip_test(values) == pytest.approx(t_test(values), abs=0.02)
    assert sign_flip_test(values) == sign_flip_test(values)
    assert least_p(13) <= sign_flip_test([1.0] * 13) < 0.002


@pytest.mark.parametrize("values", [[], [0.3]])
def test_fewer_than_two_seeds_prove_nothing(values: list[float]) -> None:
    made = difference(values)
    assert all(map(math.isnan, (made.half_width, made.p_t, made.p_exact)))
    assert math.isnan(minimum_detectable([values], 3))
    assert math.isnan(minimum_detectable([[0.1, 0.2]], 1))


def test_equal_differences_say_no_more_than_the_exact_test() -> None:
    assert t_test([0.0, 0.0, 1e-17]) == 1.0
    assert t_test([0.1, 0.1 + 1e-16, 0.1]) == 0.25 == sign_flip_test([0.1, 0.1, 0.1])
    assert sign_flip_test([0.0, 0.0, 0.0]) == 1.0


def test_pairs_are_of_common_seeds() -> None:
    assert paired({0: 3.0, 1: 5.0}, {1: 1.0, 2: 9.0}) == [4.0]
    assert pairs({"a": {0: 1.0}, "b": {0: 3.0}, "c": {}}) == {("a", "b"): [-2.0], ("a", "c"): [], ("b", "c"): []}


def test_holm_is_that_of_his_paper() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    adjusted = holm([0.5, math.nan, 0.9])
    assert adjusted[::2] == [1.0, 1.0] and math.isnan(adjusted[1])


def test_the_detectable_difference_is_that_of_tables_of_power() -> None:
    unit = [[-math.sqrt(0.5), math.sqrt(0.5)]]  # standard deviation 1
    assert minimum_detectable(unit, 34) == pytest.approx(0.4951, abs=1e-3)  # G*Power: d = 0.5 needs 34 pairs
    assert minimum_detectable(unit, 5) == pytest.approx(1.6829, abs=1e-3)
    assert minimum_detectable([*unit, [0.0, 0.0]], 5) == pytest.approx(1.6829 / math.sqrt(2), abs=1e-3)


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
    made = [difference(three(tuple(m), tuple(0.1 + a)).tolist()) for m, a in zip(method, above, strict=True)]
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


def test_many_letters_are_replaced_by_groups_of_neighbours() -> None:
    assert nested(list("wxyz"), apart("wz", "wy", "xy")) == apart("wz", "wy")
    assert cliques(list("wxyz"), apart("wz", "wy")) == [frozenset("wx"), frozenset("xyz")]
    rng = np.random.default_rng(0)
    quiet = {f"{side}{i}": 0.5 + i * 1e-2 + sign * 1e-5 * rng.normal(size=3) + common for i in range(6)
             for common in [rng.normal(size=3)] for side, sign in (("x", 1), ("y", -1))}  # fmt: skip
    values = {name: dict(enumerate(v + (0.001 if name[0] == "y" else 0))) for name, v in quiet.items()}
    made = groups(values)  # each x differs from its y alone, hence 2^6 maximal sets
    assert made.coarse
    assert set(made.letters.values()) == {"a"}
    assert all(made.differ(f"x{i}", f"y{i}") for i in range(6)) and not made.differ("x0", "x1")
    assert disputed({"x0": 0.01, "x1": 0.01}, made, "y0") == ["x1"]  # what differs does, whatever its letters


def apart(*pairs: str) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in pairs}


def test_letters_follow_the_means_from_the_best() -> None:
    jitter = [0.0, 0.001, -0.001, 0.002]
    values = {name: {s: mean + (s + 1) * j / 9 for s, j in enumerate(jitter)} for name, mean in (("x", 0.9), ("y", 0))}
    values |= {"few": {0: 1.0, 1: 2.0}, "failed": dict.fromkeys(range(4), math.nan)}
    values["y"] = {s: v + 1e-4 * s for s, v in values["y"].items()}
    assert groups(values).letters == {"x": "b", "y": "a"}
    assert groups(values, highest_first=True).letters == {"x": "a", "y": "b"}
    assert groups({name: {0: 0.1, 1: 0.2} for name in "xy"}).letters == {}


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


@pytest.mark.parametrize("test", [t_test, sign_flip_test])
@pytest.mark.parametrize("n", [3, 5, 10, 16])
def test_equals_are_told_apart_at_most_as_often_as_said(test: Callable, n: int) -> None:
    p = np.array([test(list(values)) for values in noise(n)])
    for level in (0.01, NOMINAL, 0.25, 0.5):
        assert (p <= level).mean() <= level + error_of(level, len(p))
    assert test is t_test or p.min() >= least_p(n)


@pytest.mark.parametrize("n", [6, 10])
def test_p_of_the_exact_test_is_uniform_on_its_steps(n: int) -> None:
    p = np.array([sign_flip_test(list(values)) for values in noise(n)])
    for level in (0.125, 0.25, 0.5, 0.75):  # multiples of the smallest p
        assert (p <= level + 1e-9).mean() == pytest.approx(level, abs=error_of(level, len(p)))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_intervals_cover_95_percent(n: int) -> None:
    made = [difference(values + 0.7) for values in noise(n)]
    covered = np.mean([abs(one.mean - 0.7) <= one.half_width for one in made])
    assert covered == pytest.approx(0.95, abs=error_of(0.95, SIMULATED))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_holm_keeps_the_error_of_the_family(n: int) -> None:
    """Eight explainers against one control, hence dependent; two of them really differ."""
    drawn = np.random.default_rng(n).normal(size=(600, 9, n))
    drawn[:, 1:3] += 3.0
    wrong = 0
    for simulated in drawn:
        adjusted = holm([t_test(list(explainer - simulated[0])) for explainer in simulated[1:]])
        wrong += min(adjusted[2:]) <= NOMINAL
    assert wrong / 600 <= NOMINAL + error_of(NOMINAL, 600)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_what_is_called_detectable_is_detected_four_times_in_five(n: int) -> None:
    shift = minimum_detectable(noise(n, 4000).tolist(), n)
    found = np.mean([t_test(list(values + shift)) <= NOMINAL for values in noise(n, seed=1)])
    assert found == pytest.approx(0.8, abs=error_of(0.8, SIMULATED))


def one_group(n: int, simulated: int) -> float:
    drawn = np.random.default_rng(n).normal(size=(simulated, 6, n)) + np.random.default_rng(n + 1).normal(size=n)
    made = [groups({str(i): dict(enumerate(seeds)) for i, seeds in enumerate(one)}).letters for one in drawn]
    return float(np.mean([set(letters.values()) == {"a"} for letters in made]))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_equals_are_one_group(n: int) -> None:
    assert one_group(n, 300) >= 0.95 - error_of(0.95, 300)


@pytest.mark.parametrize("accuracy", [0.5, 0.9, 0.995])
def test_equals_whose_accuracies_are_counts_are_one_group(accuracy: float) -> None:
    """Twelve explainers, three seeds, five fractions of 449 images: equal differences are common."""
    right = np.random.default_rng(0).binomial(449, accuracy, size=(500, 12, 3, 5))
    drawn = (right / 449).mean(axis=-1)
    made = [separated({str(i): dict(enumerate(seeds)) for i, seeds in enumerate(one)}) for one in drawn.tolist()]
    assert np.mean([bool(pairs_apart) for pairs_apart in made]) <= NOMINAL + error_of(NOMINAL, 500)


def test_unequals_are_told_apart_where_seeds_suffice() -> None:
    drawn = np.random.default_rng(0).normal(size=(100, 3, 10)) + np.array([0.0, 0.0, 4.0])[:, None]
    made = [groups({str(i): dict(enumerate(seeds)) for i, seeds in enumerate(one)}).letters for one in drawn]
    assert np.mean([letters["2"] == "b" and "b" not in letters["0"] for letters in made]) > 0.9


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


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 4, 5, 8])
def test_equals_are_one_group_in_many_simulations(n: int) -> None:
    assert one_group(n, 4000) >= 0.95 - error_of(0.95, 4000)


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
def test_power_and_error_in_many_simulations(n: int) -> None:
    values = noise(n, 20_000)
    shift = minimum_detectable(values.tolist(), n)
    assert np.mean([t_test(list(v)) <= NOMINAL for v in values]) == pytest.approx(NOMINAL, abs=0.007)
    assert np.mean([t_test(list(v + shift)) <= NOMINAL for v in noise(n, 20_000, seed=1)]) == pytest.approx(
        0.8, abs=0.012
    )
