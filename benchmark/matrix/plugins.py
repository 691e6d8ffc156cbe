"""Names to things: "smoothgrad[samples=50]" -> its identity (`PlugIn`) and the object it stands for.

Every parameter is read from the signature of what is named, so a plug-in declares nothing twice. A parameter whose
type is `Explainer` takes another plug-in: "smoothgrad[base=integrated_gradients[steps=50]]".
"""

import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import math
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path

from roarbench.benchmark import CLASSIFIERS, FILLS, MEASURE_GROUPS, MEASURES, STANDARD
from roarbench.benchmark.matrix import source
from roarbench.benchmark.matrix.contents import own_code
from roarbench.benchmark.matrix.facts import check_measure
from roarbench.benchmark.matrix.notation import parse, quoted, suggestion
from roarbench.benchmark.matrix.spec import PlugIn
from roarbench.datasets import DATASETS
from roarbench.methods import EXPLAINERS
from roarbench.methods import GROUPS as EXPLAINER_GROUPS

TABLES: dict[str, dict[str, str]] = {
    "dataset": DATASETS,
    "classifier": CLASSIFIERS,
    "explainer": EXPLAINERS,
    "fill": FILLS,
    "measure": MEASURES,
    "trainer": {},
    "maker": {},
}
NESTED = {"Explainer": "explainer", "Classifier": "classifier", "Trainer": "trainer", "Maker": "maker"}
"""Types of parameters that take another plug-in -> its kind."""

METHODS = {"explainer": "prepare(classifier, train)", "measure": "measure(sample)"}
"""Kinds that are classes, and the method that makes one."""

GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "explainer": EXPLAINER_GROUPS,
    "measure": {"standard": STANDARD, **MEASURE_GROUPS},
}
"""Names that stand for several."""

LIBRARIES: dict[str, dict[str, str]] = {
    "dataset": {"given": "roarbench.given:dataset"},
    "classifier": {"given": "roarbench.given:classifier"},
    "explainer": {"given": "roarbench.given:explainer"},
    "measure": {"given": "roarbench.given:measure", "quantus": "roarbench.benchmark.measures.quantus:metric"},
}
"""Prefixes that stand for a library, as in "quantus:Sparseness" -> the function that makes a plug-in of a name. What a
program gave in memory is one: "given:mine"."""

SEED = "seed"
"""Written as the value of an integer parameter of a data set, it takes the seed of the cell: "squares[draw=seed]"."""

HANDLING = frozenset({"in_memory"})
"""Parameters of data sets that say how they are read: they change no number and are no part of an identity."""


def plugin(text: str, kind: str) -> PlugIn:
    """The identity of a plug-in as written.

    Args:
        text: "name", "name[parameter=value,...]" or the same with "module:attribute" for a plug-in of one's own, or
            with "library:name" for one of `LIBRARIES`.
        kind: a key of `TABLES`.

    Raises:
        ValueError: malformed text, unknown name or parameter, a value of the wrong type, a missing parameter.
    """
    name, options = parse(text)
    name = _known(name, kind)
    target = _locate(name, kind)
    if kind in METHODS:
        _check_class(target, name, kind)
    hints = _hints(target)
    unknown = sorted(set(options) - set(hints))
    if unknown:
        raise ValueError(f"{kind} {name} has no parameter {unknown[0]!r}{suggestion(unknown[0], hints)}")
    seedable = kind == "dataset"
    values = {
        field: SEED
        if seedable and value == SEED and _plain(hints[field]) is int
        else _convert(value, hints[field], f"{name}[{field}]")
        for field, value in options.items()
    }
    identity = _identity(target, kind, _canonical_name(name, kind), values)
    if kind in METHODS:
        _check_hashable(_built(identity, name, kind), name, kind)  # building checks the ranges of its parameters
    return identity


def build(identity: PlugIn, kind: str, *, seed: int = 0) -> typing.Any:
    """The thing a plug-in stands for: an explainer or a measure, or a function with its parameters bound.

    Args:
        seed: what the word "seed" stands for among the parameters of a data set.
    """
    given = identity.name.startswith("given:")  # what a program gave may be large: it is not kept for good
    revive = _revived.__wrapped__ if given else _revived
    return revive(identity, identity.handling, kind, seed)


@lru_cache(maxsize=1024)
def _revived(identity: PlugIn, handling: tuple[tuple[str, object], ...], kind: str, seed: int) -> typing.Any:
    """What is built is frozen: equal plug-ins are one object. How data are handled is no part of their identity."""
    target = _locate(identity.name, kind)
    hints = _hints(target)
    values = {name: _revive(value, hints[name], seed) for name, value in identity.parameters + handling}
    return target(**values) if kind in METHODS else partial(target, **values)


