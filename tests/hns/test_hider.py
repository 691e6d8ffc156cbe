"""The hider against the published networks, layer by layer and parameter by parameter."""

import pytest
import torch
from torch import nn

from roarbench.hns.hider import LARGE, SMALL, hider_large, hider_small, lean_towards_keeping
from roarbench.hns.model import fresh_hider
from roarbench.hns.settings import Settings

NONE = torch.device("meta")


def num_parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 12, 20)])
def test_a_mask_has_the_size_of_its_image(shape: tuple[int, int, int]) -> None:
    for mask_channels in {1, shape[0]}:
        logits = hider_small(shape, mask_channels=mask_channels)(torch.rand(2, *shape))
        assert logits.shape == (2, mask_channels, *shape[1:])
        assert logits.isfinite().all()


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 64, 96), (3, 224, 224)])
@pytest.mark.parametrize("mask_channels", [1, 3])
def test_a_mask_of_the_large_hider_has_the_size_of_its_image(shape: tuple[int, int, int], mask_channels: int) -> None:
    with NONE:
        logits = hider_large(shape, mask_channels=mask_channels)(torch.rand(2, *shape))
    assert logits.shape == (2, mask_channels, *shape[1:])


@pytest.mark.parametrize(
    ("shape", "mask_channels", "count"),
    [((1, 28, 28), 1, 585_677), ((3, 32, 32), 1, 857_361), ((3, 32, 32), 3, 857_371)],
)
def test_the_small_hider_has_the_published_number_of_parameters(
    shape: tuple[int, int, int], mask_channels: int, count: int
) -> None:
    assert num_parameters(hider_small(shape, mask_channels=mask_channels)) == count


def test_the_large_hider_has_the_published_number_of_parameters() -> None:
    with NONE:
        assert num_parameters(hider_large((3, 192, 192), mask_channels=3)) == 12_910_635


def test_the_small_hider_has_the_published_layers() -> None:
    layers = list(hider_small((1, 28, 28)))
    convolution, transposed = nn.Conv2d, nn.ConvTranspose2d
    assert [type(layer) for layer in layers] == [
        *(convolution, nn.ReLU, convolution, nn.ReLU),
        *(nn.Flatten, nn.Linear, nn.Linear, nn.Unflatten),
        *(transposed, nn.ReLU, transposed, nn.ReLU),
        convolution,
    ]
    strided = [layer for layer in layers if isinstance(layer, convolution | transposed)][:-1]
    assert [(c.in_channels, c.out_channels) for c in strided] == [(1, 32), (32, 64), (16, 8), (8, 4)]
    assert all((c.kernel_size, c.stride, c.padding) == ((4, 4), (2, 2), (1, 1)) for c in strided)
    dense = [layer for layer in layers if isinstance(layer, nn.Linear)]
    assert [(d.in_features, d.out_features) for d in dense] == [(64 * 7 * 7, 140), (140, 7 * 7 * 16)]


def test_the_large_hider_has_the_published_channels_and_bottleneck() -> None:
    with NONE:
        layers = list(hider_large((3, 192, 192), mask_channels=3))
    encoder = [layer.out_channels for layer in layers if type(layer) is nn.Conv2d]
    decoder = [layer.out_channels for layer in layers if type(layer) is nn.ConvTranspose2d]
    dense = [(layer.in_features, layer.out_features) for layer in layers if type(layer) is nn.Linear]
    assert (encoder, decoder) == ([32, 64, 128, 256, 256, 3], [64, 32, 16, 8, 4])
    assert dense == [(256 * 6 * 6, 960), (960, 6 * 6 * 64)]


def test_the_bottleneck_of_an_oblong_image_lies_between_those_of_its_sides() -> None:
    dense = [layer for layer in hider_small((1, 12, 20)) if isinstance(layer, nn.Linear)]
    assert [layer.out_features for layer in dense] == [5 * 16, 3 * 5 * 16]


@pytest.mark.parametrize(
    ("build", "shape", "message"),
    [
        (hider_small, (1, 30, 28), "the sides of an image must be divisible by 4, got 30 x 28"),
        (hider_small, (1, 28, 27), "the sides of an image must be divisible by 4, got 28 x 27"),
        (hider_large, (3, 48, 64), "the sides of an image must be divisible by 32, got 48 x 64"),
        (hider_small, (12,), r"needs images \(c, h, w\), got features \(12,\)"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(build: object, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(shape)  # type: ignore[operator]


def test_a_plan_divides_by_its_strides() -> None:
    assert (SMALL.divisor, LARGE.divisor) == (4, 32)


def test_weights_are_glorot_uniform_and_biases_zero() -> None:
    """The largest of many uniform numbers lies close below sqrt(6 / (fan in + fan out)), and none above."""
    for layer in hider_small((1, 28, 28)):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            fans = layer.weight.shape[0] + layer.weight.shape[1]
            limit = (6 / (fans * layer.weight[0, 0].numel())) ** 0.5
            largest = layer.weight.abs().max().item()
            assert largest <= limit + 1e-7
            assert largest > limit * (0.95 if layer.weight.numel() > 100 else 0.2)
            assert layer.bias is not None and (layer.bias == 0).all()


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)])
def test_a_new_hider_keeps_about_the_share_it_is_told(shape: tuple[int, int, int], keep: float) -> None:
    torch.manual_seed(0)
    hider = fresh_hider(Settings(initial_keep=keep), shape)
    probability = torch.sigmoid(hider(torch.rand(16, *shape)))
    assert probability.mean().item() == pytest.approx(keep, abs=0.02)


@pytest.mark.parametrize("keep", [0.0, 1.0, -0.1, 30.0])
def test_an_initial_share_outside_zero_and_one_is_refused(keep: float) -> None:
    with pytest.raises(ValueError, match=r"initial_keep must lie in \(0, 1\), got"):
        lean_towards_keeping(hider_small((1, 8, 8)), keep)
