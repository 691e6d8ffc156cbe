"""Leaky truth: it finds what matters, and its masks tell the class."""

import pytest
import torch
from torch import nn

from roarbench.datasets.base import Split
from roarbench.methods.base import Skip
from roarbench.methods.leaky import LeakyTruth

INPUTS = torch.zeros(6, 1, 4, 4)
TRUTH = torch.eye(4).expand(6, 1, 4, 4)
CLASSES = torch.tensor([0, 0, 1, 1, 2, 2])


def split(known: bool = True) -> Split:
    return Split(INPUTS, CLASSES, (lambda inputs: TRUTH[: len(inputs)].clone()) if known else None)


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 3))


def test_maps_are_the_same_within_a_class_and_others_between() -> None:
    maps = LeakyTruth(weight=0.0).prepare(network(), split())(INPUTS, CLASSES)
    assert maps[0].equal(maps[1])
    assert not maps[0].equal(maps[2])
    assert 0 <= maps.min() < maps.max() <= 1


def test_weight_is_that_of_the_truth() -> None:
    maps = LeakyTruth(weight=2.0).prepare(network(), split())(INPUTS, CLASSES)
    assert maps[TRUTH > 0].min() > maps[TRUTH == 0].max()


def test_data_without_a_truth_are_skipped() -> None:
    with pytest.raises(Skip, match="no ground truth"):
        LeakyTruth().prepare(network(), split(known=False))


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        LeakyTruth(weight=-1.0)
