"""Settings, under which explainers are compared: their rows, their endings of file names, their titles."""

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from reports.load import SETTING

FLAGS = ("retrain", "magnitude", "recursive")
"""Columns of true and false, which say nothing without their name."""


def settings(joined: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each setting, in the order of the matrix."""
    for _, part in joined.groupby(SETTING, sort=False, dropna=False):
        yield part


def images(joined: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, str]]:
    """The rows of each setting and order in which networks see images, their order, their ending of file names."""
    for part in settings(joined[joined.probe == "image"]):
        for order, rows in part.groupby("order", sort=False):
            yield rows, str(order), slug(part, joined)


def slug(part: pd.DataFrame, joined: pd.DataFrame, columns: Sequence[str] = SETTING) -> str:
    """Ending of file names that tells settings apart: only what differs within the run."""
    varying = [column for column in columns if joined[column].nunique(dropna=False) > 1]
    given = {column: part[column].iloc[0] for column in varying if pd.notna(part[column].iloc[0])}
    words = [f"{c}_{value}" if c in FLAGS else str(value) for c, value in given.items()]
    return "".join(f"-{re.sub('[^a-z0-9]+', '_', word.lower()).strip('_')}" for word in words)


def title(part: pd.DataFrame, *, dataset: bool = True) -> str:
    """The setting in words."""
    first = part.iloc[0]
    words = [f"{first.dataset}, {first.classifier}" if dataset else str(first.classifier)]
    words += [("recursively " if first.recursive else "") + "retrained" if first.retrain else "not retrained"]
    words += ["mask only"] if first.probe == "mask" else [f"fill {first.fill}"]
    return "; ".join(
        [*words, f"{first.unit}s by {'magnitude' if first.magnitude else 'signed value'}, {first.target} class"]
    )