def _built(identity: PlugIn, name: str, kind: str) -> typing.Any:
    """An explainer or a measure, or one line of why it cannot be built: it may be the user's."""
    try:
        return build(identity, kind)
    except ValueError:
        raise
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{kind} {name} cannot be built: {reason}") from error


def redraws(explainer: PlugIn) -> bool:
    """Whether networks are retrained on images that lose other units, drawn at random, in every epoch."""
    return getattr(build(explainer, "explainer"), "per_epoch", False)


def hides(explainer: PlugIn) -> bool:
    """Whether an explainer has masks of its own beside its ranking."""
    return getattr(build(explainer, "explainer"), "hides", False)


def monotone(explainer: PlugIn) -> bool:
    """Whether an explainer keeps the order of the magnitudes that its base gives to single values."""
    return getattr(build(explainer, "explainer"), "monotone", False)


def check_name(text: str, kind: str) -> None:
    """Checks the form and the name of a plug-in without importing it, for an error within a blink.

    Raises:
        ValueError: malformed text, an unknown name, a file of one's own that is not there.
    """
    name, _ = parse(text)
    name = _known(name, kind)
    if ":" not in name and not TABLES[kind]:
        raise ValueError(f"{kind} must be written with its file, such as my_file:{name}, got {name!r}")
    if ":" not in name and name not in TABLES[kind]:
        raise ValueError(f"unknown {kind} {name!r}{suggestion(name, TABLES[kind])}")
    module = name.partition(":")[0]
    if ":" in name and module not in LIBRARIES.get(kind, {}):
        source.look_here()
        if module.partition(".")[0] not in sys.modules and not importlib.util.find_spec(module.partition(".")[0]):
            raise _unimportable(name, kind, f"ModuleNotFoundError: No module named {module.partition('.')[0]!r}")


def _locate(name: str, kind: str) -> Callable[..., typing.Any]:
    check_name(name, kind)
    module, _, attribute = TABLES[kind].get(name, name).partition(":")
    if adapter := LIBRARIES.get(kind, {}).get(module):
        return _locate(adapter, kind)(attribute)
    source.look_here()
    try:
        imported = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # the module is the user's: whatever goes wrong in it is bad input
        raise _unimportable(name, kind, " ".join(f"{type(error).__name__}: {error}".split())) from error
    if not callable(getattr(imported, attribute, None)):
        raise ValueError(f"{kind} {name!r}: module {module!r} has no class or function {attribute!r}")
    return getattr(imported, attribute)


def _unimportable(name: str, kind: str, reason: str) -> ValueError:
    module, _, attribute = name.partition(":")
    if module.endswith(".py"):
        reason += f"; write {module.removesuffix('.py')}:{attribute}"
    return ValueError(f"{kind} {name!r}: cannot import {module!r} from the current folder ({reason})")


