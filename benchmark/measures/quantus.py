"""Metrics of Quantus (Hedström et al. 2023, arXiv:2202.06861) as measures: `quantus:Sparseness[normalise=false]`.

Nothing of it is copied: the extra `quantus` installs it. Its parameters that are numbers, words or switches are those
of the measure; functions keep its defaults.
"""

import contextlib
import copy
import dataclasses
import importlib
import inspect
import re
import sys
import types
import typing
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from roarbench.benchmark.matrix.facts import MEASURE
from roarbench.benchmark.matrix.notation import suggestion
from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.measures.units import relevant

PLAIN = (bool, int, float, str)

OURS = {"return_aggregate": False, "disable_warnings": True, "display_progressbar": False}
"""Parameters that are no choice: examples are not averaged yet, and nothing is printed."""

DIRECTIONS = {"higher": "high", "lower": "low"}

DOC = """{summary}

Paper: {paper}
Differs from the paper: as in Quantus {version}, which computes it. A pixel of an image has the sum of its channels.

Misleads: what its maps are turned into first (`abs`, `normalise`) decides as much as the metric; see its documentation.
"""


class _Adapter:
    """What every metric of Quantus shares as a measure; its fields are the parameters of the metric."""

    metric: ClassVar[type]
    category: ClassVar[str]

    def __post_init__(self) -> None:
        self._made()  # values that it refuses are refused before anything is measured

    def _made(self) -> Any:
        """The metric with its parameters."""
        fields = dataclasses.fields(typing.cast(Any, self))
        values = {field.name: getattr(self, field.name) for field in fields}
        known = inspect.signature(self.metric).parameters
        with _silent():
            return self.metric(**values, **{name: value for name, value in OURS.items() if name in known})

    def measure(self, sample: Sample) -> np.ndarray | float | None:
        """The scores of the metric; None where it needs a truth that the data do not know."""
        truth = relevant(sample)
        if truth is None and self.category == "localisation":
            return None
        maps, model = _pooled(sample), copy.deepcopy(sample.network)
        with _silent():
            values = self._made()(
                model=model,
                x_batch=sample.inputs.cpu().numpy(),
                y_batch=sample.targets.cpu().numpy(),
                a_batch=maps,
                s_batch=None if truth is None else truth.view(maps.shape).cpu().numpy(),
                channel_first=True,
                explain_func=_Explaining(sample, model),
                device=str(sample.inputs.device),
                batch_size=len(maps),
            )
        return numbers(values, len(maps))


@dataclasses.dataclass(frozen=True, eq=False)
class _Explaining:
    """The explainer of a sample as Quantus calls it; prepared anew for networks whose weights Quantus changed."""

    sample: Sample
    model: nn.Module

    def __call__(self, model: nn.Module, inputs: Any, targets: Any, **more: object) -> np.ndarray:
        given = torch.as_tensor(inputs).to(self.sample.inputs)
        classes = torch.as_tensor(targets).to(self.sample.targets)
        if _alike(model, self.sample.network):
            return _pooled(self.sample, self.sample.explain(given, classes), given)
        self.sample.require_untrained()
        shared = self.sample.shared.prepared_for(model)
        return _pooled(self.sample, shared(given, classes)[self.sample.index], given)


@lru_cache(maxsize=128)
def metric(name: str) -> type:
    """The measure that a metric of Quantus becomes.

    Raises:
        ValueError: Quantus is not installed, or has no such metric.
    """
    try:
        with _silent():
            quantus = importlib.import_module("quantus")
    except ImportError as error:
        needed = 'needs the extra quantus; pip install "roarbench[quantus]"'
        raise ValueError(f"measure quantus:{name} {needed} ({error})") from error
    metrics = {one.__name__: one for group in quantus.AVAILABLE_METRICS.values() for one in group.values()}
    if name not in metrics:
        raise ValueError(f"measure quantus:{name}: Quantus has no metric {name!r}{suggestion(name, metrics)}")
    return _adapted(metrics[name], quantus.__version__)


