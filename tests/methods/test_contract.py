"""What every explainer in the table must keep, whatever it computes; nothing here names one of them."""

import copy
import dataclasses
import importlib
import inspect
import typing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roarbench.methods import EXPLAINERS
from roarbench.methods.base import AttributionFunction, Explainer, Explains, Skip, View
from tests.methods.networks import convolutional, residual, split, tabular, transformer
from tests.values import ABLE, others

SMALL = {"samples": 20, "steps": 4, "patience": 2, "pretraining_steps": 2}
"""Fields that cost time, wherever an explainer has them, and the most that they are here."""

CASES = {
    "grey": (convolutional(1), split((1, 8, 8))),
    "colour": (convolutional(3), split((3, 8, 8))),
    "residual": (residual(), split((1, 8, 8))),
    "tokens": (transformer(seed=1), split((1, 8, 8))),
    "tabular": (tabular(), split((6,))),
}
TARGETS = torch.arange(4) % 3
every = pytest.mark.parametrize("name", ABLE)
pairs = pytest.mark.parametrize(("name", "case"), [(name, case) for name in ABLE for case in CASES])


class Baseline(NamedTuple):
    """What an explainer, prepared under seed 0, gives for four examples; one preparation serves many laws.

    Attributes:
        attribute: the prepared function.
        left: classifier and inputs came back as they were given.
    """

    attribute: AttributionFunction
    maps: Tensor
    left: bool


def explainer_class(name: str) -> Any:
    """The class of an explainer of the table."""
    module, _, attribute = EXPLAINERS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def cheap(name: str) -> Any:
    """An explainer with its defaults, but few samples and steps."""
    fields = {field.name: field.default for field in dataclasses.fields(explainer_class(name))}
    return explainer_class(name)(**{key: min(fields[key], most) for key, most in SMALL.items() if fields.get(key)})


def explains(name: str) -> str:
    """What an explainer says that it explains."""
    return getattr(explainer_class(name), "explains", "classifier")


def examples(case: str) -> Tensor:
    """Four inputs, in memory of their own."""
    return CASES[case][1].inputs[:4].clone()


@cache
def skipped(name: str, case: str) -> str:
    """Why an explainer does not apply to a case; empty where it does."""
    try:
        baseline(name, case)
    except Skip as reason:
        return str(reason)
    return ""


@cache
def baseline(name: str, case: str) -> Baseline:
    """The maps of an explainer under seed 0.

    Raises:
        Skip: it does not apply.
    """
    (classifier, train), inputs = CASES[case], examples(case)
    state, before = copy.deepcopy(classifier.state_dict()), fingerprint(classifier)
    torch.manual_seed(0)
    attribute = cheap(name).prepare(classifier, train)
    maps = attribute(inputs, TARGETS)
    left = fingerprint(classifier) == before and torch.equal(inputs, examples(case))
    left &= all(torch.equal(value, state[key]) for key, value in classifier.state_dict().items())
    return Baseline(attribute, maps, left and not inputs.requires_grad and inputs.grad is None)


def again(name: str, case: str, inputs: Tensor, targets: Tensor = TARGETS, *, seed: int = 0) -> Tensor:
    """What the prepared function gives under a seed."""
    torch.manual_seed(seed)
    return baseline(name, case).attribute(inputs, targets[: len(inputs)])


@cache
def stochastic(name: str, case: str) -> bool:
    """Whether a prepared function draws random numbers, in a stream that the examples of a batch share."""
    first, second = (again(name, case, examples(case), seed=seed) for seed in (0, 1))
    return not torch.equal(first, second)


def ignores_inputs(name: str, case: str) -> bool:
    """Whether a control gives one map to all images, as "center" does."""
    one = baseline(name, case).maps
    return explains(name) == "nothing" and torch.equal(again(name, case, CASES[case][1].inputs[4:8]), one)


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


@contextmanager
def frozen(classifier: nn.Module) -> Iterator[None]:
    """No weight needs a gradient, and after it all do."""
    classifier.requires_grad_(False)
    try:
        yield
        assert not any(weight.requires_grad for weight in classifier.parameters())
    finally:
        classifier.requires_grad_(True)


@every
def test_an_explainer_applies_somewhere_and_says_why_where_it_does_not(name: str) -> None:
    reasons = [reason for case in CASES if (reason := skipped(name, case))]
    assert len(reasons) < len(CASES), reasons
    assert all(len(reason.split()) >= 2 for reason in reasons)


