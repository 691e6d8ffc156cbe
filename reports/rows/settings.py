"""Settings, under which explainers are compared: their rows, their endings of file names, their titles."""

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from roarbench.benchmark.matrix.notation import parse
from roarbench.reports.rows.load import SETTING
from roarbench.reports.rows.style import ORDERS

NAMED = ("dataset", "classifier")
"""Columns whose values are worth a place in a file name even where they come first."""

ROAD, ROAD_FILL = "ROAD", "noisy_linear"
"""Without retraining, this fill makes a measurement ROAD (Rong et al. 2022)."""
FIRST = {"morf": "most relevant", "lerf": "least relevant"}
FIXED = {"morf": "Deletion", "lerf": "Insertion"}
"""What is measured of networks that are not retrained, unless it is ROAD."""

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


def images(joined: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, str]]:
    """The rows of each setting and order in which networks see images, their order, their ending of file names."""
    for part in settings(joined[joined.probe == "image"]):
        for order, rows in part.groupby("order", sort=False):
            yield rows, str(order), slug(part, joined)


def protocol(rows: pd.DataFrame, order: str) -> str:
    """What the measurement of one setting and order is called."""
    return measure(order, retrain=bool(rows.retrain.iloc[0]), fill=str(rows.fill.iloc[0]))


def measure(order: str, *, retrain: bool, fill: str) -> str:
    """ROAR and KAR where networks are retrained; ROAD, deletion or insertion otherwise.

    >>> measure("morf", retrain=False, fill="noisy_linear")
    'ROAD, most relevant first'
    """
    if retrain:
        return ORDERS[order]
    return f"{ROAD}, {FIRST[order]} first" if parse(fill)[0] == ROAD_FILL else FIXED[order]


def foremost(rows: pd.DataFrame, frame: pd.DataFrame) -> bool:
    """Whether tables of these rows are read first: of retrained networks, or of all where a run retrains none."""
    reduced = frame[(frame.probe == "image") & frame.explainer.notna()]
    return bool(rows.retrain.iloc[0]) or not reduced.retrain.astype(bool).any()


def slug(part: pd.DataFrame, joined: pd.DataFrame, columns: Sequence[str] = SETTING) -> str:
    """Ending of file names that tells settings apart: data set and classifier where a run has several of them, and
    otherwise what differs from its first setting."""
    first, values = joined[list(columns)].iloc[0], part[list(columns)].iloc[0]
    several = [column for column in NAMED if column in columns and joined[column].nunique() > 1]
    other = [column for column in columns if column not in NAMED and values[column] != first[column]]
    differences = {column: values[column] for column in (*several, *other) if pd.notna(values[column])}
    words = [FLAGS.get(column, {}).get(value, str(value)) for column, value in differences.items()]
    return "".join(f"-{re.sub('[^a-z0-9]+', '_', word.lower()).strip('_')}" for word in words)


def title(part: pd.DataFrame, *, dataset: bool = True) -> str:
    """The setting in words."""
    first = part.iloc[0]
    words = [f"{first.dataset}, {first.classifier}" if dataset else str(first.classifier)]
    words += [("recursively " if first.recursive else "") + "retrained" if first.retrain else "not retrained"]
    words += [] if first.probe == "mask" else [f"fill {first.fill}"]
    return "; ".join(
        [*words, f"{first.unit}s by {'magnitude' if first.magnitude else 'signed value'}, {first.target} class"]
    )