def numbers(values: object, num_examples: int) -> np.ndarray | float:
    """Scores of any form as one number for each example; layers and steps are averaged. A single number stays one."""
    parts = list(values.values()) if isinstance(values, Mapping) else values
    array = np.asarray(parts, dtype=float)
    if isinstance(values, Mapping):
        array = array.T  # layers come first
    if array.ndim and len(array) == num_examples:
        return array.reshape(num_examples, -1).mean(1)
    return float(array.mean())


def _adapted(kind: Any, version: str) -> type:
    """A frozen dataclass for a metric, with what a measure says of itself."""
    doc = inspect.getdoc(kind) or ""
    facts = {
        "__doc__": DOC.format(summary=_summary(doc), paper=_references(doc), version=version),
        "metric": kind,
        "category": kind.evaluation_category.name.lower(),
        "label": f"Quantus {kind.name}",
        "better": DIRECTIONS[kind.score_direction.value],
        "needs": ("truth",) if kind.evaluation_category.name == "LOCALISATION" else ("network",),
        "cost": "as much as Quantus takes",
    }
    made = dataclasses.make_dataclass(kind.__name__, _fields(kind), bases=(_Adapter,), namespace=facts, frozen=True)
    made.__module__ = kind.__module__  # whose file is part of the identity
    return made


def _fields(kind: type) -> list[tuple[str, Any, Any]]:
    """Name, type and default of the parameters of a metric that can be written; none is called like a fact."""
    parameters = inspect.signature(kind).parameters.values()
    hints = {parameter.name: _hint(parameter) for parameter in parameters}
    left_out = {*OURS, *MEASURE}
    return [(p.name, hints[p.name], p.default) for p in parameters if hints[p.name] and p.name not in left_out]


def _hint(parameter: inspect.Parameter) -> Any:
    """The type of a parameter that is a number, a word or a switch, or None and one of them; None of any other."""
    if type(parameter.default) in PLAIN:
        return type(parameter.default)
    choices = typing.get_args(parameter.annotation)
    plain = [choice for choice in choices if choice in PLAIN]
    optional = parameter.default is None and len(choices) == 2 and types.NoneType in choices
    return plain[0] | None if optional and plain else None


def _pooled(
    sample: Sample, maps: Float[Tensor, "m d"] | None = None, inputs: Float[Tensor, "m *feature"] | None = None
) -> Shaped[np.ndarray, "m *unit"]:
    """Attributions as Quantus takes them: `(m, 1, h, w)`, the sums over channels, or rows."""
    shape = sample.inputs.shape if inputs is None else inputs.shape
    shaped = (sample.maps if maps is None else maps).view(shape)
    return (shaped.sum(1, keepdim=True) if shaped.ndim > 2 else shaped).cpu().numpy()


def _alike(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have equal weights."""
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


def _summary(doc: str) -> str:
    """The first sentence of what a metric does, without that this is an implementation."""
    paragraphs = [" ".join(part.split()) for part in doc.split("\n\n")]
    text = next((part for part in paragraphs[1:] if part), paragraphs[0])
    return re.split(r"(?<=[a-z)])\. ", text)[0].rstrip(".") + "."


def _references(doc: str) -> str:
    """What it cites, on one line."""
    found = re.search(r"References?:\s*\n(.*?)(?:\n\s*\n|\Z)", doc, re.DOTALL)
    return " ".join(found[1].split()) if found else "see Quantus."


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Leaves warnings of Quantus out, sends what it prints to stderr, and forgets the networks that it caches."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            _forget()


def _forget() -> None:
    """Empties caches of methods, which would hold on to every network."""
    module = sys.modules.get("quantus.helpers.model.pytorch_model")
    for method in vars(getattr(module, "PyTorchModel", object)).values():
        if hasattr(method, "cache_clear"):
            method.cache_clear()
