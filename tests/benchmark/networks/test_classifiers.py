"""Classifiers of the table, each by itself; what all classifiers must be is in test_contract.py."""

import copy
import re
from contextlib import suppress
from functools import cache

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks.classifiers import Standardize, classifier
from roarbench.benchmark.networks.tiny import as_products
from roarbench.benchmark.networks.training import train
from roarbench.benchmark.randomness import generator, seeded
from roarbench.datasets.base import Split
from roarbench.methods.relevance import LAYERS
from roarbench.methods.rewriting import in_modules
from tests.methods.test_spellings import RULES, hooked
from tests.values import READY

SHAPES = ((1, 8, 8), (3, 9, 9), (3, 32, 32), (3, 64, 64), (3, 224, 224))


@cache
def shape(name: str) -> tuple[int, ...]:
    """The smallest images that a classifier takes."""
    for fits in SHAPES[:-1]:
        with suppress(ValueError):
            build(name, torch.rand(2, *fits)).eval()(torch.rand(2, *fits))
            return fits
    return SHAPES[-1]


def build(name: str, inputs: torch.Tensor, num_classes: int = 5) -> nn.Module:
    with seeded("test", name):
        return classifier(plugin(name, "classifier"), inputs, num_classes)


@pytest.mark.parametrize("name", READY)
def test_logits_have_one_column_a_class(name: str) -> None:
    inputs = torch.rand(3, *shape(name))
    assert build(name, inputs).eval()(inputs).shape == (3, 5)


@pytest.mark.parametrize("name", READY)
def test_standardisation_comes_first_and_uses_the_training_inputs(name: str) -> None:
    inputs = torch.rand(50, *shape(name)) * 0.3 + 0.5
    first = build(name, inputs)[0]  # type: ignore[index]
    assert isinstance(first, Standardize)
    seen = first(inputs)
    assert seen.mean().abs() < 1e-4
    assert (seen.std() - 1).abs() < 1e-3


def test_a_constant_feature_is_centred_and_not_blown_up() -> None:
    inputs = torch.tensor([[0.5, 0.0], [0.5, 1.0]])
    assert Standardize(inputs)(inputs).tolist() == [[0.0, -1.0], [0.0, 1.0]]


@pytest.mark.parametrize("name", READY)
def test_tabular_rows_work_or_are_refused_in_one_line(name: str) -> None:
    inputs = torch.rand(4, 7)
    try:
        network = build(name, inputs)
    except ValueError as refusal:
        assert re.search("needs (images|signals)", str(refusal)) and "\n" not in str(refusal)
    else:
        assert network.eval()(inputs).shape == (4, 5)


@pytest.mark.parametrize("size", [7, 8, 28, 31, 32])
def test_residual_networks_take_any_small_size(size: int) -> None:
    inputs = torch.rand(2, 3, size, size)
    assert build("resnet8", inputs).eval()(inputs).shape == (2, 5)


def test_resnet50_has_the_published_number_of_parameters() -> None:
    network = build("resnet50", torch.rand(2, 3, 64, 64), num_classes=1000)
    assert sum(p.numel() for p in network.parameters()) == 25_557_032


def test_vgg_small_has_the_published_number_of_parameters() -> None:
    network = build("vgg_small", torch.rand(2, 1, 28, 28), num_classes=10)[1]  # type: ignore[index]
    statistics = sum(value.numel() for name, value in network.named_buffers() if "running" in name)
    assert (sum(p.numel() for p in network.parameters()), statistics) == (421_834, 192)


@pytest.mark.parametrize("size", [8, 28, 31, 32, 40])
@pytest.mark.parametrize("name", ["vgg_small", "vgg_strided"])
def test_vggs_take_any_small_size(name: str, size: int) -> None:
    inputs = torch.rand(2, 3, size, size)
    assert build(name, inputs).eval()(inputs).shape == (2, 5)


def test_images_too_small_for_poolings_are_refused() -> None:
    with pytest.raises(ValueError, match="sides of at least 4"):
        build("vgg_small", torch.rand(2, 1, 3, 3))


def test_weights_depend_on_the_seed_alone() -> None:
    inputs = torch.rand(4, 1, 8, 8)
    first, again = build("cnn_small", inputs), build("cnn_small", inputs * 0.5)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_the_whitening_of_airbench_gives_independent_patches_of_variance_one() -> None:
    inputs = torch.rand(64, 3, 12, 12).cumsum(3) / 12  # neighbours alike, as in images
    network = build("airbench", inputs)
    patches = F.unfold(network[0](inputs), 2, stride=2)  # type: ignore[index]
    seen = (network[1][0].filters.weight.flatten(1) @ patches).transpose(0, 1).flatten(1)  # type: ignore[index]
    assert torch.allclose(seen[:12].cov(), torch.eye(12), atol=0.05)
    assert torch.equal(seen[:12], -seen[12:])


def test_training_leaves_the_frozen_weights_of_airbench_alone() -> None:
    split = Split(torch.rand(64, 3, 12, 12), torch.arange(64) % 5)
    network = build("airbench", split.inputs)
    frozen = {name: weight.clone() for name, weight in network.named_parameters() if not weight.requires_grad}
    train(network, split, Recipe(optimiser="sgd", epochs=1, batch_size=32, learning_rate=0.5), pairing=("frozen",))
    assert len(frozen) == 7
    assert all(torch.equal(weight, network.get_parameter(name)) for name, weight in frozen.items())


def test_airbench_at_its_published_width_has_two_million_parameters() -> None:
    network = build("airbench", torch.rand(8, 3, 32, 32), num_classes=10)
    assert round(sum(weight.numel() for weight in network.parameters()) / 1e6, 1) == 2.0


@pytest.mark.parametrize("method", RULES)
@pytest.mark.parametrize("name", READY)
def test_rules_on_classifiers_and_their_copies_are_those_of_hooks_bit_for_bit(name: str, method: type) -> None:
    """Hooks only see modules: a classifier without one that is a ReLU has nothing to compare."""
    rows = Split(torch.rand(3, *shape(name), generator=generator("rows")), torch.tensor([0, 2, 4]))
    network = build(name, rows.inputs).eval()
    if not any(isinstance(module, nn.ReLU) for module in network.modules()):
        return
    attribute = [method().prepare(made, rows) for made in (network, copy.deepcopy(network))]
    with as_products(network):
        quick = method().prepare(network, rows)(rows.inputs, rows.labels)
        expected_quick = hooked(method, copy.deepcopy(network), rows.inputs, rows.labels)
    expected = hooked(method, copy.deepcopy(network), rows.inputs, rows.labels)
    assert all(torch.equal(one(rows.inputs, rows.labels), expected) for one in attribute)
    assert torch.equal(quick, expected_quick)


@pytest.mark.parametrize("name", ["linear", "mlp", "cnn_small", "cnn_large", "vgg_small", "vgg_strided"])
def test_chains_of_the_table_need_no_copy(name: str) -> None:
    """What DeepLIFT and LRP gave for them before networks were copied stays as it was."""
    network = build(name, torch.rand(2, *shape(name))).eval()
    kinds = (nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten)
    assert not in_modules(network, LAYERS, kinds)[1]


@pytest.mark.parametrize("shape", [(2, 30), (5, 9, 12), (1, 6, 7, 8)])
def test_cnn_nd_takes_signals_images_and_volumes_with_any_channels(shape: tuple[int, ...]) -> None:
    assert build("cnn_nd", torch.rand(4, *shape)).eval()(torch.rand(3, *shape)).shape == (3, 5)
