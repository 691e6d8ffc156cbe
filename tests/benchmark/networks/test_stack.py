"""Stacks: replicas compute what their network would, and nothing of their neighbours."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.stack import Stack, stackable
from roarbench.benchmark.networks.tiny import placement
from roarbench.benchmark.networks.training import _descend, train, train_stack
from roarbench.benchmark.randomness import generator, seeded
from roarbench.datasets.base import Split

NAMES = ["cnn_small[width=4]", "mlp[width=16]", "linear"]
RECIPE = Recipe(epochs=3, batch_size=32, learning_rate=0.01)


def images(n: int = 100, replicas: int = 1) -> Tensor:
    return torch.rand(replicas, n, 2, 8, 8, generator=generator("images", replicas))


def fresh(name: str) -> nn.Module:
    with seeded("weights"):
        return classifier(plugin(name, "classifier"), images()[0], 5)


def labels(n: int = 100) -> Tensor:
    return torch.arange(n) % 5


@pytest.mark.parametrize("name", NAMES)
def test_a_stack_computes_what_vmap_does(name: str) -> None:
    """The plain way: the same function of many weights."""
    network, inputs = fresh(name), images(10, replicas=3)
    stack = Stack(network, 3)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter += 0.1 * torch.rand(parameter.shape, generator=generator("change"))
    copies = []
    for replica in range(3):
        copies.append(fresh(name))
        stack.copy_to(copies[-1], replica)
    weights, buffers = stack_module_state(copies)
    found = vmap(lambda p, b, x: functional_call(network, (p, b), (x,)))(weights, buffers, inputs)
    torch.testing.assert_close(stack(inputs), found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", [{}, {"optimiser": "sgd", "weight_decay": 0.1}, {"label_smoothing": 0.1}])
def test_training_a_stack_is_training_its_network(name: str, change: dict) -> None:
    network, split = fresh(name), Split(images()[0], labels())
    recipe = replace(RECIPE, **change)

    def loss(batch: Tensor) -> Tensor:
        logits = network(split.inputs[batch])
        return nn.functional.cross_entropy(logits, split.labels[batch], label_smoothing=recipe.label_smoothing)

    _descend(network, 100, loss, recipe, ("pair",))
    stacked = fresh(name)
    train(stacked, split, recipe, pairing=("pair",))
    torch.testing.assert_close(dict(stacked.named_parameters()), dict(network.named_parameters()), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("replicas", [2, 3, 10])
def test_replicas_have_the_bits_they_have_alone(name: str, replicas: int) -> None:
    inputs = images(replicas=replicas)
    together = train_stack(fresh(name), inputs, labels(), RECIPE, pairing=("pair",))
    for replica in (0, replicas - 1):
        among, alone = fresh(name), fresh(name)
        together.copy_to(among, replica)
        train(alone, Split(inputs[replica], labels()), RECIPE, pairing=("pair",))
        assert all(torch.equal(a, b) for a, b in zip(among.parameters(), alone.parameters(), strict=True))


def test_only_tiny_images_and_known_layers_are_stacked() -> None:
    assert all(stackable(fresh(name), (2, 8, 8)) for name in NAMES)
    with seeded("weights"):
        assert not stackable(classifier(plugin("cnn_small", "classifier"), torch.rand(4, 1, 28, 28), 5), (1, 28, 28))
        assert not stackable(classifier(plugin("resnet8", "classifier"), torch.rand(4, 1, 8, 8), 5), (1, 8, 8))


@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), ((1, 2), (2, 0), 2)])
def test_a_placement_makes_a_matrix_of_a_convolution(stride: object, padding: object, dilation: int) -> None:
    layer = nn.Conv2d(3, 4, (3, 2), stride=stride, padding=padding, dilation=dilation, bias=False)  # type: ignore[arg-type]
    inputs = torch.rand(5, 3, 6, 7)
    matrix = torch.einsum("ock,khwvu->chwovu", layer.weight.flatten(2), placement(layer, (6, 7)))
    torch.testing.assert_close(torch.tensordot(inputs, matrix, dims=3), layer(inputs))


def test_relus_in_place_or_used_twice_train_as_others_do() -> None:
    def made(*relus: nn.Module) -> nn.Module:
        torch.manual_seed(1)
        layers = [nn.Flatten(), nn.Linear(128, 8), relus[0], nn.Linear(8, 8), relus[1], nn.Linear(8, 5)]
        return nn.Sequential(*layers)

    networks = made(nn.ReLU(), nn.ReLU()), made(*[nn.ReLU(inplace=True)] * 2)
    for network in networks:
        assert stackable(network, (2, 8, 8))
        train(network, Split(images()[0], labels()), RECIPE, pairing=("pair",))
    assert all(torch.equal(a, b) for a, b in zip(*(network.parameters() for network in networks), strict=True))


def test_layers_that_share_weights_or_are_frozen_do_not_stack() -> None:
    linear = nn.Linear(5, 5)
    assert stackable(nn.Sequential(linear, nn.ReLU(), nn.Linear(5, 5)), (5,))
    assert not stackable(nn.Sequential(linear, nn.ReLU(), linear), (5,))
    frozen = nn.Sequential(nn.Linear(5, 5).requires_grad_(False), nn.ReLU(), nn.Linear(5, 5))
    assert not stackable(frozen, (5,))
    before = frozen[0].weight.clone()
    train(frozen, Split(torch.rand(40, 5), labels(40)), RECIPE, pairing=("pair",))
    assert torch.equal(frozen[0].weight, before)
