"""Generated images: the truth is exact and nothing but the texture (or the digit) tells the class."""

from pathlib import Path

import numpy as np
import pytest
import torch

from roarbench.datasets.digits import load
from roarbench.datasets.synthetic import NULL_BLOCK, blocks, not_null, squares


@pytest.fixture(scope="module")
def striped():
    return squares(Path(), train=4000, test=40, validation=0.0).train


@pytest.fixture(scope="module")
def stacked():
    return blocks(Path(), train=1000, test=200)


def corners(mask: torch.Tensor) -> torch.Tensor:
    """Top row and left column of the box around every mask: `(n, 2)`."""
    return torch.stack([mask.any(dim=3).int().argmax(2)[:, 0], mask.any(dim=2).int().argmax(2)[:, 0]], dim=1)


def test_the_truth_of_squares_is_one_whole_square(striped) -> None:
    mask = striped.truth(striped.inputs).bool()
    assert (mask.sum(dim=(1, 2, 3)) == 25).all()
    assert (mask.any(dim=3).sum(dim=(1, 2)) == 5).all()
    assert (mask.any(dim=2).sum(dim=(1, 2)) == 5).all()
    assert striped.inputs[mask].min() >= 0.6
    assert striped.inputs[~mask].max() < 0.5


def test_every_square_holds_the_same_levels(striped) -> None:
    mask = striped.truth(striped.inputs).bool()
    levels = striped.inputs[mask].view(len(striped), 25).sort(dim=1).values
    assert (levels == levels[0]).all()


def test_the_place_of_a_square_is_uniform_and_does_not_tell_the_class(striped) -> None:
    place = corners(striped.truth(striped.inputs).bool())
    counts = torch.stack(
        [(place[striped.labels == k] @ torch.tensor([12, 1])).bincount(minlength=144) for k in range(4)]
    )
    expected = 4000 / (4 * 144)
    chi_squared = ((counts - expected) ** 2 / expected).sum().item()
    degrees = counts.numel() - 4  # the class sizes are fixed
    assert abs(chi_squared - degrees) < 4 * (2 * degrees) ** 0.5


def test_classes_of_squares_are_balanced(striped) -> None:
    assert striped.labels.bincount().tolist() == [1000] * 4


def test_stripes_run_along_the_direction_of_the_class(striped) -> None:
    """Neighbours along the stripes differ less than neighbours in the three other directions."""
    along = ((1, 0), (0, 1), (1, -1), (1, 1))
    place = corners(striped.truth(striped.inputs).bool()).tolist()
    patches = torch.stack([x[0, r : r + 5, c : c + 5] for x, (r, c) in zip(striped.inputs, place, strict=True)])
    for k in range(4):
        members = patches[striped.labels == k]
        roughness = [(members - members.roll((dy, dx), (1, 2)))[:, 1:4, 1:4].abs().mean().item() for dy, dx in along]
        assert int(np.argmin(roughness)) == k


@pytest.mark.parametrize("parameters", [{"square": 2}, {"square": 17}, {"train": 3}, {"test": 0}, {"draw": -1}])
def test_impossible_squares_are_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(parameters))} must"):
        squares(Path(), **parameters)


def test_the_truth_of_blocks_is_the_half_with_a_digit(stacked) -> None:
    known = {digit.tobytes() for digit in load().inputs}
    for split in (stacked.train, stacked.validation, stacked.test):
        halves = split.inputs.unflatten(2, (2, 8))[:, 0]
        truth = split.truth(split.inputs).unflatten(2, (2, 8))[:, 0]
        for image, mask in zip(halves, truth, strict=True):
            signal = int(mask[1].min().item())
            assert (mask[signal] == 1).all() and (mask[1 - signal] == 0).all()
            assert image[signal].numpy().tobytes() in known
            assert torch.equal(image[1 - signal], torch.from_numpy(NULL_BLOCK))


def test_no_digit_is_in_two_splits_of_blocks(stacked) -> None:
    def digits(split) -> set[bytes]:
        shown = split.inputs[split.truth(split.inputs).bool()].view(-1, 64)
        return {digit.numpy().tobytes() for digit in shown}

    train, validation, test = map(digits, (stacked.train, stacked.validation, stacked.test))
    assert not (train & validation or train & test or validation & test)


def test_the_order_of_blocks_does_not_tell_the_class(stacked) -> None:
    on_top = stacked.train.truth(stacked.train.inputs)[:, 0, 0, 0]
    shares = torch.stack([on_top[stacked.train.labels == k].mean() for k in range(10)])
    assert (shares - 0.5).abs().max() < 4 * 0.5 / 90**0.5


def test_more_blocks_than_digits_allow_are_refused() -> None:
    with pytest.raises(ValueError, match=r"train must lie in \[1, \d+\], the examples there are, got 9000"):
        blocks(Path(), train=10000)


@pytest.mark.parametrize("parameters", [{"train": 9}, {"test": 0}, {"draw": -1}])
def test_impossible_blocks_are_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(parameters))} must"):
        blocks(Path(), **parameters)


def test_the_truth_of_blocks_survives_small_perturbations() -> None:
    images = blocks(Path(), train=20, test=20).test.inputs
    moved = images + 0.04 * (torch.rand_like(images) - 0.5)
    assert torch.equal(not_null(moved), not_null(images))
