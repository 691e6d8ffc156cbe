"""Training: learns, repeats itself, and meets closed forms."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks import training
from roarbench.benchmark.networks.augmentation import augmented
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.training import _factor, score, train
from roarbench.benchmark.randomness import generator, seeded
from roarbench.datasets.base import Split
from roarbench.datasets.batches import batches

RECIPE = Recipe(epochs=15, batch_size=32, learning_rate=0.02)


def blobs(n: int = 300) -> Split:
    labels = torch.arange(n) % 3
    return Split(torch.randn(n, 2, generator=generator("blobs")) * 0.05 + labels[:, None] * 0.3 + 0.1, labels)


def trained(split: Split, recipe: Recipe, name: str = "mlp[width=16]") -> nn.Module:
    with seeded("weights"):
        network = classifier(plugin(name, "classifier"), split.inputs, 3)
    train(network, split, recipe, pairing=("test",))
    return network


@pytest.mark.parametrize(
    "change", [{}, {"optimiser": "sgd"}, {"schedule": "constant"}, {"schedule": "steps", "warmup_epochs": 2.0}]
)
def test_every_optimiser_and_schedule_learns(change: dict) -> None:
    assert score(trained(blobs(), replace(RECIPE, **change)), blobs()).accuracy > 0.95


def test_training_twice_gives_the_same_bits_whatever_happened_before() -> None:
    first = trained(blobs(), RECIPE)
    torch.rand(3)
    again = trained(blobs(), RECIPE)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_the_network_comes_back_in_eval_mode() -> None:
    assert not trained(blobs(), replace(RECIPE, epochs=1)).training


def test_a_last_example_alone_joins_the_batch_before_it() -> None:
    sizes = [len(batch) for batch in batches(torch.arange(129), 64)]
    assert sizes == [64, 65]
    assert [len(batch) for batch in batches(torch.arange(130), 64)] == [64, 64, 2]
    assert [len(batch) for batch in batches(torch.arange(1), 64)] == [1]


def test_weight_decay_leaves_biases_alone() -> None:
    network = trained(blobs(), replace(RECIPE, optimiser="sgd", weight_decay=1000.0, learning_rate=1e-3, momentum=0.0))
    weights = [p for p in network.parameters() if p.ndim > 1]
    biases = [p for p in network.parameters() if p.ndim == 1]
    assert max(p.abs().max().item() for p in weights) < 1e-3
    assert max(p.abs().max().item() for p in biases) > 1e-2


def test_least_squares_equals_the_normal_equations() -> None:
    split = blobs()
    network = trained(split, Recipe(optimiser="least_squares"), "linear")
    rows = torch.cat([split.inputs, torch.ones(len(split), 1)], 1).double()
    targets = nn.functional.one_hot(split.labels, 3).double()
    expected = rows @ torch.linalg.solve(rows.T @ rows, rows.T @ targets)
    assert torch.allclose(network(split.inputs).double(), expected, atol=1e-5)


def test_least_squares_survives_features_that_were_all_removed() -> None:
    split = blobs()
    split = replace(split, inputs=torch.cat([split.inputs, torch.full((len(split), 4), 0.3)], 1))
    assert score(trained(split, Recipe(optimiser="least_squares"), "linear"), split).accuracy > 0.6


def test_least_squares_refuses_a_deep_network() -> None:
    with pytest.raises(ValueError, match="linear"):
        trained(blobs(), Recipe(optimiser="least_squares"))


def test_an_empty_training_split_is_refused() -> None:
    with pytest.raises(ValueError, match="no training examples"):
        train(nn.Linear(2, 3), Split(torch.zeros(0, 2), torch.zeros(0, dtype=torch.long)), RECIPE, pairing=())


def test_score_by_hand() -> None:
    network = nn.Identity()
    split = Split(torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 0.0]]), torch.tensor([0, 1, 1, 0]))
    found = score(network, split)
    right = torch.log(1 + torch.exp(torch.tensor(-2.0)))
    assert found.accuracy == 0.75
    assert found.loss == pytest.approx((3 * right + right + 2).item() / 4, abs=1e-6)


def test_the_probability_of_classes_that_were_asked_for_is_that_by_hand_in_parts_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logits, classes = torch.randn(2500, 3, generator=generator("logits")), torch.arange(2500) % 3
    split = Split(logits, torch.zeros(2500, dtype=torch.int64))
    expected = sum(row.softmax(0)[wanted].item() for row, wanted in zip(logits, classes, strict=True)) / 2500
    whole = score(nn.Identity(), split, classes=classes)
    assert whole.probability == pytest.approx(expected, abs=1e-6)
    assert score(nn.Identity(), split).probability is None
    monkeypatch.setattr(training, "JOINED", 1)  # a part for every chunk
    assert score(nn.Identity(), split, classes=classes).probability == pytest.approx(expected, abs=1e-6)


def test_schedules_start_peak_and_end_where_they_should() -> None:
    cycle = [_factor(step, Recipe(epochs=10), 10) for step in range(100)]
    assert cycle[0] == pytest.approx(0.04)
    assert max(cycle) == pytest.approx(1)
    assert cycle[-1] < 0.01
    steps = [_factor(step, Recipe(epochs=90, schedule="steps", warmup_epochs=5.0), 1) for step in range(90)]
    assert steps[0] == pytest.approx(0.2)
    assert [steps[e] for e in (10, 30, 60, 80)] == pytest.approx([1, 0.1, 0.01, 0.001])


def test_shifts_move_whole_pixels_by_at_most_four_and_flip_half_of_the_images() -> None:
    images = torch.zeros(2000, 1, 11, 11)
    images[:, :, 5, 6] = 1.0
    moved = augmented(images, "shift_flip", generator("augment"))
    assert torch.allclose(moved, moved.round(), atol=1e-5)
    assert (moved.round().flatten(1).sum(1) == 1).all()
    rows, columns = moved.flatten(1).argmax(1) // 11, moved.flatten(1).argmax(1) % 11
    assert (rows.min(), rows.max()) == (1, 9)
    assert (columns.min(), columns.max()) == (0, 10)  # 6 +- 4 and, flipped, 4 +- 4
    assert abs(columns.double().mean().item() - 5) < 0.2


def test_crops_of_a_constant_image_are_constant() -> None:
    views = augmented(torch.full((50, 3, 16, 16), 0.7), "resized_crop", generator("augment"))
    assert views[:, :, 4:-4, 4:-4].sub(0.7).abs().max() < 1e-5


def test_a_training_that_takes_seconds_shows_its_steps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(blobs(), replace(RECIPE, epochs=1))
    assert "step" not in capsys.readouterr().err
    monkeypatch.setattr(training, "PATIENCE", 0.0)
    trained(blobs(), replace(RECIPE, epochs=1))
    assert "/10 [" in capsys.readouterr().err
