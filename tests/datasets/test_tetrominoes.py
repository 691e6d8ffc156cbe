"""Tetrominoes: the truth is where they lie, their weight is what was asked, and only one scenario is linear."""

from itertools import product
from math import erf, sqrt
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.tetrominoes import ALPHAS, Background, L, Scenario, T, tetrominoes

KINDS = list(product(get_args(Scenario), get_args(Background)))
TURNED = [np.rot90(shape, turn) for shape in (T, L) for turn in range(4)]


def load(scenario: str, background: str, **parameters: Any) -> Dataset:
    return tetrominoes(Path(), scenario=scenario, background=background, **({"validation": 0.0} | parameters))


@pytest.fixture(params=KINDS, ids="-".join)
def data(request: pytest.FixtureRequest) -> Dataset:
    return load(*request.param, train=1001, test=200, validation=0.1)


def boxes(masks: Tensor) -> list[np.ndarray]:
    """The smallest rectangle around each mask."""
    return [mask[mask.any(1)][:, mask.any(0)].numpy() for mask in masks[:, 0].bool()]


def accuracy(fitted: Split, scored: Split, pixels: Any = slice(None)) -> float:
    """Test accuracy of least squares on some of the pixels."""
    (x, y), (x_test, y_test) = (
        (split.inputs.flatten(1).double()[:, pixels], 2 * split.labels.double() - 1) for split in (fitted, scored)
    )
    weights = torch.linalg.pinv(x - x.mean(0), rtol=1e-10) @ y
    return float((((x_test - x.mean(0)) @ weights) * y_test > 0).double().mean())


def test_every_scenario_has_a_weight_on_every_background() -> None:
    assert set(ALPHAS) == set(KINDS)


def test_classes_are_as_even_as_whole_examples_allow(data: Dataset) -> None:
    for split in data.splits.values():
        assert abs(int(split.labels.sum()) * 2 - len(split)) <= 2


