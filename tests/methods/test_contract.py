"""What every explainer in the table must keep, whatever it computes."""

import copy
import dataclasses
import importlib
import inspect
import typing
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roarbench.methods import EXPLAINERS
from roarbench.methods.base import Explainer, Skip, View
from roarbench.methods.gradient import InputXGradient
from tests.methods.networks import convolutional, residual, split, tabular

STOCHASTIC = {
    "random", "random_per_epoch", "smoothgrad", "smoothgrad_squared", "vargrad", "gradient_shap", "lime", "kernel_shap",
    "random_class", "degraded",
}  # fmt: skip
"""Draw random numbers in a stream that the examples of a batch share."""
CONTROLS = {"random", "random_per_epoch", "sobel", "center", "deviation", "truth"}
ITSELF = {"hide_and_seek", "senn", "disenn"}
"""Explain themselves: they train on their own, whatever the classifier or the target."""
UNTARGETED = CONTROLS | ITSELF | {"random_class", "cladec"}
"""Do not follow the target they are given."""
VIEWS = ("squared", "smoothgrad", "smoothgrad_squared", "vargrad", "cladec", "blurred", "max_filtered")
CHEAPER = {
    "lime": {"samples": 20},
    "kernel_shap": {"samples": 20},
    "integrated_gradients": {"steps": 3},
    "hide_and_seek": {"steps": 4, "patience": 2, "pretraining_steps": 2},
    "senn": {"steps": 4},
    "disenn": {"steps": 4},
    "cladec": {"steps": 4},
}
CASES = {
    "grey": (convolutional(1), split((1, 8, 8))),
    "colour": (convolutional(3), split((3, 8, 8))),
    "residual": (residual(), split((1, 8, 8))),
    "tabular": (tabular(), split((6,))),
}
IMAGES_ONLY = (
    "sobel",
    "center",
    "grad_cam",
    "guided_grad_cam",
    "hide_and_seek",
    "senn",
    "cladec",
    "blurred",
    "max_filtered",
)
SKIPPED = {("lrp", "residual")} | {(name, "tabular") for name in IMAGES_ONLY}


def explainer_class(name: str) -> Any:
    module, _, attribute = EXPLAINERS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def attribute(name: str, case: str, inputs: Tensor | None = None) -> Tensor:
    classifier, train = CASES[case]
    inputs = train.inputs[:4] if inputs is None else inputs
    targets = torch.arange(len(inputs)) % 3
    torch.manual_seed(0)
    return explainer_class(name)(**CHEAPER.get(name, {})).prepare(classifier, train)(inputs, targets)


def fingerprint(classifier: nn.Module) -> list[Any]:
    """Everything about the modules that an explainer could disturb, tensors by value."""
    return [
        (
            name,
            module.training,
            {key: len(value) if isinstance(value, dict) else None for key, value in vars(module).items()},
        )
        for name, module in classifier.named_modules()
    ] + [
        (name, value.requires_grad, value.grad, value._version)
        for name, value in (*classifier.named_parameters(), *classifier.named_buffers())
    ]


APPLICABLE = [(name, case) for name in EXPLAINERS for case in CASES if (name, case) not in SKIPPED]
applicable = pytest.mark.parametrize(("name", "case"), APPLICABLE)
deterministic = pytest.mark.parametrize(("name", "case"), [pair for pair in APPLICABLE if pair[0] not in STOCHASTIC])
post_hoc = pytest.mark.parametrize(("name", "case"), [pair for pair in APPLICABLE if pair[0] not in UNTARGETED])
every = pytest.mark.parametrize("name", EXPLAINERS)


@applicable
def test_attributions_have_the_shape_of_the_inputs_and_are_finite_detached_floats(name: str, case: str) -> None:
    attributions = attribute(name, case)
    assert attributions.shape == CASES[case][1].inputs[:4].shape
    assert attributions.dtype == torch.float32
    assert attributions.isfinite().all()
    assert not attributions.requires_grad
    assert attributions.is_contiguous()


@applicable
def test_no_example_of_a_batch_comes_out_empty_or_equal_to_another(name: str, case: str) -> None:
    attributions = attribute(name, case).flatten(1)
    assert (attributions.abs().sum(1) > 0).all()
    if name not in {"center", "truth"}:
        assert not torch.equal(attributions[0], attributions[1])


@applicable
def test_attributions_repeat_under_a_seed(name: str, case: str) -> None:
    assert torch.equal(attribute(name, case), attribute(name, case))


@applicable
def test_attributions_draw_from_no_other_generator_than_that_of_torch(name: str, case: str) -> None:
    np.random.seed(0)
    first = attribute(name, case)
    np.random.seed(1)
    assert torch.equal(first, attribute(name, case))


