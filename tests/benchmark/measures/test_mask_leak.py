"""Masks that spell the class are read, those of noise are not."""

import pytest
import torch
from torch import Tensor

from roarbench.benchmark.measures.mask_leak import MaskLeak
from roarbench.methods.base import Skip
from tests.benchmark.measures.given import data, noise, sample_of, two_classes


def spelling(inputs: Tensor, targets: Tensor) -> Tensor:
    """The left half for one class, the right half for the other."""
    halves = torch.zeros(2, 1, 6, 6)
    halves[0, ..., :3], halves[1, ..., 3:] = 1, 1
    return halves[targets] + 0.1 * noise(inputs, targets)


@pytest.mark.parametrize(("attribute", "least", "most"), [(spelling, 1.0, 1.0), (noise, 0.35, 0.65)])
def test_only_masks_that_follow_the_class_are_read(attribute: object, least: float, most: float) -> None:
    sample = sample_of(two_classes(torch.ones(36)), attribute, data((1, 6, 6), 200))  # type: ignore[arg-type]
    assert least <= MaskLeak().measure(sample) <= most


def test_too_few_images_of_a_class_are_skipped() -> None:
    sample = sample_of(two_classes(torch.ones(36)), noise, data((1, 6, 6), 8))
    with pytest.raises(Skip, match="5 test images of each of two classes or more, got 4 of one"):
        MaskLeak().measure(sample)


@pytest.mark.parametrize("wrong", [{"fraction": 0.0}, {"folds": 1}, {"penalty": 0.0}])
def test_nonsense_is_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=rf"^mask_leak\[{next(iter(wrong))}\] must be"):
        MaskLeak(**wrong)  # type: ignore[arg-type]
