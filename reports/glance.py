"""The first answer of a run that still goes on: what needs no retraining, in a few lines."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd
from rich.table import Table as Grid
from rich.text import Text

from roarbench.reports.rows.cells import CURVES
from roarbench.reports.rows.load import curves, read
from roarbench.reports.rows.settings import images, protocol
from roarbench.reports.rows.style import label
from roarbench.reports.tables.evidence import best_first, scores
from roarbench.reports.terminal.tables import grid
from roarbench.reports.terminal.text import plain, rendered

MOST = 2
"""Ways of measuring that are shown."""

BETTER = {"morf": "lower", "lerf": "higher"}


def glance(folder: Path) -> str:
    """Mean accuracy over 0 < t < 1, in %, of explainers measured without retraining, the best of the first way first.

    Returns:
        Nothing where no curve is known yet.

    Raises:
        ValueError: the folder holds no run.
    """
    columns: dict[str, pd.Series] = {}
    heading, frame = "", read(folder).frame
    for rows, order, _ in images(curves(frame)):
        if len(columns) < MOST and (rows.probe.iloc[0] == "evaluator" or not rows.retrain.iloc[0]):
            heading = heading or f"{rows.dataset.iloc[0]}, {rows.classifier.iloc[0]}"
            columns.setdefault(f"{protocol(rows, order)} ({BETTER[order]} is better)", _column(rows, order))
    names = next((list(column.index) for column in columns.values() if len(column)), [])
    if not names:
        return ""
    title = Text(f"{heading}: mean accuracy over 0 < t < 1, in %")
    return plain(rendered([title, _table(columns, names), Text(_coming(frame, names))])).rstrip()


def _table(columns: Mapping[str, pd.Series], names: list[str]) -> Grid:
    """A line for each explainer, a column for each way of measuring; its words below each other."""
    filled = grid([name.replace(", ", ",\n").replace(" (", "\n(") for name in columns], first="explainer")
    for name in names:
        filled.add_row(name, *(column.get(name, "") for column in columns.values()))
    return filled


def _coming(frame: pd.DataFrame, known: Collection[str]) -> str:
    """How many cells are to do, and of which explainers nothing is known."""
    to_do = frame[frame.status == "to do"]
    explainers = to_do.explainer[to_do.probe.isin(CURVES)].dropna().unique()
    unknown = [name for name in map(label, explainers) if name not in known]
    others = f"; nothing yet for {', '.join(unknown)}" if unknown else ""
    return f"to come: {len(to_do)} of {len(frame)} cells{others}" if len(to_do) else ""


def _column(rows: pd.DataFrame, order: str) -> pd.Series:
    """Score of each explainer as text, the best first."""
    ordered, known = best_first(rows, order), scores(rows)
    summaries = {label(e): known.summary(e) for e in dict.fromkeys(ordered.explainer)}
    texts = {name: _text(s.mean, s.half_width) for name, s in summaries.items() if s.n}
    return pd.Series(texts, dtype=object)


def _text(mean: float, half_width: float) -> str:
    return f"{100 * mean:.1f}" + (f" ± {100 * half_width:.1f}" if half_width == half_width else "")
