"""The seeker networks against the published sizes."""

import pytest
import torch

from roarbench.hns.seeker import seeker_large, seeker_resnet, seeker_small


@pytest.mark.parametrize(
    ("shape", "classes", "count"), [((1, 28, 28), 10, 185_066), ((3, 32, 32), 10, 186_090), ((3, 32, 32), 100, 370_500)]
)
def test_the_small_seeker_has_the_published_number_of_parameters(shape: tuple, classes: int, count: int) -> None:
    assert sum(p.numel() for p in seeker_small(shape, classes).parameters()) == count


def test_the_large_seeker_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in seeker_large((3, 192, 192), 398).parameters()) == 5_407_342


@pytest.mark.parametrize("size", [7, 8, 9, 28, 32, 33])
def test_every_size_of_image_works(size: int) -> None:
    for build in (seeker_small, seeker_large):
        assert build((1, size, size), 4)(torch.rand(2, 1, size, size)).shape == (2, 4)


def test_an_odd_side_is_padded_at_its_end_as_tensorflow_does() -> None:
    network = seeker_small((1, 7, 7), 2, width=1)
    with torch.no_grad():
        first = torch.nn.Sequential(*list(network)[:2])
        first[1].weight.fill_(1.0)
        corner = first(torch.ones(1, 1, 7, 7))[0, 0]
    assert corner[0, 0] == 9  # one row and one column of padding before
    assert corner[-1, -1] == 4  # two after


def test_biases_start_at_zero() -> None:
    biases = [p for name, p in seeker_small((1, 8, 8), 10).named_parameters() if name.endswith("bias")]
    assert len(biases) == 4
    assert all((bias == 0).all() for bias in biases)


RESNET = 25_557_032 - 2_049_000
"""Parameters of ResNet-50, as its authors count them, without its last layer."""


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ((3, 32, 32), RESNET + 2048 * 10 + 10),
        ((3, 192, 192), RESNET + 2048 * 36 * 10 + 10),
        ((1, 64, 64), RESNET - 2 * 64 * 49 + 2048 * 4 * 10 + 10),
    ],
)
def test_the_resnet_seeker_is_a_resnet_50_with_a_flat_head(shape: tuple[int, int, int], count: int) -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in seeker_resnet(shape, 10).parameters()) == count


@pytest.mark.parametrize("shape", [(3, 33, 65), (4, 96, 32), (3, 224, 224)])
def test_the_resnet_seeker_takes_every_size_and_number_of_channels(shape: tuple[int, int, int]) -> None:
    with torch.device("meta"):
        assert seeker_resnet(shape, 7)(torch.rand(2, *shape)).shape == (2, 7)


def test_the_resnet_seeker_starts_from_random_weights_and_has_no_pooling_before_its_head() -> None:
    torch.manual_seed(0)
    first = seeker_resnet((1, 32, 32), 4)
    torch.manual_seed(1)
    second = seeker_resnet((1, 32, 32), 4)
    weights = [(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True) if a.ndim > 1]
    assert not any(torch.equal(a, b) for a, b in weights)
    assert not [layer for layer in first.modules() if isinstance(layer, torch.nn.AdaptiveAvgPool2d)]
    assert first(torch.rand(2, 1, 32, 32)).isfinite().all()
