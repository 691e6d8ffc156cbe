"""The contract of classifiers, checked for every one in the table."""

import pytest
import torch
from torch import nn

from benchmark import CLASSIFIERS
from benchmark.classifiers import Standardize, classifier
from benchmark.plugins import plugin
from benchmark.randomness import seeded

TABULAR = ("linear", "mlp")
IMAGES = {name: (3, 64, 64) if name == "resnet50" else (1, 8, 8) for name in CLASSIFIERS}


def build(name: str, inputs: torch.Tensor, num_classes: int = 5) -> nn.Module:
    with seeded("test", name):
        return classifier(plugin(name, "classifier"), inputs, num_classes)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_logits_have_one_column_a_class(name: str) -> None:
    inputs = torch.rand(3, *IMAGES[name])
    assert build(name, inputs).eval()(inputs).shape == (3, 5)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_relu_is_its_own_module_not_in_place_and_used_once(name: str) -> None:
    inputs = torch.rand(2, *IMAGES[name])
    network = build(name, inputs).eval()
    calls: dict[nn.Module, int] = {}
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            assert not module.inplace
            calls[module] = 0
            module.register_forward_hook(lambda m, *_: calls.__setitem__(m, calls[m] + 1))
    with _no_functional_relu():
        network(inputs)
    assert name == "linear" or calls
    assert all(count == 1 for count in calls.values())


class _no_functional_relu(torch.overrides.TorchFunctionMode):  # noqa: N801
    """Lets F.relu through only from inside nn.ReLU, which calls it once; any other rectifier fails."""

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        assert func not in (torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_, torch.Tensor.clamp)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_standardisation_comes_first_and_uses_the_training_inputs(name: str) -> None:
    inputs = torch.rand(50, *IMAGES[name]) * 0.3 + 0.5
    first = build(name, inputs)[0]  # type: ignore[index]
    assert isinstance(first, Standardize)
    seen = first(inputs)
    assert seen.mean().abs() < 1e-4
    assert (seen.std() - 1).abs() < 1e-3


def test_a_constant_feature_is_centred_and_not_blown_up() -> None:
    inputs = torch.tensor([[0.5, 0.0], [0.5, 1.0]])
    assert Standardize(inputs)(inputs).tolist() == [[0.0, -1.0], [0.0, 1.0]]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_tabular_rows_work_or_are_refused_in_one_line(name: str) -> None:
    inputs = torch.rand(4, 7)
    if name in TABULAR:
        assert build(name, inputs).eval()(inputs).shape == (4, 5)
    else:
        with pytest.raises(ValueError, match="needs images"):
            build(name, inputs)


@pytest.mark.parametrize("size", [7, 8, 28, 31, 32])
def test_residual_networks_take_any_small_size(size: int) -> None:
    inputs = torch.rand(2, 3, size, size)
    assert build("resnet8", inputs).eval()(inputs).shape == (2, 5)


def test_resnet50_has_the_published_number_of_parameters() -> None:
    network = build("resnet50", torch.rand(2, 3, 64, 64), num_classes=1000)
    assert sum(p.numel() for p in network.parameters()) == 25_557_032


def test_weights_depend_on_the_seed_alone() -> None:
    inputs = torch.rand(4, 1, 8, 8)
    first, again = build("cnn_small", inputs), build("cnn_small", inputs * 0.5)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
