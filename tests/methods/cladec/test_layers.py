"""Encoders with fresh weights."""

import torch

from methods.cladec.layers import Encoder
from tests.methods.networks import convolutional


def test_the_encoder_of_a_classifier_that_is_frozen_as_a_whole_learns_with_fresh_weights() -> None:
    classifier = convolutional(1)
    classifier.requires_grad_(False)
    encoder = Encoder(classifier, "8", torch.rand(1, 1, 8, 8))
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    fresh, learned = encoder.network.get_parameter("2.weight"), classifier.get_parameter("2.weight")
    assert not torch.equal(fresh, learned)
    assert not learned.requires_grad
