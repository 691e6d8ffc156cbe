"""Blurriness of maps whose total variation is known."""

import pytest
import torch
from torch import Tensor

from roarbench.benchmark.measures.blurriness import Blurriness
from roarbench.methods.base import Skip
from tests.benchmark.measures.given import data, noise, normal, sample_of, two_classes


def blurriness(maps: Tensor, side: int = 16) -> float:
    """Of a map that all images have."""
    sample = sample_of(two_classes(normal(side**2)), lambda x, y: maps.expand_as(x).clone(), data((1, side, side)))
    return float(Blurriness().measure(sample).mean())


def test_noise_scores_about_0() -> None:
    sample = sample_of(two_classes(normal(768)), noise, data((3, 16, 16)))
    assert abs(float(Blurriness().measure(sample).mean())) < 0.05


def test_a_ramp_has_the_variation_of_its_rows_and_columns() -> None:
    ramp = torch.arange(256.0).view(16, 16)  # neighbours differ by 1 across, and by 16 down
    assert blurriness(ramp) == pytest.approx(1 - (1 + 16) / 2 / (257 / 3))


def test_a_chessboard_is_rougher_than_noise() -> None:
    places = torch.arange(16)
    assert blurriness(((places[:, None] + places) % 2).float()) < -0.2


def test_smoother_maps_score_higher() -> None:
    image = normal(1, 1, 16, 16)
    scores = [blurriness(image[0])]
    for _ in range(3):
        image = torch.nn.functional.avg_pool2d(image, 3, stride=1, padding=1)
        scores.append(blurriness(image[0]))
    assert scores == sorted(scores)


def test_rows_have_no_neighbours() -> None:
    with pytest.raises(Skip, match="blurriness needs images"):
        Blurriness().measure(sample_of(two_classes(normal(6)), lambda x, y: x, data((6,))))
