"""An explainer that changes the process, the classifier or its inputs is named, and nobody after it notices."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from roarbench.benchmark.attribution.guard import Guarded, preserved, same_weights, untouched

KEPT: list[torch.inference_mode] = []

Change = Callable[[nn.Module, Tensor], object]


@pytest.fixture
def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2)).eval()


def called(network: nn.Module, change: Change) -> Tensor:
    """What a guarded explainer returns that does something besides."""

    def attribute(inputs: Tensor, targets: Tensor) -> Tensor:
        change(network, inputs)
        return torch.ones(2, 3)

    return Guarded(attribute, "Mine", network)(torch.rand(2, 3), torch.tensor([0, 1]))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda *_: torch.set_grad_enabled(False), "gradient mode from True to False"),
        (lambda *_: torch.set_default_dtype(torch.float64), "default dtype"),
        (lambda *_: torch.set_num_threads(2), "number of threads from 1 to 2"),
        (lambda *_: torch.use_deterministic_algorithms(True), "deterministic mode"),
        (lambda *_: os.chdir("/"), "current folder"),
        (lambda network, _: network.train(), "training mode"),
        (lambda network, _: network[1].register_forward_hook(lambda *_: None), "hooks"),
        (lambda network, _: network[1].register_full_backward_hook(lambda *_: None), "hooks"),
        (lambda *_: register_module_forward_hook(lambda *_: None), "hooks of all modules"),
        (lambda *_: setattr(nn.ReLU, "forward", lambda _, inputs: inputs), "forward method of ReLU"),
        (lambda network, _: setattr(network, "forward", lambda inputs: inputs), "hooks or forward methods"),
        (lambda *_: torch.set_default_device("meta"), "default device from cpu to meta"),
        (lambda *_: KEPT.append(torch.inference_mode()) or KEPT[-1].__enter__(), "inference mode from False to True"),
        (lambda _, inputs: inputs.zero_(), "must not change its inputs"),
    ],
)
def test_what_is_changed_is_named_and_the_process_restored(network: nn.Module, change: Change, named: str) -> None:
    before = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads(), Path.cwd()
    with pytest.raises(ValueError, match=f"^Mine .*{named}"):
        called(network, change)
    assert (torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads(), Path.cwd()) == before
    assert not torch.are_deterministic_algorithms_enabled() and not torch.is_inference_mode_enabled()
    assert torch.ones(1).device.type == "cpu" and torch.nn.ReLU()(-torch.ones(1, requires_grad=True)).requires_grad


def test_an_error_inside_restores_the_process_and_stays_what_it_was() -> None:
    with pytest.raises(KeyError), preserved():
        torch.set_grad_enabled(False)
        raise KeyError
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    "change",
    [
        lambda network: network[0].weight.data.mul_(0),  # no version counter sees this
        lambda network: network[0].weight.data.neg_(),
        lambda network: network[0].weight.data.copy_(network[0].weight.data.flip(0)),
        lambda network: network[0].requires_grad_(False),
        lambda network: network[2].running_mean.add_(1),
        lambda network: network.register_buffer("mine", torch.ones(1)),
        lambda network: network.__setitem__(3, nn.Linear(4, 2)),
    ],
)
def test_changed_weights_are_noticed(network: nn.Module, change: Callable[[nn.Module], object]) -> None:
    refused = pytest.raises(ValueError, match=r"^Mine must leave the classifier as it was.*deepcopy")
    with refused, same_weights("Mine", network):
        change(network)


def test_what_leaves_no_trace_is_allowed(network: nn.Module) -> None:
    def explain(network: nn.Module, inputs: Tensor) -> None:
        inputs.requires_grad_()
        handle = network[1].register_forward_hook(lambda *_: None)
        network(inputs).sum().backward(inputs=[inputs])
        handle.remove()

    with same_weights("Mine", network), untouched("Mine", network):
        assert torch.equal(called(network, explain), torch.ones(2, 3))
