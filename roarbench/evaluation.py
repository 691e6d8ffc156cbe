"""One call from Python: a network, data and explainers in, a table of evidence out."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from roarbench.benchmark.execution import session
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.datasets.base import Card, Dataset, Split
from roarbench.datasets.torch_dataset import array, class_names, examples, positions
from roarbench.given import as_classifier, as_dataset, as_explainer, as_measure, checksum
from roarbench.reports.rows.focus import Focus
from roarbench.result import Result

MEASURES = ("evaluator", "road", "deletion", "mask_leak")
"""What is measured unless something else is asked for; nothing is retrained but one evaluator a seed."""

CURVES = ("evaluator", "delta", "road", "deletion", "insertion", "roar", "kar", "mask_probe")
"""Measures that networks make on reduced images; all others are measures of attributions by name."""

AXES = ("datasets", "classifiers", "explainers", "measures")
"""Axes of a matrix on which something may be given in memory."""

CARD = Card("data given in memory", "none", "unknown", "none")

FEW_CHANNELS = (1, 3, 4)
"""Channels that images mostly have."""

Maps = np.ndarray | Tensor
Explainers = Mapping[str, Any] | Sequence[str]


def evaluate(
    network: nn.Module | str,
    data: Any,
    explainers: Explainers,
    measures: Sequence[str | Callable[..., Any]] = MEASURES,
    *,
    seeds: int = 3,
    out: Path | str | None = None,
    fractions: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
    recipe: Recipe = Recipe(),
    build: Callable[[], nn.Module] | None = None,
    data_root: Path | str = "data",
    device: str = "auto",
    workers: int = 0,
) -> Result:
    """Which of these explainers finds what the network uses?

    >>> import torch
    >>> x, y = torch.rand(80, 1, 6, 6), torch.arange(80) % 2
    >>> x[y == 1, :, 2:4] += 0.5
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))
    >>> small = Recipe(epochs=2, batch_size=32)
    >>> result = evaluate(network, (x[:50], y[:50], x[50:], y[50:]), ["gradient"], ["deletion"], seeds=1, recipe=small)
    >>> sorted(result.table.index)
    ['gradient', 'random']

    Args:
        network: any module that returns logits `(b, k)`, trained, left unchanged; or a classifier by name, which is
            trained for every seed.
        data: `(x_train, y_train, x_test, y_test)`, tensors or arrays, images `(n, c, h, w)` or rows `(n, d)` with
            whole numbers as labels; or two torch data sets, for training and test; or a data set by name, "mnist".
        explainers: label -> a function (network, inputs, targets) that returns maps; an explainer; maps of the test
            images in their order, or a mapping of "train" and "test" to maps; or an explainer by name. Names alone will
            do: ["gradient", "lrp"]. "random" is always among them. Functions see inputs in [0, 1], and a network that
            takes these.
        measures: "evaluator", "delta", "road", "deletion", "insertion"; "roar" and "kar", which retrain, and
            "mask_probe", which does so on masks; any measure of attributions by name; or a function of a sample.
        seeds: number of seeds.
        out: folder that keeps all results, from which the same call goes on; without, nothing is kept.
        fractions: shares of the pixels that are removed, between 0 and 1.
        recipe: how evaluators and retrained networks learn.
        build: returns a fresh network, where layers cannot draw their weights again by themselves.
        data_root: folder of data sets by name.
        device: "cpu", "cuda" or "auto".
        workers: worker processes, where everything is given by name; 0 works in this one.

    Raises:
        ValueError: an argument that does not fit, in one line.
    """
    _check(explainers, measures, seeds, fractions, recipe)
    given, centre = _data(data)
    names = {label: _explainer(label, one) for label, one in _labelled(explainers).items()}
    matrix = replace(
        _measured(measures),
        datasets=(given,),
        classifiers=(network if isinstance(network, str) else _classifier(network, build, centre),),
        explainers=tuple(names.values()),
        seeds=seeds,
        fractions=tuple(fractions),
        recipe=recipe,
    )
    labels = {text: label for label, text in names.items()}
    if len(labels) < len(names):
        raise ValueError(f"explainers must differ, got two labels for {_twice(list(names.values()))}")
    result = Result(Path(out or tempfile.mkdtemp(prefix="roarbench-")), labels, tuple(map(_name, measures)))
    if not out:
        weakref.finalize(result, shutil.rmtree, result.folder, ignore_errors=True)
    if workers and any(text.startswith("given:") for axis in AXES for text in getattr(matrix, axis)):
        raise ValueError(f"workers must be 0 where something is given in memory, got {workers}")
    session.run(matrix, result.folder, Resources(Path(data_root), str(device), workers))
    return result.kept()


def run(
    matrix: Matrix, out: Path | str, *, data_root: Path | str = "data", device: str = "auto", workers: int = 0
) -> Result:
    """Measures a matrix, or what is left of it, in a folder.

    Raises:
        ValueError: see `session.run`.
    """
    session.run(matrix, Path(out), Resources(Path(data_root), device, workers))
    return Result(Path(out))


def load(out: Path | str) -> Result:
    """The results in the folder of a run.

    Raises:
        ValueError: the folder holds no run.
    """
    return Result.of(Path(out))


def _measured(measures: Sequence[str | Callable[..., Any]]) -> Matrix:
    """The options that measure what is asked for."""
    names = [one for one in measures if isinstance(one, str)]
    own = [one for one in measures if not isinstance(one, str)]
    others = [as_measure(_name(one), getattr(one, "measure", one)) for one in own]
    for name in (name for name in names if name not in CURVES):
        plugin(name, "measure")
        others.append(name)
    fills = {"road": "noisy_linear", "deletion": "mean", "insertion": "mean"}
    retrained = bool({"roar", "kar", "mask_probe"} & {*names})
    return Matrix(
        retrain=(retrained,),
        evaluator=bool({"evaluator", "delta"} & {*names}),
        unretrained_fills=tuple(dict.fromkeys(fills[name] for name in names if name in fills)),
        mask_fractions=(0.9,) if "mask_probe" in names else (),
        measures=tuple(others),
    )


def _labelled(explainers: Explainers) -> dict[str, Any]:
    """Label -> explainer; random is among them."""
    named = dict(explainers) if isinstance(explainers, Mapping) else {name: name for name in explainers}
    written = [one for one in named.values() if isinstance(one, str)]
    return named if "random" in written else {"random": "random"} | named


def _name(measure: Any) -> str:
    return measure if isinstance(measure, str) else getattr(measure, "__name__", type(measure).__name__)


def _check(explainers: Any, measures: Any, seeds: Any, fractions: Any, recipe: Any) -> None:
    """Raises ValueError where an argument is of another kind."""
    lists = {"explainers": explainers, "measures": measures, "fractions": fractions}
    for name, value in lists.items():
        if isinstance(value, str) or not isinstance(value, Sequence | Mapping):
            raise ValueError(f"{name} must be a list, got {value!r}")
    if not measures or len({*map(_name, measures)}) < len(measures):
        raise ValueError(
            f"measures must be one or more of different names, got {', '.join(map(_name, measures)) or 'none'}"
        )
    if not isinstance(explainers, Mapping) and not all(isinstance(one, str) for one in explainers):
        raise ValueError("explainers must be names, or label -> explainer; write {'mine': function}")
    for label in explainers if isinstance(explainers, Mapping) else ():
        if not isinstance(label, str) or label != label.strip():
            raise ValueError(f"explainers must have labels that are text without blanks around, got {label!r}")
        Focus(label=(f"mine={label}",)).labels  # noqa: B018  (raises: a report could not write it)
    if isinstance(explainers, Mapping) and not isinstance(explainers.get("random", "random"), str):
        raise ValueError("explainers: the label random is that of the control; choose another one")
    if isinstance(seeds, bool) or not isinstance(seeds, int):
        raise ValueError(f"seeds must be a whole number, got {seeds!r}")
    if not all(isinstance(share, int | float) for share in fractions):
        raise ValueError(f"fractions must be numbers, got {fractions!r}")
    if not isinstance(recipe, Recipe):
        raise ValueError(f"recipe must be a roarbench.Recipe, got {recipe!r}")


def _twice(names: Sequence[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


def _explainer(label: str, given: Any) -> str:
    """The name of an explainer as a matrix writes it."""
    if isinstance(given, str):
        return plugin(given, "explainer").text
    if isinstance(given, np.ndarray | Tensor):
        given = {"test": given}
    if isinstance(given, Mapping):
        given = {name: array(maps) for name, maps in given.items()}
    elif not callable(given) and not hasattr(given, "prepare"):
        kinds = "a function (network, inputs, targets), an explainer, maps or a name"
        raise ValueError(f"explainers[{label!r}] must be {kinds}, got {type(given).__name__}")
    return as_explainer(label if label.isidentifier() else f"label_{checksum(label)}", given)


def _classifier(network: nn.Module, build: Callable[[], nn.Module] | None, centre: tuple[float, float]) -> str:
    """A trained network, after what brings inputs back to the range that it knows."""
    if not isinstance(network, nn.Module):
        raise ValueError(f"network must be a torch module or a classifier by name, got {type(network).__name__}")
    low, high = centre
    return as_classifier(
        "network", network, build, torch.tensor([-low / (high - low)]), torch.tensor([1 / (high - low)])
    )


def _data(data: Any) -> tuple[str, tuple[float, float]]:
    """Data as a plug-in, and the range that their values had."""
    if isinstance(data, str):
        return data, (0.0, 1.0)
    x_train, y_train, x_test, y_test = _arrays(data)
    for name, x, y in (("training", x_train, y_train), ("test", x_test, y_test)):
        if not len(x):
            raise ValueError(f"data must have {name} examples, got none")
        if y.dtype.kind not in "iubf" or (y != np.floor(y)).any():
            raise ValueError(f"data must have whole numbers as labels, got {y.dtype} in {name}; encode the classes")
    low, high = (float(value) for value in (min(x_train.min(), x_test.min()), max(x_train.max(), x_test.max())))
    if low == high:
        raise ValueError(f"data must vary, got {low:g} everywhere; there is nothing to learn")
    low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    train, test = (_split(x, y, low, high) for x, y in ((x_train, y_train), (x_test, y_test)))
    num_classes = int(max(y_train.max(), y_test.max())) + 1
    nothing, names = train.at(torch.arange(0)), class_names(data[0], num_classes)
    card = replace(CARD, notes=_reading(train.feature_shape))
    return as_dataset("data", Dataset(train, nothing, test, num_classes, card, class_names=names)), (low, high)


def _reading(feature_shape: tuple[int, ...]) -> tuple[str, ...]:
    """How examples are understood that might be images without channels, or with channels last."""
    channels, *places = feature_shape
    if len(places) == 1:
        return (f"read as signals of {channels} channels and {places[0]} steps; images need channels: x[:, None]",)
    if len(places) > 1 and places[-1] in FEW_CHANNELS and channels not in FEW_CHANNELS:
        extent, axes = "x".join(map(str, places)), (0, len(places) + 1, *range(1, len(places) + 1))
        return (f"read as {channels} channels of {extent}; channels come first: np.transpose(x, {axes})",)
    return ()


def _split(inputs: np.ndarray, labels: np.ndarray, low: float, high: float) -> Split:
    """Examples whose values are brought from the range low to high to 0 to 1."""
    scaled = (inputs.astype(np.float32) - low) / (high - low)
    return Split(torch.from_numpy(scaled), torch.from_numpy(labels.astype(np.int64)))


def _arrays(data: Any) -> list[np.ndarray]:
    """Inputs and labels of training and test, in this order."""
    if isinstance(data, Sequence) and len(data) == 4:
        return [array(part) for part in data]
    if isinstance(data, Sequence) and len(data) == 2 and all(isinstance(part, tuple) for part in data):
        return [array(part) for pair in data for part in pair]
    if isinstance(data, Sequence) and len(data) == 2:
        read = [examples(part, "data", positions(part, "data")) for part in data]
        return [values for one in read for values in (one.inputs, one.labels)]
    wanted = "(x_train, y_train, x_test, y_test), two torch data sets, or a data set by name"
    raise ValueError(f"data must be {wanted}, got {type(data).__name__}")