def _source(name: str, target: object) -> str:
    """Checksum of what a plug-in of the user's own is made of; of its whole file where it is installed."""
    if ":" not in name:
        return ""
    if known := getattr(target, "checksum", "") or own_code(name):
        return known
    file = getattr(sys.modules.get(getattr(target, "__module__", "")), "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16] if file else ""


def _names_content(value: object, hint: typing.Any, *, own: bool) -> bool:
    """Whether a parameter names a file, or a folder where it must be a path: what is in it counts, not its name."""
    if _plain(hint) is Path:
        return value is not None and Path(str(value)).exists()
    return own and isinstance(value, str) and Path(value).is_file()


def _check_class(target: object, name: str, kind: str) -> None:
    if option := getattr(target, "option", ""):
        raise ValueError(f"{kind} {name} is read from curves: run {option} measures these; leave it out")
    if kind == "measure":
        check_measure(target, name)
    settings, method = getattr(target, "__dataclass_params__", None), METHODS[kind].partition("(")[0]
    has_method = callable(getattr(target, method, None))
    if not (inspect.isclass(target) and settings and settings.frozen and has_method):
        form = "a class" if inspect.isclass(target) else "a function"
        lacking = [] if has_method else [method]
        lacking += [] if settings and settings.frozen else ["@dataclass(frozen=True)"]
        raise ValueError(
            f"{kind} {name} must be a class with @dataclass(frozen=True) and a method {METHODS[kind]}, "
            f"got {form} without {' and '.join(lacking)}; wrap it in such a class"
        )


def _check_hashable(built: typing.Any, name: str, kind: str) -> None:
    """Equal explainers share their passes, so that every field that counts must be hashable."""
    for field in dataclasses.fields(built):
        value = getattr(built, field.name)
        if field.compare and getattr(type(value), "__hash__", None) is None:
            raise ValueError(
                f"{kind} {name}: field {field.name!r} must be hashable, got a {type(value).__name__}; "
                "use a tuple, or field(compare=False) where it is no parameter"
            )


def _known(name: str, kind: str) -> str:
    """A name of the table, however its letters and words are written: "SmoothGrad" -> "smoothgrad"."""
    plain = {re.sub("[-_ ]", "", entry).lower(): entry for entry in TABLES[kind]}
    return plain.get(re.sub("[-_ ]", "", name).lower(), name)


def _canonical_name(name: str, kind: str) -> str:
    """The short name of a thing that is in the table but was written as a dotted path."""
    return next((short for short, path in TABLES[kind].items() if path == name), name)


def _hints(target: Callable[..., typing.Any]) -> dict[str, typing.Any]:
    """Parameter name -> type: the fields of a dataclass, the keyword-only parameters of anything else."""
    owner = target.__init__ if inspect.isclass(target) and not dataclasses.is_dataclass(target) else target
    parameters = inspect.signature(target).parameters.values()
    settable = [p for p in parameters if dataclasses.is_dataclass(target) or p.kind is p.KEYWORD_ONLY]
    try:
        hints = typing.get_type_hints(owner if inspect.isclass(owner) else inspect.unwrap(owner))
    except NameError:  # imported for type checkers only; that of a parameter which can be written is asked for alone
        hints = {parameter.name: _hint(parameter, target) for parameter in settable}
    return {parameter.name: hints.get(parameter.name, str) for parameter in settable}


def _hint(parameter: inspect.Parameter, target: Callable[..., typing.Any]) -> typing.Any:
    """The type of one parameter."""
    alone = types.SimpleNamespace(__annotations__={"type": parameter.annotation})
    try:
        return typing.get_type_hints(alone, vars(sys.modules[target.__module__]))["type"]
    except NameError as error:
        raise ValueError(f"the type of {parameter.name} must be known when {target.__module__} runs: {error}") from None


def _identity(target: Callable[..., typing.Any], kind: str, name: str, values: Mapping[str, object]) -> PlugIn:
    parameters, hints = inspect.signature(target).parameters, _hints(target)
    complete, texts = {}, []
    for field in sorted(hints):
        default = parameters[field].default
        if field not in values and default is inspect.Parameter.empty:
            raise ValueError(f"{kind} {name} needs a value for {field!r}: {name}[{field}=...]")
        complete[field] = values.get(field, _default(default, f"{name}[{field}]"))
        if complete[field] != _default(default, f"{name}[{field}]") and not (kind == "dataset" and field in HANDLING):
            texts.append(f"{field}={_written(complete[field])}")
    text = name + (f"[{','.join(texts)}]" if texts else "")
    paths = {f: value for f, value in complete.items() if _names_content(value, hints[f], own=":" in name)}
    handling = {f: complete[f] for f in complete if f in paths or (kind == "dataset" and f in HANDLING)}
    later = [f for f in getattr(target, "later", ()) if complete[f] == _default(parameters[f].default, f"{name}[{f}]")]
    counts = {f: value for f, value in complete.items() if f not in handling and f not in later}
    counts |= {f: source.fingerprint(Path(str(path)), images=kind == "dataset") for f, path in paths.items()}
    version = getattr(target, "version", 1)
    return PlugIn(name, version, tuple(sorted(counts.items())), _source(name, target), text, tuple(handling.items()))


def _default(default: object, where: str) -> object:
    try:
        return _as_value(default)
    except TypeError as error:
        raise ValueError(f"{where} {error}") from None


def _as_value(default: object) -> object:
    """A default as it stands in a specification: a path as text, an explainer as its identity."""
    if default is inspect.Parameter.empty or isinstance(default, bool | int | float | str | None):
        return default
    if isinstance(default, Path):
        return str(default)
    if not hasattr(default, "prepare"):
        raise TypeError(f"must be a bool, int, float, str, Path or explainer, got the default {default!r}")
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
    if kind := _nested(hint):
        return plugin(text, kind)
    return _scalar(text, hint, where)


def _nested(hint: typing.Any) -> str | None:
    """The kind of plug-in that a parameter takes, if it takes one."""
    return NESTED.get(getattr(_plain(hint), "__name__", ""))


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


def _as_base(explainer: typing.Any, name: str) -> typing.Any:
    """An explainer of the user's own as another one builds on it."""
    from roarbench.methods.adapting import Adapted  # brings torch, as every explainer does
    from roarbench.methods.base import View

    return explainer if isinstance(explainer, View) else Adapted(explainer, name)


def _revive(value: object, hint: typing.Any, seed: int) -> object:
    if isinstance(value, PlugIn):
        made = build(value, _nested(hint) or "explainer")
        return _as_base(made, value.text) if ":" in value.name and _nested(hint) == "explainer" else made
    if _plain(hint) is Path and value is not None:
        return Path(str(value))
    return seed if value == SEED and _plain(hint) is int else value
