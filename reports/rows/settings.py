"""Settings, under which explainers are compared: their rows, their endings of file names, their titles."""

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from roarbench.benchmark.matrix.notation import parse
from roarbench.benchmark.matrix.units import plural
from roarbench.reports.rows.load import REDUCED, SETTING
from roarbench.reports.rows.style import ORDERS, repeated

APART = ("evaluator", "foreign")
"""Probes whose word says whether networks were retrained."""

NAMED = ("dataset", "classifier")
"""Columns whose values are worth a place in a file name even where they come first."""

ROAD, ROAD_FILL = "ROAD", "noisy_linear"
"""Without retraining, this fill makes a measurement ROAD (Rong et al. 2022)."""
FIRST = {"morf": "most relevant", "lerf": "least relevant"}
GONE = {"morf": "removed", "lerf": "kept"}
"""What a shared evaluator sees of the features that are ranked first."""

FIXED = {"morf": "Deletion, accuracy", "lerf": "Insertion, accuracy"}
"""What is measured of networks that are not retrained, unless it is ROAD. Measures of these names are probabilities."""

FLAGS = {
    "retrain": {True: "retrained", False: "unretrained"},
    "recursive": {True: "recursive", False: "at_once"},
    "magnitude": {True: "magnitude", False: "signed"},
}
"""Words for columns of true and false, which say nothing by themselves."""


def settings(joined: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each setting, in the order of the matrix."""
    for _, part in joined.groupby(SETTING, sort=False, dropna=False):
        yield part


def seen(joined: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each setting in which networks see reduced images; those lead that masks cannot fool."""
    yield from sorted(settings(joined[joined.probe.isin(REDUCED)]), key=lambda part: part.probe.iloc[0] == "image")


def images(joined: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, str]]:
    """The rows of each setting and order in which networks see images, their order, their ending of file names."""
    for part in seen(joined):
        for order, rows in part.groupby("order", sort=False):
            yield rows, str(order), slug(part, joined)


def protocol(rows: pd.DataFrame, order: str) -> str:
    """What the measurement of one setting and order is called."""
    first = rows.iloc[0]
    return measure(order, retrain=bool(first.retrain), fill=str(first.fill), probe=str(first.probe))


def measure(order: str, *, retrain: bool, fill: str, probe: str = "image") -> str:
    """ROAR and KAR where networks are retrained; ROAD, deletion or insertion otherwise.

    >>> measure("morf", retrain=False, fill="noisy_linear")
    'ROAD, most relevant first'
    >>> measure("lerf", retrain=True, fill="mean", probe="foreign")
    'Foreign-mask KAR'
    """
    if probe == "evaluator":
        return f"Shared evaluator, {GONE[order]}"
    if probe == "foreign":
        return f"Foreign-mask {ORDERS[order]}"
    if retrain:
        return ORDERS[order]
    return f"{ROAD}, {FIRST[order]} first" if parse(fill)[0] == ROAD_FILL else FIXED[order]


def delta(rows: pd.DataFrame, order: str) -> str:
    """What the difference between own masks and masks of other images is called."""
    heading = gone(rows, order)
    return f"Delta, {heading}" if rows.probe.iloc[0] == "evaluator" else f"Foreign-mask Delta {heading}"


def gone(rows: pd.DataFrame, order: str) -> str:
    """What becomes of the features that are ranked first, in the words of a setting."""
    return GONE[order] if rows.probe.iloc[0] == "evaluator" else ORDERS[order]


def foremost(rows: pd.DataFrame, frame: pd.DataFrame) -> bool:
    """Whether tables of these rows are read first: of retrained networks and of shared evaluators.

    Of all where a run has neither.
    """
    reduced = frame[frame.probe.isin(REDUCED) & frame.explainer.notna()]
    stand = reduced.retrain.astype(bool) | (reduced.probe == "evaluator")
    return bool(rows.retrain.iloc[0] or rows.probe.iloc[0] == "evaluator" or not stand.any())


def reads_masks(rows: pd.DataFrame) -> bool:
    """Whether the networks of a setting were trained behind the masks of their images, and may have read them."""
    return bool(rows.retrain.iloc[0]) and rows.probe.iloc[0] == "image"


def networks(rows: pd.DataFrame) -> str:
    """How the networks of a setting came about, in words."""
    first = rows.iloc[0]
    if first.probe == "evaluator":
        return "shared evaluator"
    if first.probe == "foreign":
        return "retrained behind masks of other images"
    if not first.retrain:
        return "not retrained"
    if pd.notna(epochs := first.get("finetune")) and first.probe != "mask":
        return f"fine-tuned for {repeated(round(epochs), 'epoch')} from the weights of the explained network"
    return ("recursively " if first.recursive else "") + "retrained"


def slug(part: pd.DataFrame, joined: pd.DataFrame, columns: Sequence[str] = SETTING) -> str:
    """Ending of file names that tells settings apart: data set and classifier where a run has several of them, and
    otherwise what differs from its first setting."""
    first, values = joined[list(columns)].iloc[0], part[list(columns)].iloc[0]
    several = [column for column in NAMED if column in columns and joined[column].nunique() > 1]
    said = ("retrain",) if "probe" in columns and values["probe"] in APART else ()
    other = [column for column in columns if column not in (*NAMED, *said) and values[column] != first[column]]
    differences = {column: values[column] for column in (*several, *other) if pd.notna(values[column])}
    words = [FLAGS.get(column, {}).get(value, str(value)) for column, value in differences.items()]
    return "".join(f"-{re.sub('[^a-z0-9]+', '_', word.lower()).strip('_')}" for word in words)


def cross_fitted(part: pd.DataFrame) -> list[str]:
    """What a setting says of its maps where networks trained behind masks of images that others explained."""
    if "folds" not in part or not part.retrain.iloc[0]:
        return []
    return [f"cross-fitted maps ({count:.0f} folds)" for count in part.folds.dropna().unique()]


def title(part: pd.DataFrame, *, dataset: bool = True) -> str:
    """The setting in words."""
    first = part.iloc[0]
    words = [f"{first.dataset}, {first.classifier}" if dataset else str(first.classifier)]
    words += [networks(part)]
    words += [] if first.probe == "mask" else [f"fill {first.fill}"]
    words += cross_fitted(part)
    return "; ".join(
        [*words, f"{plural(first.unit)} by {'magnitude' if first.magnitude else 'signed value'}, {first.target} class"]
    )
