"""The interval against scipy and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from roarbench.benchmark.results.statistics import Summary, summarise, wilson


def test_the_interval_is_scipys_t_interval() -> None:
    values = [0.91, 0.93, 0.9, 0.94, 0.92]
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    found = summarise(values)
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx((low, high))
    assert found.n == 5


def test_intervals_cover_the_true_mean_at_their_nominal_rate() -> None:
    draws = np.random.default_rng(0).normal(0.5, 0.1, (4000, 4))
    covered = [abs(s.mean - 0.5) <= s.half_width for s in map(summarise, draws)]
    assert abs(np.mean(covered) - 0.95) < 0.015


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    assert summarise([0.5]).n == 1
    assert math.isnan(summarise([0.5]).half_width)
    assert math.isnan(summarise([]).mean)


def test_missing_values_do_not_count() -> None:
    assert summarise([1.0, float("nan"), 3.0]).n == 2


def test_equal_values_have_an_interval_of_width_zero() -> None:
    assert summarise([0.25] * 3) == Summary(0.25, 0.0, 3)


def test_another_level_is_scipys_too() -> None:
    values = [0.91, 0.93, 0.9, 0.94, 0.92]
    low, high = stats.t.interval(0.99, 4, np.mean(values), stats.sem(values))
    assert summarise(values, 0.99).within() == pytest.approx((low, high))


def test_a_cut_interval_covers_as_often_as_a_whole_one() -> None:
    """Shares near 1, whose t intervals of three leave the bounds in most draws."""
    draws = np.random.default_rng(0).binomial(50, 0.97, (2000, 3)) / 50
    found = [summarise(values) for values in draws.tolist()]
    whole, cut = ([low <= 0.97 <= high for low, high in map(ends, found)] for ends in (Summary.within, in_unit))
    assert whole == cut
    assert np.mean([s.within()[1] > 1 for s in found]) > 0.5


def in_unit(summary: Summary) -> tuple[float, float]:
    return summary.within(0.0, 1.0)


def test_without_an_interval_nothing_but_the_bounds_is_known() -> None:
    assert Summary(0.5, math.nan, 1).within(0.0, 1.0) == (0.0, 1.0)
    assert Summary(0.5, math.nan, 1).within() == (-math.inf, math.inf)


@pytest.mark.parametrize(("share", "n"), [(0.0, 20), (0.1, 449), (0.5, 30), (1.0, 100)])
def test_the_interval_of_a_share_is_wilsons(share: float, n: int) -> None:
    expected = stats.binomtest(round(share * n), n).proportion_ci(method="wilson")
    assert wilson(round(share * n) / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
