"""Finished trainings of ClaDec, its reference and classifiers as a frame, and the published table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from roarbench.benchmark.results.statistics import Summary, summarise

PUBLISHED = Path(__file__).parent / "published.csv"
"""All of eval/evaluation_result.csv of tomtuamnuq/cladec-mnist (github.com/tomtuamnuq/cladec-mnist, Apache-2.0).

Single trainings, 10,000 test images, reconstruction errors summed over pixels. Those of the dense layer were measured
with dropout in the encoder of ClaDec, but not in that of its reference.
"""
PUBLISHED_CLASSIFIER = "vgg_small"
PUBLISHED_TRAINING = ("sum", False, "true")
"""Reduction, variational and target: of another, nothing that was published compares."""
PUBLISHED_SETTINGS = {
    "epochs": 10, "batch_size": 32, "learning_rate": 5e-3, "epsilon": 1e-4, "weight_decay": 0.0,
    "evaluation_epochs": 10,
}  # fmt: skip
PUBLISHED_RECIPE = {
    "optimiser": "adam", "epochs": 10, "batch_size": 32, "learning_rate": 1e-3, "schedule": "constant",
    "weight_decay": 0.0, "warmup_epochs": 0.0, "label_smoothing": 0.0, "augmentation": "none",
}  # fmt: skip
PUBLISHED_DATA = "[validation=0]"
"""All training images."""

METRICS = (
    "total", "reconstruction", "classification", "evaluation_accuracy", "frozen_accuracy", "frozen_cross_entropy",
    "agreement", "divergence",
)  # fmt: skip
COMPARABLE = ["name", "classifier", "reduction", "target", "variational"]
"""What all decoders have in common that one table or figure is about."""

TRAINING = ["dataset", "layer", "kind", "alpha", "seed"]
"""Columns in which they differ."""


@dataclass(frozen=True, eq=False)
class System:
    """Trainings that can be compared: one experiment, one classifier, one kind of training.

    Attributes:
        reduction: reduction of the reconstruction error: sum or mean.
        variational: decoded from Gaussians (ClaDec-VAE, RefVAE).
        target: label of the classification loss: true or predicted.
        rows: rows of `frame` about decoders and references.
        classifiers: rows of `frame` about their classifiers on original images.
    """

    name: str
    classifier: str
    reduction: str
    variational: bool
    target: str
    rows: pd.DataFrame
    classifiers: pd.DataFrame

    @property
    def reference(self) -> str:
        """What its reference is called."""
        return "RefVAE" if self.variational else "RefAE"

    @property
    def title(self) -> str:
        """For captions and headings."""
        more = [", variational"] * self.variational + [", predicted targets"] * (self.target == "predicted")
        return "".join((f"{self.name}: {self.classifier}, {self.reduction} of squared errors", *more))

    @property
    def slug(self) -> str:
        """For names of files."""
        more = ["variational"] * self.variational + ["predicted"] * (self.target == "predicted")
        written = "-".join((self.name, self.classifier, self.reduction, *more))
        return "".join(c if c.isalnum() or c in "-_" else "-" for c in written)

    @property
    def places(self) -> list[tuple[str, str]]:
        """Data sets with their layers, in order of appearance."""
        return list(dict.fromkeys(zip(self.rows.dataset, self.rows.layer, strict=True)))

    @property
    def departures(self) -> list[str]:
        """What any of its trainings has otherwise than the published ones."""
        return list(dict.fromkeys(text for texts in self.rows.departures for text in texts))

    @property
    def alphas(self) -> list[float]:
        """All that were trained, ascending."""
        return sorted(set(self.rows.alpha.dropna()))

    def of(self, dataset: str, layer: str, kind: str, alpha: float | None = None) -> pd.DataFrame:
        """The rows of a place and kind: one for each seed."""
        if kind == "classifier":
            return self.classifiers[self.classifiers.dataset == dataset]
        rows = self.rows[(self.rows.dataset == dataset) & (self.rows.layer == layer) & (self.rows.kind == kind)]
        return rows if alpha is None else rows[rows.alpha == alpha]

    def published(self, dataset: str, layer: str, kind: str, alpha: float | None = None) -> dict[str, float]:
        """Metric -> published value; empty where there is none that compares."""
        trained = self.reduction, self.variational, self.target
        if self.classifier.partition("[")[0] != PUBLISHED_CLASSIFIER or trained != PUBLISHED_TRAINING:
            return {}
        table = pd.read_csv(PUBLISHED)
        same = (table.dataset == dataset.partition("[")[0]) & (table.layer == layer) & (table.kind == kind)
        rows = table[same & (table.alpha.isna() if alpha is None else table.alpha == alpha)]
        return dict(zip(rows.metric, rows.value, strict=True))


def frame(results: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a training: what it was, and its metrics on the test split, NaN where it has none.

    A row of kind "classifier" is about the original test images, and has no layer. `evaluations` are the accuracies of
    all evaluators, `evaluation_accuracy` is their mean.
    """
    return pd.DataFrame([_record(result) for result in results])


