"""Names to things: "smoothgrad[samples=50]" -> its identity (`PlugIn`) and the object it stands for.

Every parameter is read from the signature of what is named, so a plug-in declares nothing twice. A parameter whose
type is `Explainer` takes another plug-in: "smoothgrad[base=integrated_gradients[steps=50]]".
"""

import ast
import hashlib
import importlib
import inspect
import math
import sys
import types
import typing
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import benchmark
import datasets
import methods
from benchmark.notation import parse, quoted, suggestion
from benchmark.spec import PlugIn

TABLES: dict[str, dict[str, str]] = {
    "dataset": datasets.DATASETS,
    "classifier": benchmark.CLASSIFIERS,
    "explainer": methods.EXPLAINERS,
    "fill": benchmark.FILLS,
}
SEED = "seed"
"""Written as the value of an integer parameter of a data set, it takes the seed of the cell: "squares[draw=seed]"."""

MEANS = frozenset({"in_memory"})
"""Parameters of data sets that say how they are read: they change no number and are no part of an identity."""

ADDED = frozenset({("arrays", "layout", "auto")})
"""Parameters that came when results were stored already, with the values that leave those their identity."""


def plugin(text: str, kind: str) -> PlugIn:
    """The identity of a plug-in as written.

    Args:
        text: "name", "name[parameter=value,...]" or the same with "module:attribute" for a plug-in of one's own.
        kind: a key of `TABLES`.

    Raises:
        ValueError: malformed text, unknown name or parameter, a value of the wrong type, a missing parameter.
    """
    name, given = parse(text)
    target = _locate(name, kind)
    hints = _hints(target)
    unknown = sorted(set(given) - set(hints))
    if unknown:
        raise ValueError(f"{kind} {name} has no parameter {unknown[0]!r}{suggestion(unknown[0], hints)}")
    seedable = kind == "dataset"
    values = {
        field: SEED
        if seedable and value == SEED and _plain(hints[field]) is int
        else _convert(value, hints[field], f"{name}[{field}]")
        for field, value in given.items()
    }
    identity = _identity(target, kind, _canonical_name(name, kind), values)
    if kind == "explainer":
        _check_explainer(build(identity, kind), name)  # building checks the ranges of its parameters
    return identity


def build(identity: PlugIn, kind: str, *, seed: int = 0) -> typing.Any:
    """The thing a plug-in stands for: an explainer, or a function with its parameters bound.

    Args:
        seed: what the word "seed" stands for among the parameters of a data set.
    """
    target = _locate(identity.name, kind)
    hints = _hints(target)
    values = {name: _revive(value, hints[name], seed) for name, value in identity.parameters + identity.means}
    return target(**values) if inspect.isclass(target) else partial(target, **values)


def redraws(explainer: PlugIn) -> bool:
    """Whether networks are retrained on images that lose other units, drawn at random, in every epoch."""
    return getattr(build(explainer, "explainer"), "per_epoch", False)


def check_name(text: str, kind: str) -> None:
    """Checks the form and the name of a plug-in without importing it, for an error within a blink.

    Raises:
        ValueError: malformed text or unknown name.
    """
    name, _ = parse(text)
    if ":" not in name and name not in TABLES[kind]:
        raise ValueError(f"unknown {kind} {name!r}{suggestion(name, TABLES[kind])}")


