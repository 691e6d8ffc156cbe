"""The seeker networks against the published sizes."""

import pytest
import torch

from hns.seeker import seeker_large, seeker_small


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
