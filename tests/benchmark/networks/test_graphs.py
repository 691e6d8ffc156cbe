"""Recorded steps, with a stand-in for the card: they do what steps do, and are off where there is no card."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks import graphs
from roarbench.benchmark.networks.graphs import PLAIN_STEPS, Replayed
from roarbench.benchmark.networks.training import _optimiser, _set_rate

SIZES = (8, 8, 5, 8, 8, 8, 5, 8)
"""Of the batches: some are smaller, as the last of an epoch."""


def trained(wrap: Callable[[graphs.Step], graphs.Step], *, rate: float | Tensor, optimiser: str = "adam") -> nn.Module:
    """A network after a step for each of a few batches, at a new rate each."""
    torch.manual_seed(0)
    network, images, labels = nn.Linear(6, 3), torch.rand(40, 6), torch.arange(40) % 3
    descent = _optimiser(network, Recipe(optimiser=optimiser, weight_decay=0.1), rate)  # type: ignore[arg-type]

    def step(positions: Tensor) -> None:
        descent.zero_grad()
        F.cross_entropy(network(images[positions]), labels[positions]).backward()
        descent.step()

    take = wrap(step)
    for number, size in enumerate(SIZES, 1):
        _set_rate(descent, 0.01 * number)
        take(torch.randperm(40)[:size])
    return network


def stand_in(recorded: list[str]) -> Callable[[graphs.Replay], graphs.Replay]:
    """As a card does, it records without computing anything, and reads where it read first."""

    def record(work: graphs.Replay) -> graphs.Replay:
        recorded.append("once")
        return work

    return record


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_recorded_steps_do_what_steps_do(optimiser: str) -> None:
    recorded: list[str] = []
    plain = trained(lambda step: step, rate=0.0, optimiser=optimiser)
    replayed = trained(lambda step: Replayed(step, stand_in(recorded)), rate=torch.zeros(()), optimiser=optimiser)
    torch.testing.assert_close(replayed.state_dict(), plain.state_dict())
    assert recorded == ["once"]


def test_a_step_that_cannot_be_recorded_is_taken_all_the_same() -> None:
    def fail(work: graphs.Replay) -> graphs.Replay:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    plain = trained(lambda step: step, rate=0.0)
    with pytest.warns(UserWarning, match=r"no CUDA graph .* \(operation not permitted .* capturing\)") as said:
        refused = trained(lambda step: Replayed(step, fail), rate=0.0)
    assert len(said) == 1
    torch.testing.assert_close(refused.state_dict(), plain.state_dict())


def test_the_first_steps_are_not_recorded() -> None:
    taken: list[int] = []
    step = Replayed(lambda positions: taken.append(len(positions)), lambda work: lambda: None)
    for size in SIZES:
        step(torch.arange(size))
    odd = [size for size in SIZES if size != SIZES[0]]
    assert len(taken) == PLAIN_STEPS + len(odd)


def test_nothing_is_recorded_unless_asked_for_and_on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(graphs.SWITCH, raising=False)
    assert not graphs.wanted(torch.device("cuda")) and not graphs.wanted(torch.device("cpu"))
    monkeypatch.setenv(graphs.SWITCH, "1")
    assert graphs.wanted(torch.device("cuda:1")) and not graphs.wanted(torch.device("cpu"))
