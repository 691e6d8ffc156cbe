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
from roarbench.methods import EXPLAINERS
from roarbench.methods.base import source_of
from roarbench.methods.gradient import Gradient
from tests.methods.networks import convolutional, split

IMAGES = split((1, 8, 8), n=40)
CHEAPER = {
    "lime": "[samples=20]",
    "kernel_shap": "[samples=20]",
    "integrated_gradients": "[steps=3]",
    "hide_and_seek": "[steps=1,patience=2,pretraining_steps=0]",
    "senn": "[steps=1]",
    "disenn": "[steps=1]",
    "cladec": "[steps=1]",
}
EXPECTED = {
    "random": 0, "sobel": 0, "gradient": 1, "integrated_gradients[steps=3]": 3, "deep_lift": 2, "lrp": 2,
    "randomized": 1, "lime[samples=20]": 20, "cladec[steps=1]": 2, "senn[steps=1]": 0,
}  # fmt: skip
"""ClaDec sees a layer of the classifier, and its reference is a copy of it with other weights."""


@pytest.mark.parametrize("name", [name + CHEAPER.get(name, "") for name in EXPLAINERS])
def test_passes_that_are_measured_are_those_that_a_dry_run_reports(name: str) -> None:
    explainer, network = build(plugin(name, "explainer"), "explainer"), convolutional(1)
    source = source_of(explainer)
    told = Sample(Recipe(), IMAGES, network).passing(source)
    attribute = source.prepare(network, IMAGES)
    (of_pass,) = samples(network, attribute, [explainer], IMAGES, target="label", seed=("test",))
    measured = of_pass.passes
    assert told.note == ""
    assert told.passes == measured == EXPECTED.get(name, measured)


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
