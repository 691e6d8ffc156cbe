"""Passes are rows that enter the first layer: those of assessments are those of the dry run, for every explainer."""

import copy

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.attribution.passes import entering
from roarbench.benchmark.cost.sample import Sample
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.measures.assessment import samples
from roarbench.datasets.base import Split
from roarbench.methods.base import source_of
from roarbench.methods.gradient import Gradient
from tests.methods.networks import convolutional, split, transformer
from tests.methods.test_contract import cheap
from tests.values import ABLE

IMAGES = split((1, 8, 8), n=40)
BY_HAND = {"random": 0, "sobel": 0, "gradient": 1, "deep_lift": 2, "lrp": 2, "randomized": 1, "cladec": 2, "senn": 0}
"""ClaDec sees a layer of the classifier, and its reference is a copy of it with other weights."""


@pytest.mark.parametrize("name", ABLE)
def test_passes_that_are_measured_are_those_that_a_dry_run_reports(name: str) -> None:
    explainer, network = cheap(name), transformer() if "attention" in name else convolutional(1)
    source = source_of(explainer)
    told = Sample(Recipe(), IMAGES, network).passing(source)
    attribute = source.prepare(network, IMAGES)
    (of_pass,) = samples(network, attribute, [explainer], IMAGES, target="label", seed=("test",))
    measured = of_pass.passes
    assert told.note == ""
    assert told.passes == measured == BY_HAND.get(name, measured)


@pytest.mark.parametrize(("name", "passes"), [("integrated_gradients[steps=3]", 3), ("lime[samples=20]", 20)])
def test_passes_are_those_that_a_parameter_asks_for(name: str, passes: int) -> None:
    explainer = build(plugin(name, "explainer"), "explainer")
    assert Sample(Recipe(), IMAGES, convolutional(1)).passing(explainer).passes == passes


def counted(network: nn.Module, use: object) -> int:
    seen: list[int] = []
    with entering(network, seen.append):
        use()  # type: ignore[operator]
    return sum(seen)


def test_rows_count_however_the_network_is_called() -> None:
    network, inputs = convolutional(1), IMAGES.inputs[:5]
    joined = network.register_forward_pre_hook(lambda _, arguments: (torch.cat([*arguments, *arguments]),))
    assert counted(network, lambda: network(inputs)) == 10
    joined.remove()
    assert counted(network, lambda: network[1:](network[0](inputs))) == 5
    assert counted(network, lambda: Gradient().prepare(network, IMAGES)(inputs, torch.zeros(5).long())) == 5


def test_copies_count_whenever_they_were_made_and_other_networks_do_not() -> None:
    network, inputs = convolutional(1), IMAGES.inputs[:5]
    early, other = copy.deepcopy(network), convolutional(1)
    other[0].mean += 0.1  # type: ignore[operator, union-attr]
    assert counted(network, lambda: (early(inputs), copy.deepcopy(network)(inputs), other(inputs))) == 10
    assert counted(network, lambda: copy.deepcopy(network).double()(inputs.double())) == 5
    assert not network[0]._forward_pre_hooks


def test_a_layer_without_constants_is_known_by_itself_alone() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (1, 64)), nn.Flatten(), nn.Linear(64, 3))
    rows: Split = IMAGES
    assert counted(network, lambda: network(rows.inputs)) == len(rows)


def test_nothing_is_counted_outside_the_block() -> None:
    network = convolutional(1)
    seen: list[int] = []
    with entering(network, seen.append):
        pass
    answers: Tensor = network(IMAGES.inputs)
    assert len(answers) == len(IMAGES) and not seen