@pytest.mark.parametrize("background", get_args(Background))
def test_the_truth_of_what_moves_is_one_whole_tetromino_of_the_class(background: str) -> None:
    split = load("rotated", background, train=2000).train
    shapes = boxes(split.relevance())
    seen = [next(i for i, shape in enumerate(TURNED) if np.array_equal(box, shape)) for box in shapes]
    assert [i // 4 for i in seen] == split.labels.tolist()
    assert np.bincount(seen, minlength=8).min() > 250 - 4 * sqrt(250)


def test_tetrominoes_lie_anywhere_and_their_place_does_not_tell_the_class() -> None:
    split = load("rotated", "white", train=8000).train
    counts = torch.stack([split.relevance()[split.labels == k].sum((0, 1)) for k in range(2)])
    assert counts.min() > 0
    assert ((counts[0] - counts[1]).abs() < 5 * counts.sum(0).sqrt() + 0.1 * counts.sum(0)).all()


@pytest.mark.parametrize("scenario", ["linear", "multiplicative", "xor"])
def test_the_truth_of_what_stands_still_is_both_tetrominoes_in_every_image(scenario: str) -> None:
    truth = load(scenario, "white", train=20).train.relevance()
    assert (truth == truth[0]).all()
    assert np.array_equal(truth[0, 0, 1:4, 1:3].numpy(), T) and np.array_equal(truth[0, 0, 4:7, 5:7].numpy(), L)
    assert truth[0].sum() == 8


@pytest.mark.parametrize(("scenario", "background"), [kind for kind in KINDS if kind[0] != "multiplicative"])
def test_without_noise_only_the_truth_is_left(scenario: str, background: str) -> None:
    split = load(scenario, background, alpha=1.0, train=40).train
    shown = split.inputs != 0.5
    assert torch.equal(shown & split.relevance().bool(), shown)
    assert (shown.sum((1, 2, 3)) == (8 if scenario == "xor" else 4)).all()
    assert (split.inputs - 0.5).abs().max() == 0.5


@pytest.mark.parametrize("background", get_args(Background))
def test_signs_alone_tell_the_class_of_xor(background: str) -> None:
    split = load("xor", background, alpha=1.0, train=40).train
    t, ell = split.inputs[:, 0, 2, 1] > 0.5, split.inputs[:, 0, 5, 5] > 0.5
    assert torch.equal((t ^ ell).long(), split.labels)
    assert {*zip(t.tolist(), ell.tolist(), strict=True)} == {*product([False, True], repeat=2)}


def test_dimmed_pixels_are_those_of_the_class_alone() -> None:
    """Fully dimmed, the T of class 0 and the L of class 1 are grey, and nothing else is."""
    split = load("multiplicative", "white", alpha=1.0, train=40).train
    grey, (t, ell) = split.inputs == 0.5, torch.zeros(2, 1, 8, 8, dtype=torch.bool)
    t[0, 1:4, 1:3], ell[0, 4:7, 5:7] = torch.from_numpy(T).bool(), torch.from_numpy(L).bool()
    assert torch.equal(grey, torch.where((split.labels == 0)[:, None, None, None], t, ell))


@pytest.mark.parametrize("alpha", [0.1, 0.18, 0.4])
def test_the_template_separates_the_linear_scenario_as_well_as_theory_says(alpha: float) -> None:
    """Signal alpha / 2 on 4 of 8 pixels, noise of deviation (1 - alpha) / 8."""
    test = load("linear", "white", alpha=alpha, test=8000).test
    inputs = test.inputs[:, 0]
    t, ell = inputs[:, 1:4, 1:3][:, T > 0].sum(1), inputs[:, 4:7, 5:7][:, L > 0].sum(1)
    found = float(((ell > t).long() == test.labels).double().mean())
    distance = sqrt(8) * alpha / 2 / ((1 - alpha) / 8) / 2
    assert found == pytest.approx((1 + erf(distance / sqrt(2))) / 2, abs=4 * 0.5 / sqrt(8000))


def test_only_the_linear_scenario_is_linear() -> None:
    for scenario, background in KINDS:
        made = load(scenario, background)
        found = accuracy(made.train, made.test)
        assert found > 0.8 if scenario == "linear" else abs(found - 0.5) < 0.07, (scenario, background, found)


def test_background_that_knows_nothing_of_the_class_suppresses_noise_where_it_is_correlated() -> None:
    """Without the background the linear scenario is hardly solved; with white noise nothing is lost."""
    for background, gains in (("correlated", True), ("white", False)):
        made = load("linear", background)
        truth = made.train.relevance()[0].flatten().bool()
        alone = accuracy(made.train, made.test, ~truth)
        gain = accuracy(made.train, made.test) - accuracy(made.train, made.test, truth)
        assert abs(alone - 0.5) < 0.07
        assert (gain > 0.2) if gains else abs(gain) < 0.02


def test_neighbours_are_alike_where_noise_is_correlated() -> None:
    for background, low, high in (("white", -0.05, 0.05), ("correlated", 0.9, 1.0)):
        x = load("xor", background, alpha=1e-6, train=2000).train.inputs[:, 0].double()
        found = float(torch.corrcoef(torch.stack([x[:, 3, 3], x[:, 3, 4]]))[0, 1])
        assert low < found < high


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": 0.0}, r"alpha must lie in \(0, 1\], got 0.0"),
        ({"alpha": 1.5}, r"alpha must lie in \(0, 1\], got 1.5"),
        ({"alpha": float("nan")}, r"alpha must lie in \(0, 1\], got nan"),
        ({"train": 3}, "train must be 4 or more, got 3"),
        ({"test": 0}, "test must be 4 or more"),
        ({"draw": -1}, "draw must be 0 or more"),
    ],
)
def test_impossible_tetrominoes_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tetrominoes(Path(), **parameters)
