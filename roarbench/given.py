"""What a program hands over in memory, data, a network, explainers and measures, as plug-ins with names of their own.

`roarbench.evaluate` gives each a name, such as "given:mine". Its identity is a checksum of what it holds: code, weights
and arrays. Names are known in the process that gave them, and in no other.
"""

import copy
import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import CodeType
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from roarbench.benchmark.networks.classifiers import Preprocessed, Standardize
from roarbench.datasets.base import Dataset, Split
from roarbench.methods.base import AttributionFunction, Explains
from roarbench.methods.stored import Lookup, check_maps

GIVEN: dict[str, dict[str, Any]] = {"dataset": {}, "classifier": {}, "explainer": {}, "measure": {}}
"""Kind -> name -> what was given."""


def give(kind: str, name: str, thing: Any, checksum: str) -> str:
    """Keeps a thing under a name; returns the name that a matrix writes."""
    thing.checksum = checksum
    GIVEN[kind][name] = thing
    return f"given:{name}"


def dataset(name: str) -> Callable[..., Dataset]:
    """The function that returns given data."""
    return GIVEN["dataset"][name]


def classifier(name: str) -> Callable[..., nn.Module]:
    """The function that builds a given network with fresh weights, and restores its own."""
    return GIVEN["classifier"][name]


def explainer(name: str) -> type:
    """The class of a given explainer."""
    return GIVEN["explainer"][name]


def measure(name: str) -> type:
    """The class of a given measure."""
    return GIVEN["measure"][name]


def as_dataset(name: str, data: Dataset) -> str:
    """Data as a plug-in."""

    def given(data_root: object) -> Dataset:
        return data

    parts = [array for split in data.splits.values() for array in (split.inputs.numpy(), split.labels.numpy())]
    return give("dataset", name, given, checksum(*parts, *data.class_names))


def as_classifier(
    name: str, network: nn.Module, build: Callable[[], nn.Module] | None, mean: Tensor, std: Tensor
) -> str:
    """A trained network as a plug-in; `build` or, without it, its layers draw fresh weights for retraining."""
    trained = copy.deepcopy(network).cpu().eval()

    def given(feature_shape: tuple[int, ...], num_classes: int) -> nn.Module:
        return Preprocessed(Standardize.by(mean, std), build() if build else drawn_anew(trained))

    def restore(whole: nn.Module) -> None:
        whole[1].load_state_dict(trained.state_dict())  # type: ignore[index]

    given.restore = restore  # type: ignore[attr-defined]
    weights = [value.numpy() for value in trained.state_dict().values()]
    plain = [v for m in network.modules() for name, v in vars(m).items() if not name.startswith("_")]
    code = [*code_of(type(network)), repr(network), *held(plain), *(code_of(build) if build else ())]
    return give("classifier", name, given, checksum(*code, *weights, mean.numpy(), std.numpy()))


def as_explainer(name: str, given: Any) -> str:
    """A function (network, inputs, targets), an explainer, or arrays of maps, as a plug-in."""
    if hasattr(given, "prepare"):
        prepare, code = given.prepare, (repr(given), *code_of(given))
    elif callable(given):
        prepare, code = _called(given), code_of(given)
    else:
        maps = {name: np.asarray(array) for name, array in given.items()}
        return give("explainer", name, _stored(name, maps), checksum(*maps, *maps.values()))

    @dataclass(frozen=True)
    class Given:
        """An explainer that a program gave."""

        version: ClassVar[int] = 1
        explains: ClassVar[Explains] = "classifier"

        def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
            """See `Explainer.prepare`."""
            return prepare(classifier, train)

    return give("explainer", name, Given, checksum(*code))


def as_measure(name: str, function: Callable[..., Any]) -> str:
    """A function of a sample as a plug-in."""
    text = name

    @dataclass(frozen=True)
    class Given:
        """A measure that a program gave."""

        label: ClassVar[str] = text
        better: ClassVar[str] = ""

        def measure(self, sample: Any) -> Any:
            """See `Measure.measure`."""
            return function(sample)

    return give("measure", name, Given, checksum(*code_of(function)))


def drawn_anew(network: nn.Module) -> nn.Module:
    """A copy of a network whose layers have drawn their weights again.

    Raises:
        ValueError: a parameter belongs to no layer that can.
    """
    fresh = copy.deepcopy(network)
    for name, module in fresh.named_modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
        elif hasattr(module, "_reset_parameters"):
            module._reset_parameters()
        elif own := [parameter for parameter, _ in module.named_parameters(recurse=False)]:
            where = ".".join(filter(None, (name, own[0])))
            raise ValueError(f"network: {where} cannot be drawn anew; give build=, a function that returns a fresh one")
    return fresh


def checksum(*parts: object) -> str:
    """16 hexadecimal digits of what arrays and words hold."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        else:
            digest.update(str(part).encode())
    return digest.hexdigest()[:16]


def code_of(function: Any, seen: frozenset[int] = frozenset()) -> tuple[str, ...]:
    """What stands for a function, a class or an object: its code, and the values that it holds or reads."""
    if id(function) in seen:
        return ()
    seen |= {id(function)}
    if isinstance(function, partial):
        return (*code_of(function.func, seen), *held((*function.args, function.keywords), seen))
    code = getattr(function, "__code__", None)
    if code is None:
        kind = function if inspect.isclass(function) else type(function)
        return (_source(kind), *held([*getattr(function, "__dict__", {}).values()], seen))
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    names = [name for name in code.co_names if name in function.__globals__]
    values = (function.__defaults__, function.__kwdefaults__, *cells, *(function.__globals__[name] for name in names))
    return (*_instructions(code), *(text for value in values for text in held(value, seen)))


def _instructions(code: CodeType) -> tuple[str, ...]:
    """Code with its constants and names, and that of functions within."""
    within = [_instructions(c) if inspect.iscode(c) else (repr(c),) for c in code.co_consts]
    return (code.co_code.hex(), *code.co_names, *(text for part in within for text in part))


def held(value: Any, seen: frozenset[int] = frozenset()) -> tuple[str, ...]:
    """What stands for a value that a function reads; of modules and other large things their kind alone."""
    if isinstance(value, np.ndarray | Tensor):
        return (checksum(value.detach().cpu().numpy() if isinstance(value, Tensor) else value),)
    if isinstance(value, bool | int | float | str | bytes | None):
        return (repr(value),)
    if isinstance(value, tuple | list | set | frozenset):
        return tuple(text for part in value for text in held(part, seen))
    if isinstance(value, dict):
        return tuple(text for pair in value.items() for part in pair for text in held(part, seen))
    if inspect.isfunction(value) or isinstance(value, partial):
        return code_of(value, seen)
    return (type(value).__qualname__,)


def _source(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return kind.__qualname__


def _called(function: Callable[..., Any]) -> Callable[[nn.Module, Split], AttributionFunction]:
    return lambda classifier, train: lambda inputs, targets: function(classifier, inputs, targets)


def _stored(name: str, maps: Mapping[str, np.ndarray]) -> type:
    @dataclass(frozen=True)
    class Given:
        """Maps that a program gave."""

        version: ClassVar[int] = 1
        explains: ClassVar[Explains] = "classifier"

        def prepare(self, classifier: nn.Module, train: Split) -> Lookup:
            """See `Explainer.prepare`."""
            return Lookup(maps, f"explainers[{name!r}]")

        def check(self, data: Dataset) -> None:
            """See `Explainer`."""
            check_maps(maps, data, f"explainers[{name!r}]")

    return Given
