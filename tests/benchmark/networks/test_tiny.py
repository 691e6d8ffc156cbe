"""Convolutions as products compute what convolutions compute, and explainers rank alike by them."""

from pathlib import Path

import pytest
import torch
from torch import nn

from roarbench.benchmark.attribution.rankings import rank_splits
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Original, Ranking
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.precision import products
from roarbench.benchmark.networks.tiny import as_products, placement
from roarbench.benchmark.networks.training import train
from roarbench.benchmark.randomness import seeded

DATA, NETWORK = plugin("digits", "dataset"), plugin("cnn_small[width=8]", "classifier")
DIGITS = build(DATA, "dataset")(Path("data"))
RECIPE = Recipe(epochs=2, learning_rate=0.01)


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    """A network after two epochs of digits, which no test changes."""
    with seeded("tiny"):
        network = classifier(NETWORK, DIGITS.train.inputs, 10)
    train(network, DIGITS.train, RECIPE, pairing=("tiny",))
    return network


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 5, 4, stride=2, padding=1),
        nn.Conv2d(3, 5, 3, padding=1).to(memory_format=torch.channels_last),
        nn.Conv2d(3, 5, 3, padding=(1, 0), dilation=2),
        nn.Conv2d(3, 5, 3, stride=2, padding=1, bias=False),
        nn.Conv2d(3, 6, 3, groups=3),
        nn.Conv2d(3, 5, 3, padding=1, padding_mode="circular"),
    ],
)
@pytest.mark.parametrize("side", [6, 20])
def test_values_and_gradients_are_those_of_the_convolution(layer: nn.Conv2d, side: int) -> None:
    inputs = torch.rand(2, 3, side, side, requires_grad=True)
    expected = layer(inputs)
    wanted = torch.autograd.grad(expected.square().sum(), (inputs, layer.weight))
    with as_products(nn.Sequential(layer)):
        found = layer(inputs)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(found.square().sum(), (inputs, layer.weight)), wanted, rtol=1e-4, atol=1e-4
    )


def test_what_is_kept_of_a_bfloat16_pass_serves_float32() -> None:
    layer, inputs = nn.Conv2d(1, 2, 3, padding="same", dilation=3), torch.rand(2, 1, 5, 5)
    with as_products(nn.Sequential(layer)):
        with products("bf16", inputs.device):
            layer(inputs)
        assert layer(inputs).dtype == torch.float32


@pytest.mark.parametrize(("channels", "product"), [(16, True), (32, False)])
def test_a_layer_of_many_channels_stays_a_convolution(channels: int, product: bool) -> None:
    """Its matrix of 2^16 elements and more takes longer than the convolution."""
    layer, inputs = nn.Conv2d(channels, channels, 3, padding=1), torch.rand(2, channels, 4, 4)
    placement(layer, (4, 4))  # kept from its first use on, which is a convolution
    with torch.profiler.profile() as profile, as_products(nn.Sequential(layer)):
        layer(inputs)
    assert ("aten::conv2d" not in {event.key for event in profile.key_averages()}) == product


def test_a_network_is_itself_again_even_after_an_error() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3))
    with pytest.raises(RuntimeError, match="no such luck"), as_products(network):
        raise RuntimeError("no such luck")
    assert "forward" not in vars(network[0])


@pytest.mark.parametrize(
    "name",
    [
        "gradient", "guided_backprop", "integrated_gradients", "smoothgrad", "vargrad[base=guided_backprop]",
        "smoothgrad_squared[base=integrated_gradients,samples=2]", "deconvolution", "deep_lift",
        "grad_cam[layer=1.0]", "lrp",
        "gradient_shap", "occlusion", "lrp[rule=epsilon_plus]", "lrp[rule=gamma]", "full_grad", "guided_ig",
        "expected_gradients[samples=2]", "rise[samples=20]", "grad_cam[kind=hirescam,layer=1.0]",
        "captum[method=DeepLift]",
    ],
)  # fmt: skip
def test_explainers_rank_as_they_do_with_convolutions(trained: nn.Module, name: str) -> None:
    splits = {"train": DIGITS.train.at(torch.arange(100)), "test": DIGITS.test.at(torch.arange(100))}
    ranking = Ranking(Original(DATA, NETWORK, RECIPE, 0), plugin(name, "explainer"))
    plain = rank_splits(trained, splits, [ranking]).maps[0]
    with as_products(trained):
        fast = rank_splits(trained, splits, [ranking]).maps[0]
    for split in splits:
        # Equal but for units that tie up to rounding; the enlarged maps of Grad-CAM have more of them.
        assert (plain[split] != fast[split]).mean() < (0.01 if "grad_cam" in name else 1e-3)
