"""Ranks and their agreement: against published and hand-computed numbers, SciPy, and simulated data sets."""

import math

import numpy as np
import pytest
from scipy.stats import friedmanchisquare, rankdata, spearmanr

from roarbench.benchmark.results.statistics import summarise
from roarbench.reports.statistics.ranks import STEP, agreement, friedman, iman_davenport, mean_ranks

ORDER = np.arange(6.0)
TIED = np.array([[1.0, 2, 2, 4, 5], [1, 1, 3, 3, 2], [5, 4, 3, 2, 2], [1, 2, 3, 4, 4]])


def test_iman_davenport_is_that_of_demsar() -> None:
    """C4.5 with and without tuned parameters on 14 data sets: Demšar 2006, s. 3.2.2."""
    assert iman_davenport(9.28, blocks=14, explainers=4) == pytest.approx(3.69, abs=0.005)


def test_f_has_its_degrees_and_their_p() -> None:
    test = friedman(np.array([[1.0, 2, 3], [1, 3, 2], [1, 2, 3], [1, 2, 3]]))
    assert test.degrees == (2, 6)
    assert test.f == pytest.approx(3 * 6.5 / (4 * 2 - 6.5))
    assert test.f_p == pytest.approx((1 + test.f / 3) ** -3)  # in closed form for two degrees above


def test_data_sets_that_all_agree_have_the_p_of_permutations_alone() -> None:
    test = friedman(np.tile(ORDER, (3, 1)))
    assert test.f == math.inf and test.f_p == test.p < 0.01
    assert friedman(np.tile(ORDER, (3, 1)), highest_first=True).f == math.inf
    tied = friedman(np.ones((3, 4)))
    assert (tied.f, tied.f_p, tied.p) == (0.0, 1.0, 1.0)


def test_equal_orders_agree_wholly_and_opposite_ones_not_at_all() -> None:
    same, opposite = agreement(np.stack([ORDER, 10 + ORDER**3])), agreement(np.stack([ORDER, -ORDER]))
    assert (same.w, same.spearman) == (pytest.approx(1), pytest.approx(1)) and same.p < 0.01
    assert (opposite.w, opposite.spearman, opposite.p) == (pytest.approx(0), pytest.approx(-1), 1.0)


def test_agreement_with_ties_is_that_of_scipy() -> None:
    made = agreement(TIED)
    assert made.w == pytest.approx(friedmanchisquare(*TIED.T).statistic / (4 * 4))
    correlations = spearmanr(TIED, axis=1).statistic
    assert made.spearman == pytest.approx(correlations[np.triu_indices(4, 1)].mean())


def test_w_with_ties_by_hand() -> None:
    """Ranks 1, 2, 3 and 1.5, 1.5, 3: sums 2.5, 3.5 and 6, with squared deviations from 4 that add up to 6.5."""
    assert agreement(np.array([[1.0, 2, 3], [1, 1, 2]])).w == pytest.approx(12 * 6.5 / (4 * 24 - 2 * 6))


def test_a_ranking_in_which_all_tie_has_no_correlation() -> None:
    made = agreement(np.stack([ORDER, np.zeros(6), ORDER]))
    assert made.spearman == pytest.approx(1) and made.w < 1
    none = agreement(np.zeros((2, 6)))
    assert math.isnan(none.w) and math.isnan(none.spearman) and none.p == 1.0


def test_rankings_by_chance_agree_by_chance() -> None:
    made = [agreement(values) for values in np.random.default_rng(0).normal(size=(150, 4, 6))]
    assert np.mean([one.w for one in made]) == pytest.approx(1 / 4, abs=0.03)
    assert np.mean([one.p <= 0.05 for one in made]) <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 150)
    assert np.mean([one.spearman for one in made]) == pytest.approx(0, abs=0.03)


def test_mean_ranks_by_hand() -> None:
    ranks = np.array([[1.0, 2, 3], [1, 3, 2], [1, 2, 3]])
    best, second, _ = mean_ranks(ranks)
    assert (best.mean, best.n, second.mean) == (1.0, 3, pytest.approx(7 / 3))
    mean_of_variances = (0 + 1 / 3 + 1 / 3) / 3
    assert best.half_width == pytest.approx(4.302653 * math.sqrt((mean_of_variances + STEP) / 3))
    assert second.half_width == pytest.approx(4.302653 * math.sqrt((1 / 3 + STEP) / 3))
    assert math.isnan(mean_ranks(ranks[:1])[0].half_width)


def test_no_interval_is_narrower_than_that_of_the_explainer_alone() -> None:
    ranks = rankdata(np.random.default_rng(0).normal(size=(5, 7)), axis=1)
    alone = [summarise(of_one).half_width for of_one in ranks.T.tolist()]
    assert all(made.half_width > half for made, half in zip(mean_ranks(ranks), alone, strict=True))


WORLDS = {
    "equal": (0.0, 1.0),
    "order that data sets rarely change": (1.0, 0.1),
    "order that they often change": (1.0, 0.5),
    "one that is always best": (0.0, 1.0),
}
"""Spread of true scores, and how far data sets deviate from them."""


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("num_sets", [3, 5, 10])
def test_intervals_of_mean_ranks_cover(world: str, num_sets: int) -> None:
    """Of few data sets as of many, also where these agree by luck and plain t intervals have no width."""
    spread, deviation = WORLDS[world]
    drawn = np.random.default_rng(0)
    scores = spread * np.linspace(0, 1, 6) + deviation * drawn.normal(size=(20_000, 6))
    scores[:, 0] -= 9 * (world == "one that is always best")
    ranks = rankdata(scores, axis=1)
    truth = ranks.mean(axis=0)
    runs = [mean_ranks(ranks[drawn.integers(len(ranks), size=num_sets)]) for _ in range(600)]
    covered = [
        [abs(made.mean - true) <= made.half_width for made, true in zip(run, truth, strict=True)] for run in runs
    ]
    assert np.mean(covered) >= 0.93
    assert np.min(np.mean(covered, axis=0)) >= 0.9
