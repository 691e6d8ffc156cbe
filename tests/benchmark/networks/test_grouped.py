"""Replicas of networks of ordinary size: each computes, learns and forgets what its network would, up to rounding."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.grouped import Grouped, known, launch_bound, step_flops
from roarbench.benchmark.networks.precision import products
from roarbench.benchmark.networks.training import side_by_side, stacks, train, train_stack
from roarbench.benchmark.randomness import generator, seeded
from roarbench.datasets.base import Split

CASES = {
    "cnn_small[width=4]": (1, 14, 14),  # with a side that is padded unevenly
    "resnet8[width=4]": (3, 12, 12),
    "airbench[width=4]": (3, 9, 9),
    "cnn_nd[width=4]": (2, 16),
    "mlp[width=8]": (5,),
}
REPLICAS, CLASSES = 3, 5
RECIPE = Recipe(epochs=2, batch_size=16, learning_rate=0.01)
cases = pytest.mark.parametrize("name", CASES)


def inputs(name: str, n: int = 40) -> Tensor:
    return torch.rand(REPLICAS, n, *CASES[name], generator=generator("images"))


def fresh(name: str) -> nn.Module:
    with seeded("weights"):
        return classifier(plugin(name, "classifier"), inputs(name)[0], CLASSES)


def labels(n: int = 40) -> Tensor:
    return torch.arange(n) % CLASSES


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@cases
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("bf16", 0.03)])
def test_replicas_compute_what_networks_do(name: str, precision: str, tolerance: float) -> None:
    network, seen = fresh(name).train(), inputs(name, 6)
    with products(precision, seen.device):  # type: ignore[arg-type]
        together = Grouped(network, REPLICAS)(seen)
        alone = torch.stack([network(own) for own in seen])
    torch.testing.assert_close(together.float(), alone.float(), rtol=tolerance, atol=tolerance)


@cases
def test_gradients_reach_the_rows_of_each_replica(name: str) -> None:
    network, seen, expected = fresh(name).train(), inputs(name, 6), labels(6)
    stack = Grouped(network, REPLICAS)
    sum(F.cross_entropy(logits, expected) for logits in stack(seen)).backward()
    for replica, own in enumerate(seen):
        network.zero_grad()
        F.cross_entropy(network(own), expected).backward()
        for row, parameter in zip(stack.rows, network.parameters(), strict=True):
            if parameter.grad is not None:
                mine = row.rows.grad[replica, : parameter.numel()].view_as(parameter)
                torch.testing.assert_close(mine, parameter.grad, rtol=1e-3, atol=1e-5)


@cases
@pytest.mark.parametrize("change", [{}, {"optimiser": "sgd", "weight_decay": 0.1, "label_smoothing": 0.1}])
def test_a_replica_learns_what_its_network_does(name: str, change: dict) -> None:
    """Weights, and the running averages of batch norm; in double precision, for Adam makes steps of rounding."""
    seen, recipe = inputs(name).double(), replace(RECIPE, **change)
    stack = train_stack(fresh(name).double(), seen, labels(), recipe, pairing=("pair",))
    for replica, own in enumerate(seen):
        among, alone = fresh(name).double(), fresh(name).double()
        stack.copy_to(among, replica)
        train(alone, Split(own, labels()), recipe, pairing=("pair",))
        torch.testing.assert_close(state(among), state(alone), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("augmentation", ["shift_flip", "resized_crop"])
def test_replicas_see_the_views_that_their_networks_would(augmentation: str) -> None:
    name, recipe = "resnet8[width=4]", replace(RECIPE, optimiser="sgd", augmentation=augmentation)
    seen = inputs(name)
    stack, among, alone = train_stack(fresh(name), seen, labels(), recipe, pairing=("pair",)), fresh(name), fresh(name)
    stack.copy_to(among, 1)
    train(alone, Split(seen[1], labels()), recipe, pairing=("pair",))
    torch.testing.assert_close(state(among), state(alone), rtol=1e-3, atol=1e-3)


def test_replicas_do_not_touch_the_network_they_come_from() -> None:
    network = fresh("resnet8[width=4]")
    before = state(network)
    train_stack(network, inputs("resnet8[width=4]"), labels(), RECIPE, pairing=("pair",))
    torch.testing.assert_close(state(network), before, rtol=0, atol=0)


def test_dropout_hits_the_same_units_of_all_replicas() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(8, 64), nn.Dropout(0.5))
    out = Grouped(network, REPLICAS)(torch.rand(1, 4, 8).expand(REPLICAS, -1, -1))
    assert torch.equal(out[0], out[1]) and torch.equal(out[0], out[2]) and 0.2 < (out == 0).double().mean() < 0.8


@pytest.mark.parametrize(
    ("name", "shape", "batch_size", "bound"),
    [
        ("cnn_small", (1, 28, 28), 128, True),
        ("cnn_small", (3, 32, 32), 128, True),
        ("resnet8", (3, 32, 32), 128, True),
        ("airbench", (3, 32, 32), 1024, False),
        ("resnet18", (3, 32, 32), 128, False),
        ("vit_tiny[depth=1]", (1, 8, 8), 1, False),
    ],
)
def test_small_steps_of_known_layers_are_bound_by_launches(
    name: str, shape: tuple[int, ...], batch_size: int, bound: bool
) -> None:
    split = Split(torch.rand(4, *shape), labels(4))
    network, recipe = classifier(plugin(name, "classifier"), split, CLASSES), replace(RECIPE, batch_size=batch_size)
    assert launch_bound(network, shape, batch_size) == bound
    assert side_by_side(network, split, recipe, "cuda:1") == bound
    assert side_by_side(network, split, recipe, "cpu") == stacks(network, split, recipe) == False  # noqa: E712
    assert not side_by_side(network, split, replace(recipe, optimiser="least_squares"), "cuda")


def test_subclasses_and_cumulative_averages_are_not_known() -> None:
    class Odd(nn.ReLU):
        pass

    assert known(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.ReLU()))
    assert not known(nn.Sequential(nn.Linear(2, 2), Odd()))
    assert not known(nn.Sequential(nn.BatchNorm1d(2, momentum=None)))


def test_a_step_costs_three_forward_passes_of_its_batch() -> None:
    assert step_flops(nn.Sequential(nn.Linear(7, 11)), (7,), 10) == 3 * 10 * 2 * 7 * 11