@applicable
def test_classifier_and_inputs_come_back_unchanged(name: str, case: str) -> None:
    classifier, train = CASES[case]
    state, before = copy.deepcopy(classifier.state_dict()), fingerprint(classifier)
    inputs = train.inputs[:4].clone()
    attribute(name, case, inputs)
    assert fingerprint(classifier) == before
    assert all(torch.equal(value, state[key]) for key, value in classifier.state_dict().items())
    assert torch.equal(inputs, train.inputs[:4])
    assert not inputs.requires_grad and inputs.grad is None


@applicable
def test_a_frozen_classifier_stays_frozen_and_yields_the_same(name: str, case: str) -> None:
    classifier, _ = CASES[case]
    expected = attribute(name, case)
    classifier.requires_grad_(False)
    try:
        assert torch.equal(attribute(name, case), expected)
        assert not any(weight.requires_grad for weight in classifier.parameters())
    finally:
        classifier.requires_grad_(True)


@applicable
def test_an_outer_no_grad_changes_nothing(name: str, case: str) -> None:
    with torch.no_grad():
        inside = attribute(name, case)
    assert torch.equal(inside, attribute(name, case))


@applicable
def test_a_batch_of_one_works(name: str, case: str) -> None:
    inputs = CASES[case][1].inputs[:1]
    assert attribute(name, case, inputs).shape == inputs.shape


@deterministic
def test_an_example_does_not_see_the_others_in_its_batch(name: str, case: str) -> None:
    inputs = CASES[case][1].inputs[:4]
    others = torch.cat([inputs[:1], 1 - inputs[1:]])
    torch.testing.assert_close(attribute(name, case, others)[:1], attribute(name, case)[:1])
    torch.testing.assert_close(attribute(name, case, inputs[:1]), attribute(name, case)[:1])


@post_hoc
def test_every_target_gets_its_own_attributions(name: str, case: str) -> None:
    classifier, train = CASES[case]
    attribute_batch = explainer_class(name)(**CHEAPER.get(name, {})).prepare(classifier, train)
    inputs = train.inputs[:1].expand(3, *train.inputs.shape[1:])
    torch.manual_seed(0)
    forward = attribute_batch(inputs, torch.tensor([0, 1, 2]))
    assert not torch.equal(forward[0], forward[1])
    if name not in STOCHASTIC:
        torch.testing.assert_close(attribute_batch(inputs, torch.tensor([2, 1, 0])), forward.flip(0))


@pytest.mark.parametrize(("name", "case"), sorted(SKIPPED))
def test_a_method_that_does_not_apply_says_why(name: str, case: str) -> None:
    with pytest.raises(Skip, match=r"\w+ \w+"):
        attribute(name, case)


@every
def test_explainers_are_frozen_hashable_and_know_what_they_explain(name: str) -> None:
    explainer = explainer_class(name)()
    assert isinstance(explainer, Explainer)
    assert explainer.version >= 1
    assert explainer.explains == ("nothing" if name in CONTROLS else "itself" if name in ITSELF else "classifier")
    assert explainer == explainer_class(name)() and hash(explainer) == hash(explainer_class(name)())
    for field in dataclasses.fields(explainer):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(explainer, field.name, getattr(explainer, field.name))


@every
def test_every_field_is_part_of_the_identity(name: str) -> None:
    explainer = explainer_class(name)()
    for field in dataclasses.fields(explainer):
        hint = typing.get_type_hints(type(explainer))[field.name]
        other = dataclasses.replace(explainer, **{field.name: changed(field.default, hint)})
        assert other != explainer


@every
def test_every_numeric_field_refuses_nonsense_by_name(name: str) -> None:
    explainer = explainer_class(name)()
    for field in dataclasses.fields(explainer):
        if type(field.default) in (int, float):
            with pytest.raises(ValueError, match=field.name):
                dataclasses.replace(explainer, **{field.name: type(field.default)(-1)})


@every
def test_docstrings_name_the_paper_and_the_differences(name: str) -> None:
    lines = (inspect.getdoc(explainer_class(name)) or "").splitlines()
    assert lines[0].endswith(".") and not lines[1]
    assert any(line.startswith("Paper: ") for line in lines)
    assert any(line.startswith("Differs from the paper: ") for line in lines)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_the_reduction_of_its_source(name: str) -> None:
    explainer = explainer_class(name)(**CHEAPER.get(name, {}))
    assert isinstance(explainer, View)
    classifier, train = CASES["grey"]
    torch.manual_seed(0)
    passed = explainer.source.prepare(classifier, train)(train.inputs[:4], torch.arange(4) % 3)
    assert torch.equal(explainer.reduce(passed), attribute(name, "grey"))


def changed(value: Any, hint: Any) -> Any:
    choices = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        return next(choice for choice in choices if choice != value)
    if value is None:
        return {str: "2", float: 0.5}[choices[0]]
    if isinstance(value, str):
        return "dense"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1 if isinstance(value, int) else value / 2 or 0.5
    return InputXGradient()
