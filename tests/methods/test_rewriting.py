"""Copies whose functions are modules: the same logits, every call a module of its own, the network left alone."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roarbench.methods.rewriting import UntraceableError, chain, in_modules, repeated
from tests.methods.networks import SPELLINGS, TwoNames, convolutional, residual, spelled, split

INPUTS = split((1, 8, 8)).inputs
KINDS = (nn.ReLU, nn.MaxPool2d)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_relu_becomes_a_module_of_its_own(spelling: str) -> None:
    network = spelled(spelling)
    copied, needed = in_modules(network, {}, KINDS)
    relus = [module for module in copied.modules() if isinstance(module, nn.ReLU)]
    assert needed and len(relus) == 2 and not any(relu.inplace for relu in relus)
    assert torch.equal(copied(INPUTS), network(INPUTS))
    assert all(one is other for one, other in zip(network.parameters(), copied.parameters(), strict=True))


@pytest.mark.parametrize("network", [spelled(None), convolutional(1), residual()])
def test_networks_of_modules_need_no_copy(network: nn.Module) -> None:
    copied, needed = in_modules(network, {}, KINDS)
    assert not needed
    assert torch.equal(copied(INPUTS), network(INPUTS))


def test_a_module_under_two_names_needs_one_and_has_one_name_in_it() -> None:
    network = TwoNames(convolutional(1)).eval()
    copied, needed = in_modules(network, {}, KINDS)
    assert needed and repeated(network) and not repeated(copied)
    assert torch.equal(copied(INPUTS), network(INPUTS))


@pytest.mark.parametrize("clamp", [lambda x: x.clamp(max=4.6), lambda x: x.clamp(-20, 20), lambda x: x.clamp(0, 6)])
def test_clamps_that_are_no_relus_stay(clamp: Callable[[Tensor], Tensor]) -> None:
    class Clamped(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return clamp(inputs)

    copied, needed = in_modules(nn.Sequential(nn.Flatten(), Clamped()), {}, KINDS)
    assert not needed and not any(isinstance(module, nn.ReLU) for module in copied.modules())


def test_the_first_layer_stays_whole_so_that_passes_are_counted() -> None:
    network, seen = spelled("function"), []
    copied, _ = in_modules(network, {}, KINDS)
    network[0].register_forward_pre_hook(lambda *_: seen.append(1))  # type: ignore[union-attr, index]
    copied(INPUTS)
    assert seen == [1]


def test_functions_with_makers_become_modules_with_their_arguments() -> None:
    class Pooled(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return F.max_pool2d(inputs, 3, padding=1, ceil_mode=True)

    copied, needed = in_modules(nn.Sequential(nn.Identity(), Pooled()), {F.max_pool2d: nn.MaxPool2d}, KINDS)
    assert needed and isinstance(modules := chain(copied), list)
    assert [type(module) for module in modules] == [nn.Identity, nn.MaxPool2d]
    assert torch.equal(copied(INPUTS), F.max_pool2d(INPUTS, 3, padding=1, ceil_mode=True))


def test_what_breaks_a_chain_is_named() -> None:
    class Mean(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs.mean((2, 3))

    for network, reason in (
        (nn.Sequential(nn.ReLU(), Mean()), "mean has"),
        (residual(), "residual sums and products have"),
    ):
        assert chain(in_modules(network, {}, KINDS)[0]) == reason


def test_a_forward_pass_that_asks_for_values_cannot_be_traced() -> None:
    class Asking(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs if inputs.sum() > 0 else -inputs

    with pytest.raises(UntraceableError, match="control flow"):
        in_modules(nn.Sequential(nn.Flatten(), Asking()), {}, KINDS)
