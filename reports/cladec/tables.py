"""Tables of ClaDec in the shape of the published one: metrics by classifier, reference and alphas, and theirs below."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from roarbench.benchmark.results.statistics import INTERVAL, Summary, summarise
from roarbench.reports.cladec.results import METRICS, System, shortest, summary, systems
from roarbench.reports.rows.style import CUT, Form, percent, span
from roarbench.reports.tables.table import Table

LOSS, ACCURACY = Form(scale=1, decimals=3, low=0.0), replace(percent, decimals=2)
FORMS = {
    "total": LOSS, "reconstruction": LOSS, "classification": LOSS, "evaluation_accuracy": ACCURACY,
    "frozen_accuracy": ACCURACY, "frozen_cross_entropy": LOSS, "agreement": ACCURACY, "divergence": LOSS,
}  # fmt: skip
HOW = (
    "Total: the loss that was trained. Reconstruction: squared error, {reduction} of an image. Classification: "
    "cross-entropy of the frozen classifier on reconstructions, with the label of the training. Frozen accuracy and "
    "cross-entropy: with the true label. "
    "Evaluation accuracy: of fresh classifiers trained and tested on reconstructions. Agreement: share of "
    "reconstructions with the predicted class of the original. Divergence: KL divergence of the predictions, in "
    f"nats. Accuracies in %, on the test split; mean ± half-width of the {INTERVAL} over n = {{n}} trainings, or "
    "over the evaluators of a single one. {cut}"
)
THEIRS = (
    "Published: single trainings of github.com/tomtuamnuq/cladec-mnist. Those of dense layers have dropout in the "
    "encoder of ClaDec."
)
MEANS = "Alphas differ under the mean over pixels: do not compare these columns with those of the published table."
Column = tuple[str, str, float | None]
"""Name, kind and alpha."""
Row = tuple[str, str, dict[str, Summary]]
"""Name, metric, and column -> summary."""
PUBLISHED = ", published"
"""How the names of rows of theirs end."""


def evaluation(trainings: pd.DataFrame) -> list[Table]:
    """A table for each experiment, classifier and kind of training: a row for each data set, layer and metric.

    Args:
        trainings: from `results.frame`.
    """
    return [_table(system) for system in systems(trainings)]


def _table(system: System) -> Table:
    columns = _columns(system)
    rows = [row for place in system.places for row in _rows(system, place, columns)]
    shown = {c: [_cell(FORMS[metric], by[c]) for _, metric, by in rows] for c, _, _ in columns}
    numbers = {
        (c, number): [getattr(by[c], number) for _, _, by in rows]
        for c, _, _ in columns for number in ("mean", "half_width", "n")
    }  # fmt: skip
    names = [name for name, _, _ in rows]
    index = pd.Index(names, name="data, layer, metric")
    return Table(
        f"evaluation-{system.slug}",
        f"Evaluation of {system.title}.",
        pd.DataFrame(shown, index),
        pd.DataFrame(numbers, index),
        tuple(_notes(system, compared=any(name.endswith(PUBLISHED) for name in names))),
        printed=True,
    )


def _columns(system: System) -> list[Column]:
    alphas: list[Column] = [(shortest(alpha), "cladec", alpha) for alpha in system.alphas]
    return [("classifier", "classifier", None), (system.reference, "reference", None), *alphas]


def _rows(system: System, place: tuple[str, str], columns: list[Column]) -> Iterator[Row]:
    """The published values are a row of their own below ours."""
    for metric in METRICS:
        name = f"{place[0]}, {place[1]}, {metric.replace('_', ' ')}"
        ours = {c: summary(system.of(*place, kind, alpha), metric) for c, kind, alpha in columns}
        theirs = {c: _single(system.published(*place, kind, alpha).get(metric)) for c, kind, alpha in columns}
        if any(cell.n for cell in ours.values()):
            yield name, metric, ours
            if any(cell.n for cell in theirs.values()):
                yield f"{name}{PUBLISHED}", metric, theirs


def _single(value: float | None) -> Summary:
    return summarise([] if value is None else [value])


def _notes(system: System, *, compared: bool) -> Iterator[str]:
    counts = sorted({len(rows) for _, rows in system.rows.groupby(["dataset", "layer", "kind", "alpha"], dropna=False)})
    yield HOW.format(reduction=system.reduction, n=span(counts), cut=CUT)
    if compared:
        yield THEIRS
    if compared and system.departures:
        yield f"Ours, and in brackets the published training: {'; '.join(system.departures)}."
    if system.reduction == "mean":
        yield MEANS


def _cell(form: Form, value: Summary) -> str:
    return form(value, value.n) if value.n else "–"
