"""Laws of the protocol: what must come out if removal, retraining and controls are right."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from roarbench.benchmark.execution.session import Resources, run
from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.training import score, train
from roarbench.benchmark.randomness import generator, seeded
from roarbench.benchmark.removal import fills
from roarbench.benchmark.removal import ranks as removal
from roarbench.datasets.base import Dataset
from roarbench.datasets.statistics import channel_mean
from roarbench.reports.rows.load import curves, load

pytestmark = pytest.mark.whole

Build = Callable[..., Matrix]


def accuracies(matrix: Matrix, folder: Path) -> dict[tuple, float]:
    """Mean test accuracy over seeds by (explainer, order, retrain, probe, removal fraction)."""
    run(matrix, folder, Resources(folder, "cpu", workers=0))
    joined = curves(load(folder))
    assert set(joined.status) == {"done"}
    keys = ["explainer", "order", "retrain", "probe", "removal_fraction"]
    return {tuple(k): float(v) for k, v in joined.groupby(keys).test_accuracy.mean().items()}


DRAWS = 4


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple, float]:
    matrix = replace(presets.load("roar_toy"), datasets=("roar_toy[draw=seed,train=4000,test=4000]",), seeds=DRAWS)
    return accuracies(matrix, tmp_path_factory.mktemp("toy"))


def toy_optimum(draw: int, features: range) -> float:
    """Accuracy of the best linear classifier of one draw: 1 - arccos(r) / pi, r its correlation with z."""
    a, d = np.random.default_rng(draw).spawn(3)[0].standard_normal((2, 16))
    a[4:] = 0
    a, d = a[features.start : features.stop], d[features.start : features.stop]
    covariance = np.outer(a, a) / 100 + np.outer(d, d) + np.eye(len(a)) / 100
    explained = (a / 10) @ np.linalg.solve(covariance, a / 10)
    return 1 - math.acos(math.sqrt(explained)) / math.pi


def test_toy_reaches_the_closed_form_before_and_after_all_irrelevant_features_are_gone(toy: dict) -> None:
    for fraction, features in ((0.0, range(16)), (0.75, range(4))):
        expected = sum(toy_optimum(draw, features) for draw in range(DRAWS)) / DRAWS
        assert toy["truth[inverted=true,shared=true]", "morf", True, "image", fraction] == pytest.approx(
            expected, abs=0.01
        )


def test_toy_inverted_ranking_keeps_its_accuracy_after_retraining(toy: dict) -> None:
    clean = toy["truth[shared=true]", "morf", True, "image", 0.0]
    for removed in (4, 8):
        assert toy["truth[inverted=true,shared=true]", "morf", True, "image", removed / 16] > clean - 0.02


def test_toy_inverted_ranking_looks_right_without_retraining(toy: dict) -> None:
    clean = toy["truth[shared=true]", "morf", False, "image", 0.0]
    assert toy["truth[inverted=true,shared=true]", "morf", False, "image", 0.5] < clean - 0.15


def test_toy_truth_falls_to_chance_with_its_four_features(toy: dict) -> None:
    assert abs(toy["truth[shared=true]", "morf", True, "image", 0.25] - 0.5) < 0.03


def test_random_kar_equals_random_roar_of_the_other_share(small_matrix: Build, tmp_path: Path) -> None:
    matrix = small_matrix(
        explainers=("random",), fractions=(0.1, 0.5, 0.9), seeds=3, mask_fractions=(0.1, 0.5, 0.9),
        recipe=Recipe(epochs=8, batch_size=64, learning_rate=0.01),
    )  # fmt: skip
    found = accuracies(matrix, tmp_path)
    for t in matrix.fractions:  # keeping 1 - t at random is removing t at random
        assert abs(found["random", "lerf", True, "image", t] - found["random", "morf", True, "image", t]) < 0.05
    masks = [value for (*_, probe, t), value in found.items() if probe == "mask" and t > 0]
    assert len(masks) == 3  # those of the other order are their complements
    assert abs(sum(masks) / 3 - 0.1) < 0.03  # chance, +- three standard errors of 9 networks on 450 images


@pytest.fixture(scope="module")
def squares() -> Dataset:
    return build(plugin("squares[train=800,test=400,validation=0.0]", "dataset"), "dataset")(Path())  # type: ignore[no-any-return]


def retrained(data: Dataset, *, removal_fraction: float, order: str) -> float:
    """Test accuracy after removal by the ground truth."""
    assert data.train.truth
    train_mean = channel_mean(data.train.inputs)

    def reduced(name: str) -> Tensor:
        inputs = data.splits[name].inputs
        ranks = removal.rank(data.train.truth(inputs), unit="pixel", magnitude=True, generator=generator("ties", name))  # type: ignore[misc]
        mask = removal.kept(ranks, removal_fraction=removal_fraction, order=order)  # type: ignore[arg-type]
        return removal.remove(inputs, mask, fills.mean, train_mean, inputs.clone)

    seen = {name: replace(data.splits[name], inputs=reduced(name)) for name in ("train", "test")}
    with seeded("weights"):
        network = classifier(plugin("resnet8[width=8]", "classifier"), data.train.inputs, data.num_classes)
    train(network, seen["train"], Recipe(epochs=6, batch_size=32, learning_rate=0.01), pairing=("squares",))
    return score(network, seen["test"]).accuracy


def test_removing_the_ground_truth_first_drives_accuracy_to_chance(squares: Dataset) -> None:
    assert retrained(squares, removal_fraction=0.1, order="morf") < 0.32  # 25 of 256 pixels carry 4 classes


def test_removing_the_ground_truth_last_leaves_accuracy_intact(squares: Dataset) -> None:
    original = retrained(squares, removal_fraction=0.0, order="morf")
    assert original > 0.95
    assert retrained(squares, removal_fraction=0.9, order="lerf") > original - 0.03
