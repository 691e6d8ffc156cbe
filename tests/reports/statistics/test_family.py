"""One test for all pairs: laws, textbook values, and error, coverage and power where the truth is known."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.special import polygamma
from scipy.stats import invgamma, ttest_rel

from roarbench.reports.statistics.crossed import crossed_summary, image_covariance
from roarbench.reports.statistics.family import Difference, Family, compare
from roarbench.reports.statistics.groups import groups, marks
from roarbench.reports.statistics.moderation import prior, trigamma_inverse
from roarbench.reports.statistics.scores import Scores
from tests.reports.statistics.simulation import METHODS, Case, World, coverage, rates

NOMINAL = 0.05


def error_of(rate: float, simulated: int) -> float:
    """Four standard errors of a simulated rate."""
    return 4 * math.sqrt(rate * (1 - rate) / simulated)


def scored(values: np.ndarray) -> Scores:
    """Explainers "00", "01", ... with a row of seeds each."""
    return Scores({f"{i:02}": dict(enumerate(row.tolist())) for i, row in enumerate(values)})


def normal(explainers: int, seeds: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(explainers, seeds))


# by hand


def test_two_explainers_have_the_paired_t_test() -> None:
    values = normal(2, 6) + np.array([[0.8], [0.0]])
    difference = compare(scored(values)).difference("00", "01")
    assert difference.mean == pytest.approx((values[0] - values[1]).mean())
    assert difference.p == pytest.approx(ttest_rel(*values).pvalue, abs=0.02)
    exact = ttest_rel(*values).confidence_interval(0.95)
    assert 2 * difference.half_width == pytest.approx(exact.high - exact.low, rel=0.1)


def test_the_prior_is_that_which_variances_were_drawn_from() -> None:
    drawn = invgamma(a=8 / 2, scale=8 * 3.0 / 2).rvs(20_000, random_state=0)  # 8 degrees, variance 3
    samples = drawn * np.random.default_rng(1).chisquare(4, drawn.size) / 4
    fitted = prior(samples, np.full(samples.size, 4.0))
    assert float(fitted.degrees) == pytest.approx(8, rel=0.1) and float(fitted.variance) == pytest.approx(3, rel=0.03)


def test_variances_that_are_one_are_pooled() -> None:
    samples = np.random.default_rng(0).chisquare(2, 5000) / 2
    fitted = prior(samples, np.full(samples.size, 2.0))
    assert fitted.degrees > 50
    assert fitted.moderated(samples, np.full(samples.size, 2.0)) == pytest.approx(1, abs=0.3)


def test_few_variances_have_nothing_in_common() -> None:
    degrees = np.array([2.0, 2.0])
    assert prior(np.array([1.0, 9.0]), degrees).moderated(np.array([1.0, 9.0]), degrees).tolist() == [1.0, 9.0]


@pytest.mark.parametrize("x", [0.01, 0.5, 3.0, 200.0])
def test_the_inverse_of_trigamma(x: float) -> None:
    assert float(trigamma_inverse(polygamma(1, x))) == pytest.approx(x)


def test_the_covariance_of_images_is_that_which_scores_were_drawn_from() -> None:
    random, (n, m) = np.random.default_rng(0), (4, 20_000)
    effects = random.multivariate_normal([0, 0], [[1.0, 0.6], [0.6, 0.5]], m).T
    scores = effects[:, None] + random.normal(size=(2, n, 1)) + 2 * random.normal(size=(2, n, m))
    assert m * image_covariance(scores) == pytest.approx(np.array([[1.0, 0.6], [0.6, 0.5]]), abs=0.08)


def test_images_that_all_score_alike_add_nothing() -> None:
    scores = np.repeat(normal(2, 3)[..., None], 7, axis=2)
    assert image_covariance(scores) == pytest.approx(np.zeros((2, 2)), abs=1e-12)


# laws


def test_an_interval_excludes_zero_exactly_where_the_difference_is_significant() -> None:
    for seed in range(20):
        family = compare(scored(normal(8, 4, seed) + 1.2 * np.arange(8)[:, None]))
        for difference in family.differences.values():
            assert difference.significant == (abs(difference.mean) > difference.half_width)


def test_a_difference_turned_round_is_the_same_with_its_sign_turned() -> None:
    family = compare(scored(normal(4, 5)))
    one, other = family.difference("00", "03"), family.difference("03", "00")
    assert (one.mean, one.p, one.half_width, one.n) == (-other.mean, other.p, other.half_width, other.n)


def test_neither_the_order_of_explainers_nor_a_common_shift_matters() -> None:
    values = normal(5, 4)
    family, shifted = compare(scored(values)), compare(scored(values + 7.0 + normal(1, 4, 3)))
    turned = compare(Scores(dict(reversed(scored(values).by_seed.items()))))
    for pair in combinations(["00", "01", "04"], 2):
        assert family.difference(*pair).mean == pytest.approx(shifted.difference(*pair).mean)
        assert family.difference(*pair).p == pytest.approx(shifted.difference(*pair).p)
        assert family.difference(*pair) == turned.difference(*pair)


@pytest.mark.parametrize("seeds", [0, 1, 2])
def test_fewer_than_three_seeds_prove_nothing(seeds: int) -> None:
    family = compare(scored(normal(4, seeds)))
    assert family.model is None and math.isnan(family.detectable)
    assert (family.needed(100.0) is None) == (seeds < 2)  # two seeds are enough for advice
    assert all(math.isnan(one.p) and one.n == seeds for one in family.differences.values())
    assert groups(family).letters == {} and marks(family, "low") == {}


def test_seeds_that_agree_exactly_prove_nothing() -> None:
    """Accuracies are counts of images: a few seeds agree by chance."""
    assert compare(scored(np.array([[0.5] * 3, [0.6] * 3]))).model is None
    assert compare(scored(np.repeat(normal(5, 1), 3, axis=1))).model is None


def test_equal_accuracies_are_no_copies_unless_the_same_images_are_hit() -> None:
    images = np.array([[1.0, 0, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1]], np.float32)
    by_image = {e: dict.fromkeys(range(3), of) for e, of in zip("xyz", images, strict=True)}
    family = compare(Scores({e: dict.fromkeys(range(3), 0.5) for e in "xyz"}, by_image))
    assert family.difference("x", "z").within(1e-6) and not family.difference("x", "y").within(1.0)


def test_a_seed_that_one_explainer_lacks_leaves_the_images_of_the_others() -> None:
    random = np.random.default_rng(0)
    images = random.normal(size=(5, 1, 50)) + 0.1 * random.normal(size=(5, 4, 50))
    by_image = {f"{i:02}": dict(enumerate(of)) for i, of in enumerate(images)}
    scores = {e: {s: float(v.mean()) for s, v in of.items()} for e, of in by_image.items()}
    whole = compare(Scores(scores, by_image))
    del by_image["04"][0], scores["04"][0], by_image["04"][1], scores["04"][1], by_image["04"][2], scores["04"][2]
    lacking = compare(Scores(scores, by_image))
    assert lacking.difference("00", "01").half_width == pytest.approx(whole.difference("00", "01").half_width, rel=0.2)


def test_pairs_are_of_common_seeds() -> None:
    values = {"a": {0: 3.0, 1: 5.0, 2: 4.0, 3: math.nan}, "b": {1: 1.0, 2: 2.0, 3: 9.0}, "c": {}, "d": {0: 1.0}}
    family = compare(Scores(values))
    assert (family.difference("a", "b").mean, family.difference("a", "b").n) == (3.0, 2)
    assert family.difference("a", "c").n == 0 and family.difference("a", "d").mean == 2.0
    assert family.means == {"a": 4.0, "b": 4.0, "d": 1.0}


def test_one_explainer_is_compared_with_nobody() -> None:
    assert compare(scored(normal(1, 5))).differences == {}


def test_a_copy_does_not_make_others_certain() -> None:
    """A pair that never differs has no variance; it must not count as what variances have in common."""
    values = normal(8, 3)
    alone, beside = compare(scored(values)), compare(scored(np.concatenate([values, values[:1]])))
    assert beside.difference("00", "08").p == 1.0
    ratios = [beside.difference(*pair).half_width / alone.difference(*pair).half_width for pair in alone.differences]
    assert min(ratios) > 0.7 and max(ratios) < 1.6


def test_more_seeds_are_needed_for_smaller_differences() -> None:
    family = compare(scored(normal(6, 4)))
    needed = [family.needed(size) or math.inf for size in (4.0, 2.0, 1.0, 0.01)]
    assert needed == sorted(needed) and needed[0] < math.inf and needed[-1] == math.inf


def test_where_images_vary_no_number_of_seeds_suffices() -> None:
    random = np.random.default_rng(0)
    hard = random.normal(size=(5, 1, 40))
    images = hard + 0.01 * random.normal(size=(5, 4, 40))
    by_image = {f"{i:02}": dict(enumerate(of)) for i, of in enumerate(images)}
    family = compare(Scores({e: {s: float(v.mean()) for s, v in of.items()} for e, of in by_image.items()}, by_image))
    assert family.needed(0.01) is None
    assert family.difference("00", "01").half_width > 0.3 > 10 * compare(scored(images.mean(axis=2))).detectable / 2


# letters and marks


def test_letters_follow_the_means_from_the_best() -> None:
    family = compare(scored(0.01 * normal(3, 4) + np.array([[9.0], [0.0], [5.0]])))
    assert groups(family).letters == {"00": "c", "01": "a", "02": "b"}
    assert groups(family, highest_first=True).letters == {"00": "a", "01": "c", "02": "b"}


def test_many_letters_are_replaced_by_groups_of_neighbours() -> None:
    """Each x differs from its y alone, hence 2^6 maximal sets without a difference."""
    names = [f"{side}{i}" for i in range(6) for side in "xy"]
    pairs = {
        pair: Difference(1.0, 2.0, 3, 0.01 if pair[0][1] == pair[1][1] else 0.5) for pair in combinations(names, 2)
    }
    means = {name: float(i) for i, name in enumerate(names)}
    lettering = groups(Family(means, pairs, compare(scored(normal(3, 3))).model, np.ones((12, 3), bool)))
    assert lettering.coarse and set(lettering.letters.values()) == {"a"}


# where the truth is known


@pytest.mark.parametrize(
    "case",
    [
        Case(4, 3),
        Case(15, 3, 0.7),
        Case(20, 5, 0.7),
        Case(12, 3, 0.5, accuracy=0.95),
        Case(3, 3, 0.7),
        Case(6, 3, noisy=3),
    ],
    ids=str,
)
def test_equals_are_called_different_in_at_most_one_family_of_twenty(case: Case) -> None:
    error, _ = rates(case, METHODS["moderated by pair, max-T"], 80)
    assert error <= NOMINAL + error_of(NOMINAL, 80)


def test_three_seeds_find_many_times_more_than_tests_pair_by_pair() -> None:
    case = Case(15, 3, 0.7, 6.0)
    power = {name: rates(case, METHODS[name], 30)[1] for name in ("paired t, Holm", "moderated by pair, max-T")}
    assert power["paired t, Holm"] < 0.1 < 0.4 < power["moderated by pair, max-T"]


def families(truth: np.ndarray, draws: int) -> list[Family]:
    random = np.random.default_rng(0)
    return [compare(scored(truth[:, None] + random.normal(size=(len(truth), 4)))) for _ in range(draws)]


def test_all_intervals_of_a_family_cover_at_once() -> None:
    truth = np.array([0.0, 0.0, 1.0, 2.0, 5.0])
    covered = [
        all(abs(d.mean - (truth[int(a)] - truth[int(b)])) <= d.half_width for (a, b), d in family.differences.items())
        for family in families(truth, 200)
    ]
    assert np.mean(covered) >= 0.95 - error_of(0.95, 200)


def test_what_is_called_detectable_is_detected_four_times_in_five() -> None:
    size = float(np.median([family.detectable for family in families(np.zeros(6), 40)]))
    found = [
        np.mean([family.differ(f"{i:02}", f"{j:02}") for i in range(3) for j in range(3, 6)])
        for family in families(np.repeat([0.0, size], 3), 150)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize("n", [3, 5])
def test_intervals_over_seeds_and_images_cover_95_percent(n: int) -> None:
    """Of the mean over all seeds and images there could be, not of those at hand."""
    random, m, covered = np.random.default_rng(n), 60, []
    for _ in range(800):
        images = random.normal(size=m) + 0.15 * random.normal(size=(n, 1)) + random.normal(size=(n, m))
        summary = crossed_summary(images.mean(axis=1), images)
        covered.append(abs(summary.mean) <= summary.half_width)
    assert 0.95 - error_of(0.95, 800) <= np.mean(covered) < 0.98


def test_intervals_of_hits_cover_the_accuracy_on_all_images_and_seeds() -> None:
    means, differences = coverage(World(6, 3, images=150), 200)
    assert 0.93 < means < 0.985
    assert differences >= 0.95 - error_of(0.95, 200)
