"""Blocks: the truth is exact, and nothing but the digit reveals the class."""

from pathlib import Path

import pytest
import torch

from roarbench.datasets.blocks import NULL_BLOCK, blocks, not_null
from roarbench.datasets.digits import load


@pytest.fixture(scope="module")
def stacked():
    return blocks(Path(), train=1000, test=200)


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
