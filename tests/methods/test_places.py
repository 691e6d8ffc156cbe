"""Explainers on signals and volumes: what holds for an image of one row, or of equal slices, holds there."""

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.networks.cnn_nd import cnn_nd
from roarbench.datasets.base import Split
from roarbench.methods.base import Explainer
from roarbench.methods.controls import Center, Sobel
from roarbench.methods.grad_cam import WEIGHTS, GradCam
from roarbench.methods.perturbation import KernelShap, Lime, Occlusion, numbered
from roarbench.methods.rise import masks

SHAPES = [(2, 16), (3, 8, 12), (1, 6, 8, 10)]


def explained(explainer: Explainer, network: nn.Module, inputs: Tensor) -> Tensor:
    train = Split(torch.rand(8, *inputs.shape[1:]), torch.zeros(8, dtype=torch.int64))
    return explainer.prepare(network.eval(), train)(inputs, torch.zeros(len(inputs), dtype=torch.int64))


def ending(axes: int) -> list[nn.Module]:
    average = nn.AdaptiveAvgPool1d if axes == 1 else nn.AdaptiveAvgPool2d
    return [nn.ReLU(), average(1), nn.Flatten(), nn.Linear(6, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_occlusion_is_the_mean_drop_over_windows(shape: tuple[int, ...]) -> None:
    """Of a linear network the drop of a window is the sum of its products, so a plain loop over places knows it."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 2))
    inputs = torch.rand(1, *shape)
    products = (inputs[0] * network[1].weight[0].view(shape)).sum(0)
    maps = explained(Occlusion(window=2, stride=2), network, inputs)[0, 0]
    for place in torch.cartesian_prod(*map(torch.arange, shape[1:])).view(-1, len(shape) - 1)[::5]:
        window = products[tuple(slice(int(at) // 2 * 2, int(at) // 2 * 2 + 2) for at in place)]
        torch.testing.assert_close(maps[tuple(place)], window.sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_superpixels_are_blocks(shape: tuple[int, ...]) -> None:
    numbers = numbered(shape, 4)
    counts = [-(-length // 4) for length in shape[1:]]
    for place in torch.cartesian_prod(*map(torch.arange, shape[1:])).view(-1, len(shape) - 1).tolist():
        expected = 0
        for at, count in zip(place, counts, strict=True):
            expected = expected * count + at // 4
        assert numbers[tuple(place)] == expected


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("explainer", [Lime(samples=20), KernelShap(samples=20), *map(GradCam, (None,))])
def test_maps_have_one_value_for_all_channels_of_a_place(explainer: Explainer, shape: tuple[int, ...]) -> None:
    maps = explained(explainer, cnn_nd(shape, 3, width=4, layers=2), torch.rand(2, *shape))
    assert maps.shape == (2, *shape) and maps.isfinite().all()
    assert (maps == maps[:, :1]).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_masks_of_rise_have_the_shape_of_places_and_the_mean_of_their_share(shape: tuple[int, ...]) -> None:
    drawn = torch.stack(list(masks(400, 4, 0.3, shape)))
    assert drawn.shape == (400, *shape[1:])
    assert drawn.mean() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("kind", WEIGHTS)
def test_grad_cam_of_a_signal_is_that_of_an_image_of_one_row(kind: str) -> None:
    of_signal = nn.Sequential(nn.Conv1d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv1d(4, 6, 3, padding=1), *ending(1))
    of_image = nn.Sequential(
        nn.Conv2d(2, 4, (1, 3), padding=(0, 1)), nn.ReLU(), nn.Conv2d(4, 6, (1, 3), padding=(0, 1)), *ending(2)
    )
    weights = {name: value.view_as(of_image.state_dict()[name]) for name, value in of_signal.state_dict().items()}
    of_image.load_state_dict(weights)
    signal = torch.rand(3, 2, 16)
    maps = explained(GradCam(kind=kind), of_signal, signal)  # type: ignore[arg-type]
    torch.testing.assert_close(maps, explained(GradCam(kind=kind), of_image, signal[:, :, None])[:, :, 0])  # type: ignore[arg-type]


def test_controls_of_a_volume_of_equal_slices_are_those_of_the_slice() -> None:
    image = torch.rand(2, 1, 6, 7)
    volume = image[:, :, None].expand(-1, -1, 5, -1, -1)
    network = nn.Flatten()
    edges, flat = explained(Sobel(), network, volume), explained(Sobel(), network, image)
    torch.testing.assert_close(edges[:, :, 2], 4 * flat)  # the smoothing along the axis of no change
    closeness = explained(Center(), network, torch.rand(1, 1, 5, 5, 5))[0, 0]
    assert closeness.argmax() == 62 and closeness.min() == closeness[0, 0, 0]