def systems(trainings: pd.DataFrame) -> Iterator[System]:
    """Each with the classifiers that belong to it; none where nothing was trained.

    Raises:
        ValueError: two experiments of one name, or trainings of one layer with other settings.
    """
    if trainings.empty:
        return
    decoders, classifiers = trainings[trainings.kind != "classifier"], trainings[trainings.kind == "classifier"]
    for key, rows in decoders.groupby(COMPARABLE, sort=False):
        (name, classifier, reduction, target), variational = map(str, key[:-1]), bool(key[-1])
        if _mixed(rows):
            raise ValueError(f"run holds two experiments named {name}; give a folder that holds one of them")
        trained = classifiers.merge(rows[["dataset", "recipe"]].drop_duplicates())
        members = trained[trained.classifier == classifier].drop_duplicates(["dataset", "seed"])
        yield System(name, classifier, reduction, variational, target, rows, members)


def summary(rows: pd.DataFrame, metric: str) -> Summary:
    """Of a metric over trainings; of a single one over its evaluators, if it has several."""
    if metric == "evaluation_accuracy" and len(rows) == 1:
        return summarise(rows.evaluations.iloc[0])
    return summarise(rows[metric])


def shortest(alpha: float) -> str:
    """The shortest text that no other alpha has, as folders are named.

    >>> [shortest(alpha) for alpha in (0.0, 0.5, 0.99, 0.9999999, 1.0)]
    ['0', '0.5', '0.99', '0.9999999', '1']
    """
    return repr(float(alpha)).removesuffix(".0")


def _mixed(rows: pd.DataFrame) -> bool:
    """Whether a training is there twice, or one layer, or its classifier, was trained in several ways."""
    settings, recipes = rows.groupby(["dataset", "layer"]).settings, rows.groupby("dataset").recipe
    several = settings.nunique().gt(1).any() or recipes.nunique().gt(1).any()
    return bool(several or rows.duplicated(TRAINING).any())


def _record(result: Mapping[str, Any]) -> dict[str, object]:
    identity = {name: result[name] for name in ("dataset", "name", "seed", "classifier", "kind")}
    alone = result["kind"] == "classifier"
    test = _of_originals(result["test"]) if alone else dict(result["test"])
    evaluations = test.pop("evaluation_accuracy", None) or []
    return identity | {
        "recipe": str(result.get("recipe", "")),
        "settings": str(result["settings"]),
        "departures": () if alone else tuple(_departures(result)),
        "layer": "" if alone else result["layer"],
        "alpha": _number(result["alpha"]) if result["kind"] == "cladec" else np.nan,
        "reduction": result["settings"].get("reduction", "sum"),
        "variational": bool(result["settings"].get("variational", False)),
        "target": result["settings"].get("target", "true"),
        **{name: _number(test.get(name)) for name in METRICS},
        "evaluations": tuple(evaluations),
        "evaluation_accuracy": float(np.mean(evaluations)) if evaluations else np.nan,
    }


def _departures(result: Mapping[str, Any]) -> Iterator[str]:
    """What a training has otherwise than the published ones, with their value in brackets."""
    data, bracket, parameters = result["dataset"].partition("[")
    if bracket + parameters != PUBLISHED_DATA:
        yield f"data {result['dataset']} ({data}{PUBLISHED_DATA})"
    if result["classifier"] != PUBLISHED_CLASSIFIER:
        yield f"classifier {result['classifier']} ({PUBLISHED_CLASSIFIER})"
    settings, recipe = result["settings"], result.get("recipe", {})
    decoder = f"published_{result['layer']}"
    if result["layer"] in ("conv", "dense") and settings.get("decoder", "published") not in ("published", decoder):
        yield f"decoder {settings['decoder']} for layer {result['layer']} ({decoder})"
    for kind, ours, theirs in (("", settings, PUBLISHED_SETTINGS), ("recipe.", recipe, PUBLISHED_RECIPE)):
        for name, value in theirs.items():
            if ours.get(name, value) != value:
                yield f"{kind}{name} {ours[name]} ({value})"


def _of_originals(test: Mapping[str, Any]) -> dict[str, Any]:
    """What a classifier says of intact images, as the published table has it."""
    loss, accuracy = test["cross_entropy"], test["accuracy"]
    values = {"total": loss, "classification": loss, "frozen_cross_entropy": loss, "frozen_accuracy": accuracy}
    return values | {"evaluation_accuracy": [accuracy]}


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)
