"""The small vision transformer: shapes, parameters that fit, attention that can be read, and what it learns."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.training import score, train
from roarbench.benchmark.networks.vit import Attention, vit_tiny
from roarbench.benchmark.randomness import seeded


@pytest.mark.parametrize(("side", "patch"), [(8, 2), (28, 4), (32, 4), (64, 8), (224, 16)])
def test_patches_grow_with_images(side: int, patch: int) -> None:
    network: Any = vit_tiny((1, side, side), 3, width=8, depth=1, heads=2)
    assert network[0].patches.kernel_size == (patch, patch)
    assert network[0].positions.shape == (1, 1 + (side // patch) ** 2, 8)


def test_logits_follow_the_positions_of_patches() -> None:
    """Without positions, a transformer would give the same logits to patches in any order."""
    torch.manual_seed(0)
    network: Any = vit_tiny((1, 8, 8), 3, width=8, depth=2, heads=2)
    images = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        assert not torch.allclose(network(images), network(images.roll(2, 3)), atol=1e-4)
        network[0].positions.zero_()
        torch.testing.assert_close(network(images), network(images.roll(2, 3)), rtol=1e-4, atol=1e-5)


def test_attention_is_that_of_torch_and_its_weights_sum_to_one() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(8, 2), nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.load_state_dict({
        "in_proj_weight": ours.qkv.weight, "in_proj_bias": ours.qkv.bias,
        "out_proj.weight": ours.proj.weight, "out_proj.bias": ours.proj.bias,
    })  # fmt: skip
    kept: list[torch.Tensor] = []
    ours.weights.register_forward_hook(lambda _, __, weights: kept.append(weights))
    tokens = torch.randn(3, 5, 8)
    expected, weights = theirs(tokens, tokens, tokens, average_attn_weights=False)
    torch.testing.assert_close(ours(tokens), expected)
    torch.testing.assert_close(kept[0], weights)
    torch.testing.assert_close(kept[0].sum(3), torch.ones(3, 2, 5))


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"patch": 3}, r"vit_tiny\[patch\] must divide the sides of the images, \[8, 8\], got 3"),
        ({"patch": -1}, r"vit_tiny\[patch\] must be positive, got -1"),
        ({"heads": 3}, r"vit_tiny\[heads\] must divide the width, 64, got 3"),
        ({"depth": 0}, r"vit_tiny\[depth\] must be positive, got 0"),
        ({"width": 0}, r"vit_tiny\[width\] must be positive, got 0"),
    ],
)
def test_parameters_that_do_not_fit_are_named(parameters: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        vit_tiny((1, 8, 8), 3, **parameters)


@pytest.mark.slow
def test_digits_are_learned_by_the_quick_recipe(tmp_path: Path) -> None:
    data = build(plugin("digits", "dataset"), "dataset")(tmp_path)
    with seeded("digits"):
        network = classifier(plugin("vit_tiny", "classifier"), data.train, data.num_classes)
    train(network, data.train, Recipe(epochs=8, batch_size=128, learning_rate=0.01), pairing=("digits",))
    assert score(network.eval(), data.test).accuracy >= 0.9
