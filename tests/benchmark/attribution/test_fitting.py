"""Chunks that are too large for the memory of a device are divided until they fit."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.attribution.fitting import Fitting
from roarbench.benchmark.attribution.rankings import rank_splits
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Original, Ranking
from roarbench.datasets.base import Split
from roarbench.methods.gradient import Gradient

INPUTS, TARGETS = torch.rand(20, 1, 4, 4), torch.arange(20)


class Device:
    """Doubles its inputs, adds noise, and holds so many examples."""

    def __init__(self, room: int) -> None:
        self.room, self.seen = room, list[int]()

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        noise = torch.rand(inputs.shape)
        self.seen.append(len(inputs))
        if len(inputs) > self.room:
            raise torch.OutOfMemoryError("full")
        return 2 * inputs + targets.view(-1, 1, 1, 1) + noise


def attributed(fitting: Fitting, number: int = 20) -> Tensor:
    parts = list(fitting(INPUTS[:number], TARGETS[:number]))
    assert torch.equal(torch.cat([inputs for inputs, _ in parts]), INPUTS[:number])
    return torch.cat([passed for _, passed in parts])


def test_what_fits_is_computed_at_once() -> None:
    device = Device(20)
    attributed(Fitting(device))
    assert device.seen == [20]


def test_what_does_not_fit_is_halved_and_the_size_remembered() -> None:
    device = Device(6)
    fitting = Fitting(device)
    noise = attributed(fitting) - 2 * INPUTS - TARGETS.view(-1, 1, 1, 1)
    assert device.seen == [20, 10, 5, 5, 5, 5]
    assert noise.min() >= -1e-5
    assert noise.max() <= 1 + 1e-5
    attributed(fitting, 7)
    assert device.seen[6:] == [5, 2]


def test_failed_attempts_leave_no_trace_in_the_random_numbers() -> None:
    torch.manual_seed(0)
    tried = attributed(Fitting(Device(6)))
    torch.manual_seed(0)
    assert torch.equal(tried, attributed(Fitting(Device(6), most=5)))


def test_a_single_example_that_is_too_large_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        attributed(Fitting(Device(0)))


def test_an_explainer_that_returns_nothing_is_asked_once_for_each_chunk() -> None:
    assert [passed for _, passed in Fitting(lambda *_: None)(INPUTS, TARGETS)] == [None]  # type: ignore[arg-type,return-value]


def test_ranks_are_those_of_a_device_that_holds_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def ranks(room: int) -> np.ndarray:
        def attribute(inputs: Tensor, targets: Tensor) -> Tensor:
            if len(inputs) > room:
                raise torch.OutOfMemoryError("full")
            return inputs

        monkeypatch.setattr(Gradient, "prepare", lambda *_: attribute)
        return rank_splits(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), {"train": split}, [ranking]).maps[0]["train"]

    split = Split(INPUTS, TARGETS % 2)
    ranking = Ranking(
        Original(plugin("digits", "dataset"), plugin("mlp", "classifier"), Recipe(), 0), plugin("gradient", "explainer")
    )
    assert (ranks(20) == ranks(6)).all()