def summary(kind: str, name: str) -> str:
    """First sentence of the docstring of a plug-in in the table, read from its source without importing it."""
    module, attribute = TABLES[kind][name].split(":")
    source = Path(__file__).parents[1].joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == attribute:
            return (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
    return ""


def _locate(name: str, kind: str) -> Callable[..., typing.Any]:
    check_name(name, kind)
    module, _, attribute = TABLES[kind].get(name, name).partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = importlib.import_module(module)
    except Exception as error:  # the module is the user's: whatever goes wrong in it is bad input
        reason = f"{type(error).__name__}: {error}".replace("\n", " ")
        raise ValueError(f"{kind} {name!r}: cannot import {module!r} from the current folder ({reason})") from error
    if not callable(getattr(found, attribute, None)):
        raise ValueError(f"{kind} {name!r}: module {module!r} has no class or function {attribute!r}")
    return getattr(found, attribute)


def _source(name: str, target: object) -> str:
    """Checksum of the file that a plug-in of the user's own is written in."""
    file = getattr(sys.modules.get(getattr(target, "__module__", "")), "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16] if ":" in name and file else ""


def _check_explainer(explainer: object, name: str) -> None:
    settings = getattr(explainer, "__dataclass_params__", None)
    if not (settings and settings.frozen and callable(getattr(explainer, "prepare", None))):
        raise ValueError(f"explainer {name} must be a class with @dataclass(frozen=True) and a method prepare")


def _canonical_name(name: str, kind: str) -> str:
    """The short name of a thing that is in the table but was written as a dotted path."""
    return next((short for short, path in TABLES[kind].items() if path == name), name)


def _hints(target: Callable[..., typing.Any]) -> dict[str, typing.Any]:
    """Parameter name -> type: the fields of a class, the keyword-only parameters of a function."""
    hints = typing.get_type_hints(target if inspect.isclass(target) else inspect.unwrap(target))
    parameters = inspect.signature(target).parameters.values()
    settable = [p for p in parameters if inspect.isclass(target) or p.kind is p.KEYWORD_ONLY]
    return {parameter.name: hints.get(parameter.name, str) for parameter in settable}


def _identity(target: Callable[..., typing.Any], kind: str, name: str, values: Mapping[str, object]) -> PlugIn:
    parameters = inspect.signature(target).parameters
    complete, written = {}, []
    for field in sorted(_hints(target)):
        default = parameters[field].default
        if field not in values and default is inspect.Parameter.empty:
            raise ValueError(f"{kind} {name} needs a value for {field!r}: {name}[{field}=...]")
        complete[field] = values.get(field, _as_value(default))
        if complete[field] != _as_value(default) and not (kind == "dataset" and field in MEANS):
            written.append(f"{field}={_written(complete[field])}")
    text = name + (f"[{','.join(written)}]" if written else "")
    version = getattr(target, "version", 1)
    counts, means = (
        tuple(
            (field, value)
            for field, value in complete.items()
            if (kind == "dataset" and field in MEANS) is mean and (name, field, value) not in ADDED
        )
        for mean in (False, True)
    )
    return PlugIn(name, version, counts, _source(name, target), text, means)


def _as_value(default: object) -> object:
    """A default as it stands in a specification: a path as text, an explainer as its identity."""
    if default is inspect.Parameter.empty or isinstance(default, bool | int | float | str | None):
        return default
    if isinstance(default, Path):
        return str(default)
    if not hasattr(default, "prepare"):
        raise ValueError(f"parameters must be bool, int, float, str, Path or Explainer, got the default {default!r}")
    name = _canonical_name(f"{type(default).__module__}:{type(default).__qualname__}", "explainer")
    values = {field: _as_value(getattr(default, field)) for field in _hints(type(default))}
    return _identity(type(default), "explainer", name, values)


def _written(value: object) -> str:
    if isinstance(value, PlugIn):
        return value.text
    return str(value).lower() if isinstance(value, bool | None) else quoted(str(value))


def _plain(hint: typing.Any) -> typing.Any:
    """The type behind an optional one: `int | None` -> `int`."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(choice for choice in typing.get_args(hint) if choice is not type(None))
    return hint


def _convert(text: str, hint: typing.Any, where: str) -> object:
    """Text to the type of a parameter."""
    if text.lower() == "none" and type(None) in typing.get_args(hint):
        return None
    hint = _plain(hint)
    choices = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        if text not in choices:
            raise ValueError(f"{where} must be one of {', '.join(choices)}, got {text!r}")
        return text
    if getattr(hint, "__name__", "") == "Explainer":
        return plugin(text, "explainer")
    return _scalar(text, hint, where)


def _scalar(text: str, hint: type, where: str) -> object:
    if hint is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{where} must be true or false, got {text!r}")
        return text.lower() == "true"
    if hint in (int, float):
        try:
            number = hint(text)
            if math.isfinite(number):
                return number
        except ValueError:
            pass
        raise ValueError(f"{where} must be {'an integer' if hint is int else 'a number'}, got {text!r}")
    return text


def _revive(value: object, hint: typing.Any, seed: int) -> object:
    if isinstance(value, PlugIn):
        return build(value, "explainer")
    if _plain(hint) is Path and value is not None:
        return Path(str(value))
    return seed if value == SEED and _plain(hint) is int else value