@pairs
def test_attributions_are_finite_detached_floats_of_the_shape_of_the_inputs(name: str, case: str) -> None:
    if not skipped(name, case):
        maps = baseline(name, case).maps
        assert maps.shape == examples(case).shape and maps.dtype == torch.float32
        assert maps.isfinite().all() and not maps.requires_grad and maps.is_contiguous()


@pairs
def test_no_example_of_a_batch_comes_out_empty_or_equal_to_another(name: str, case: str) -> None:
    if not skipped(name, case):
        maps = baseline(name, case).maps.flatten(1)
        assert (maps.abs().sum(1) > 0).all()
        alike = not stochastic(name, case) and ignores_inputs(name, case)
        assert torch.equal(maps[0], maps[1]) is alike


@pairs
def test_classifier_and_inputs_come_back_unchanged(name: str, case: str) -> None:
    assert skipped(name, case) or baseline(name, case).left


@pairs
def test_attributions_depend_on_the_seed_of_torch_alone(name: str, case: str) -> None:
    """Neither on another generator, nor on an outer no_grad, nor on whether the classifier may be trained."""
    if skipped(name, case):
        return
    (classifier, train), inputs = CASES[case], examples(case)
    expected = baseline(name, case).maps
    np.random.seed(1)
    with frozen(classifier), torch.no_grad():
        before = fingerprint(classifier)
        torch.manual_seed(0)
        assert torch.equal(cheap(name).prepare(classifier, train)(inputs, TARGETS), expected)
        assert fingerprint(classifier) == before
    assert torch.equal(inputs, examples(case))


@pairs
def test_an_example_does_not_see_the_others_in_its_batch(name: str, case: str) -> None:
    """Where random numbers are drawn for a batch, one example alone has at least a map."""
    if skipped(name, case):
        return
    inputs, expected = examples(case), baseline(name, case).maps[:1]
    alone = again(name, case, inputs[:1])
    assert alone.shape == expected.shape
    if not stochastic(name, case):
        torch.testing.assert_close(alone, expected)
        torch.testing.assert_close(again(name, case, torch.cat([inputs[:1], 1 - inputs[1:]]))[:1], expected)


@pairs
def test_every_target_gets_its_own_attributions(name: str, case: str) -> None:
    """Unless there is no target to follow: controls, networks that explain themselves, and what says so."""
    follows = explains(name) == "classifier" and getattr(explainer_class(name), "targeted", True)
    if not follows or skipped(name, case):
        return
    inputs = examples(case)[:1].expand(3, *CASES[case][1].inputs.shape[1:])
    forward = again(name, case, inputs, torch.tensor([0, 1, 2]))
    assert not torch.equal(forward[0], forward[1])
    if not stochastic(name, case):
        backward = again(name, case, inputs, torch.tensor([2, 1, 0]))
        torch.testing.assert_close(backward, forward.flip(0))


@every
def test_explainers_are_frozen_hashable_and_know_what_they_explain(name: str) -> None:
    explainer = explainer_class(name)()
    assert isinstance(explainer, Explainer)
    assert getattr(explainer, "version", 1) >= 1
    assert explains(name) in typing.get_args(Explains)
    assert explainer == explainer_class(name)() and hash(explainer) == hash(explainer_class(name)())
    for field in dataclasses.fields(explainer):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(explainer, field.name, getattr(explainer, field.name))


@every
def test_every_field_is_part_of_the_identity(name: str) -> None:
    explainer = explainer_class(name)()
    for field in dataclasses.fields(explainer):
        hint = typing.get_type_hints(type(explainer))[field.name]
        changed = list(_replaced(explainer, field.name, others(hint)))
        assert changed and explainer not in changed, field.name


def _replaced(explainer: Any, field: str, values: list[Any]) -> Iterator[Any]:
    """An explainer with each other value of a field that it accepts."""
    for value in values:
        if value != getattr(explainer, field):
            with suppress(ValueError):
                yield dataclasses.replace(explainer, **{field: value})


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


@pytest.mark.parametrize("name", [name for name in ABLE if issubclass(explainer_class(name), View)])
def test_a_view_is_the_reduction_of_its_source(name: str) -> None:
    view = cheap(name)
    case = next(case for case in CASES if not skipped(name, case))
    classifier, train = CASES[case]
    torch.manual_seed(0)
    passed = view.source.prepare(classifier, train)(examples(case), TARGETS)
    assert torch.equal(view.reduce(passed), baseline(name, case).maps)
