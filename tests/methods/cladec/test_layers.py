"""Encoders with fresh weights."""

import pytest
import torch
from torch import nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.randomness import seeded
from roarbench.methods.cladec.layers import Encoder, layers
from tests.benchmark.networks.test_classifiers import shape
from tests.methods.networks import convolutional
from tests.values import READY


def perturbed(name: str, example: torch.Tensor) -> nn.Module:
    """A classifier whose every weight and running statistic differs from any initial value."""
    with seeded("test", name):
        network = classifier(plugin(name, "classifier"), torch.rand(8, *example.shape[1:]), 5).eval()
        for value in [*network.parameters(), *running(network).values()]:
            value.data.add_(torch.rand(value.shape).mul(5).add(1).to(value.dtype))
    return network


def running(network: nn.Module) -> dict[str, torch.Tensor]:
    """Buffers that training changes: all but the standardisation in front."""
    return {name: value for name, value in network.named_buffers() if not name.startswith("0.")}


@pytest.mark.parametrize("name", READY)
def test_nothing_that_the_classifier_learned_is_left_in_an_encoder(name: str) -> None:
    example = torch.rand(1, *shape(name))
    network = perturbed(name, example)
    encoder = Encoder(network, [*layers(network, example)][-1], example).network
    parameters = dict(network.named_parameters())
    assert {name for name, _ in encoder.named_parameters()} == {*parameters}
    for key, value in encoder.named_parameters():
        learned = parameters[key]
        assert value.requires_grad == learned.requires_grad
        assert (value == learned).any() != value.requires_grad, key
        assert value.requires_grad or torch.equal(value, learned), key
    for key, value in running(encoder).items():
        assert not (value == network.get_buffer(key)).any(), key


def test_norms_without_weights_forget_their_statistics() -> None:
    norm = nn.BatchNorm2d(4, affine=False)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.Flatten(), nn.Linear(144, 3)).eval()
    norm.get_buffer("running_mean").add_(1)
    encoder = Encoder(network, "1", torch.rand(1, 1, 8, 8))
    assert (encoder.network.get_buffer("1.running_mean") == 0).all()


def test_the_encoder_of_a_classifier_that_is_frozen_as_a_whole_learns_with_fresh_weights() -> None:
    classifier = convolutional(1)
    classifier.requires_grad_(False)
    encoder = Encoder(classifier, "8", torch.rand(1, 1, 8, 8))
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    fresh, learned = encoder.network.get_parameter("2.weight"), classifier.get_parameter("2.weight")
    assert not torch.equal(fresh, learned)
    assert not learned.requires_grad
