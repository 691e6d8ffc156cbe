"""Other values for any parameter of a plug-in, from its type alone."""

import dataclasses
import importlib
import inspect
import typing
from pathlib import Path
from types import UnionType
from typing import Any

from roarbench.benchmark import CLASSIFIERS
from roarbench.methods import EXPLAINERS
from roarbench.methods.gradient import Gradient, InputXGradient

NUMBERS = {int: [2, 1, 3, 7, 8, 10], float: [0.5, 0.25, 0.75, 1.0, 2.0]}
WORDS = ["dense", "conv", "2", "7"]
"""What free words name, wherever they are more than a Literal: layers of networks, numbers of them."""


def target(path: str) -> Any:
    """What a value of a table of plug-ins names: "module:attribute"."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def types(path: str) -> dict[str, Any]:
    """The types of the parameters of a plug-in, by name."""
    named = target(path)
    wrapped = inspect.isclass(named) and not dataclasses.is_dataclass(named)
    return typing.get_type_hints(named.__init__ if wrapped else named)


def compulsory(path: str) -> list[str]:
    """Bracketed parameters of a plug-in without a default."""
    named = target(path)
    parameters = inspect.signature(named).parameters.values()
    settable = [p for p in parameters if p.kind is p.KEYWORD_ONLY or dataclasses.is_dataclass(named)]
    return [p.name for p in settable if p.default is p.empty]


READY = tuple(name for name, path in CLASSIFIERS.items() if not compulsory(path))
ABLE = tuple(name for name, path in EXPLAINERS.items() if not compulsory(path))
"""Classifiers, and explainers, that a name alone makes."""

NAMES = {
    "Classifier": ["mlp", "linear"],
    "Trainer": ["tests.dummies:narrow", "tests.dummies:Smooth"],
    "Maker": ["tests.dummies:striped", "tests.dummies:narrow"],
}
"""Names of plug-ins, for parameters that take one of some kind."""


def others(hint: Any) -> list[Any]:
    """Values of a type; at least one is no default, and any parameter of that type takes some of them."""
    if typing.get_origin(hint) in (typing.Union, UnionType):
        return [value for choice in typing.get_args(hint) if choice is not type(None) for value in others(choice)]
    if typing.get_origin(hint) is typing.Literal:
        return list(typing.get_args(hint))
    if hint is bool:
        return [True, False]
    if hint is str:
        return WORDS
    if hint is Path:
        return [Path("a"), Path("b")]
    return NUMBERS.get(hint) or NAMES.get(getattr(hint, "__name__", "")) or [InputXGradient(), Gradient()]


def written(hint: Any) -> list[str]:
    """Values of a type as they are typed on the command line."""
    names = {Gradient(): "gradient", InputXGradient(): "input_x_gradient", True: "true", False: "false"}
    return [str(value) if type(value) in NUMBERS else names.get(value, str(value)) for value in others(hint)]
