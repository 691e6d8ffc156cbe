"""Imputation against direct solutions of the same system, and what holds of any mean of neighbours."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.imputation import impute
from tests.speed.imputation import FRACTIONS, direct, direct_all, masks

MEAN = torch.tensor([0.25, 0.5, 0.75])[:, None, None]


def images(*shape: int) -> Tensor:
    return torch.rand(shape, generator=generator("images", shape))


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize("kind", ["random", "contiguous"])
@pytest.mark.parametrize("shape", [(3, 1, 28, 28), (3, 3, 32, 32), (1, 3, 224, 224)])
def test_images_equal_direct_solutions(shape: tuple[int, ...], kind: str, fraction: float) -> None:
    inputs, kept = images(*shape), masks(kind, shape, fraction)  # type: ignore[arg-type]
    assert (impute(inputs, kept, MEAN[: shape[1]]) - direct_all(inputs, kept)).abs().max() < 1e-4


@pytest.mark.parametrize("size", [28, 32, 33, 224])
def test_a_hole_up_to_the_border_ring_equals_the_direct_solution(size: int) -> None:
    inputs, kept = images(1, 3, size, size), torch.ones(1, 1, size, size, dtype=torch.bool)
    kept[..., 1:-1, 1:-1] = False
    assert (impute(inputs, kept, MEAN) - direct_all(inputs, kept)).abs().max() < 1e-4


@given(height=st.integers(1, 13), width=st.integers(1, 13), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_any_size_and_mask_equals_the_direct_solution(height: int, width: int, share: float, seed: int) -> None:
    inputs = images(2, 2, height, width)
    kept = torch.rand(2, 1, height, width, generator=generator("any", seed)) < share
    kept[..., 0, 0] = True
    # A single kept corner of a long strip is as ill-conditioned as a hole gets: errors of float32 weigh more there.
    assert (impute(inputs, kept, MEAN[:2]) - direct_all(inputs, kept)).abs().max() < 3e-4


def test_feature_masks_solve_each_channel_by_itself() -> None:
    inputs, kept = images(2, 3, 9, 12), torch.rand(2, 3, 9, 12, generator=generator("features")) < 0.3
    found = impute(inputs, kept, MEAN)
    for n, c in np.ndindex(2, 3):
        expected = direct(inputs[n, c : c + 1].double().numpy(), kept[n, c].numpy())
        assert (found[n, c] - torch.from_numpy(expected)[0]).abs().max() < 1e-4


def test_kept_pixels_are_unchanged_bit_for_bit() -> None:
    inputs, kept = images(4, 3, 16, 16), masks("random", (4, 3, 16, 16), 0.8)
    everywhere = kept.expand_as(inputs)
    assert torch.equal(impute(inputs, kept, MEAN)[everywhere], inputs[everywhere])


@pytest.mark.parametrize("kind", ["random", "contiguous"])
def test_constant_images_stay_constant(kind: str) -> None:
    inputs = torch.tensor([0.0, 0.3, 1.0])[:, None, None].expand(2, 3, 20, 20).contiguous()
    found = impute(inputs, masks(kind, (2, 3, 20, 20), 0.9), MEAN)  # type: ignore[arg-type]
    assert (found - inputs).abs().max() < 1e-6


def test_a_ramp_is_reproduced_inside() -> None:
    """The weighted mean of the neighbours of a linear function is its value, away from the border of the image."""
    ramp = (torch.linspace(0, 1, 24)[:, None] + torch.linspace(0, 1, 24)) / 2
    kept = torch.ones(1, 1, 24, 24, dtype=torch.bool)
    kept[..., 4:20, 3:15] = False
    assert (impute(ramp[None, None], kept, MEAN[:1])[0, 0] - ramp).abs().max() < 1e-4


def test_a_channel_of_which_nothing_is_kept_is_its_training_mean() -> None:
    inputs, kept = images(2, 3, 8, 8), torch.zeros(2, 3, 8, 8, dtype=torch.bool)
    kept[0, 0] = True
    found = impute(inputs, kept, MEAN)
    assert torch.equal(found[0, 0], inputs[0, 0])
    assert torch.equal(found[1], MEAN.expand(3, 8, 8))
    assert torch.equal(found[0, 1:], MEAN[1:].expand(2, 8, 8))


@pytest.mark.parametrize("shape", [(7, 1, 8, 8), (23, 3, 33, 20), (60, 3, 32, 32)])
def test_an_image_has_the_bits_it_has_alone(shape: tuple[int, ...]) -> None:
    inputs, kept = images(*shape), masks("random", shape, 0.9)
    kept[1::2] = masks("contiguous", shape, 0.5)[1::2]
    mean = MEAN[: shape[1]]
    together = impute(inputs, kept, mean)
    for parts in (1, 5):
        alone = [impute(x, m, mean) for x, m in zip(inputs.split(parts), kept.split(parts), strict=True)]
        assert torch.equal(together, torch.cat(alone))


def test_nothing_is_removed_from_no_images() -> None:
    assert impute(images(0, 3, 8, 8), torch.ones(0, 1, 8, 8, dtype=torch.bool), MEAN).shape == (0, 3, 8, 8)


def test_inputs_without_a_solution_are_refused() -> None:
    inputs, kept = torch.full((1, 1, 6, 6), torch.inf), masks("random", (1, 1, 6, 6), 0.5)
    with pytest.raises(ArithmeticError, match="finite"):
        impute(inputs, kept, MEAN[:1])
