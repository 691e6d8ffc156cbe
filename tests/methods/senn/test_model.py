"""Networks of the published sizes, whose logits are sums of contributions."""

import pytest
import torch
from torch import nn

from roarbench.methods.senn.concepts import Code, divergence
from roarbench.methods.senn.model import Senn
from roarbench.methods.senn.settings import Settings

MNIST = Settings(concepts="convolutional", relevances="convolutional", bounded=True, dropout=0.5)


def size(network: nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


def test_published_sizes() -> None:
    compas = Senn(Settings(bias=False), (11,), 2)
    assert size(compas.relevances) == 222
    mnist = Senn(MNIST, (1, 28, 28), 10)
    assert (size(mnist.concepts), size(mnist.relevances), size(mnist)) == (6_889, 21_330, 28_219)
    disenn = Senn(Settings(concepts="vae", relevances="convolutional"), (1, 28, 28), 10)
    assert size(disenn) == 1_141_520


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 12, 16)])
@pytest.mark.parametrize("concepts", ["identity", "convolutional", "vae"])
def test_images_of_many_shapes(concepts: str, shape: tuple[int, ...]) -> None:
    network = Senn(Settings(concepts=concepts, relevances="convolutional"), shape, 4)  # type: ignore[arg-type]
    inputs = torch.rand(2, *shape)
    found = network.explain(inputs)
    assert network.concepts.decode(found.concepts).shape == inputs.shape
    torch.testing.assert_close(found.contributions.sum(1), network(inputs))


def test_identity_gives_the_features_and_a_bias_back() -> None:
    network = Senn(Settings(), (11,), 2)
    inputs = torch.rand(3, 11)
    found = network.explain(inputs)
    assert (found.concepts[:, -1] == 1).all()
    assert (network.concepts.decode(found.concepts) == inputs).all()


def test_the_divergence_of_the_standard_normal_is_zero() -> None:
    assert divergence(Code(torch.zeros(4, 5), torch.zeros(4, 5))) == 0
    assert divergence(Code(torch.ones(4, 5), torch.zeros(4, 5))) == 2.5


def test_rows_have_no_convolutions() -> None:
    with pytest.raises(ValueError, match="need images"):
        Senn(MNIST, (11,), 2)
