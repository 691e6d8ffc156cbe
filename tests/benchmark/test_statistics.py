"""The interval against scipy and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics import Summary, summarise


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
