"""The main table of a paper: explainers by their scores under the foremost ways of measuring, side by side."""

from collections.abc import Iterator, Mapping

import pandas as pd

from roarbench.reports.rows.load import REDUCED, curves
from roarbench.reports.rows.settings import images, protocol, reads_masks, slug
from roarbench.reports.rows.style import BETTER, listed, percent
from roarbench.reports.statistics.groups import Better, groups
from roarbench.reports.tables.evidence import best_first, family, scores, with_letters
from roarbench.reports.tables.lines import Columns, Lines
from roarbench.reports.tables.masks import with_masks
from roarbench.reports.tables.table import Table, table

MOST = 4
"""Ways of measuring that have a column."""

CAPTION = "Mean accuracy in % over 0 < t < 1. {directions}. {network}."
SIDES = {"low": "Lower is better: {names}", "high": "Higher is better: {names}"}
ORDERED = "Explainers in the order of {first}. Group: of that column; without a common letter two differ significantly."


def main_tables(frame: pd.DataFrame) -> list[Table]:
    """A table for each data set and classifier of which curves were planned."""
    joined = curves(frame)
    parts = joined[joined.probe.isin(REDUCED)].groupby(["dataset", "classifier"], sort=False)
    return [made for _, part in parts for made in _main(part, joined)]


def _main(part: pd.DataFrame, joined: pd.DataFrame) -> Iterator[Table]:
    ways: dict[str, tuple[pd.DataFrame, str]] = {}  # of several fills the first
    for rows, order, _ in images(part):
        ways.setdefault(protocol(rows, order), (rows, order))
    names = [*ways][:MOST]
    rows, order = ways[names[0]]
    ordered = best_first(_measured(rows), order)
    better = {name: BETTER[ways[name][1]] for name in names}
    columns = Columns({name: scores(ways[name][0]) for name in names}, percent, better)
    ending = slug(part, joined, ["dataset", "classifier"])
    fills = listed([*dict.fromkeys(str(ways[name][0].fill.iloc[0]) for name in names)])
    network = f"{rows.dataset.iloc[0]}, {rows.classifier.iloc[0]}; fill {fills}"
    caption = CAPTION.format(directions=_sides(better), network=network)
    made = table("main" + ending, caption, Lines(ordered), columns)
    lettering = groups(family(rows), highest_first=order == "lerf")
    if lettering.letters:
        made = with_letters(made, ordered, lettering).noted(ORDERED.format(first=names[0]))
    leaking = next((of for of, _ in ways.values() if reads_masks(of)), None)
    yield made if leaking is None else with_masks(made, _like(leaking, ordered), joined)


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of explainers with a score; of all where none has one."""
    known = rows[rows.explainer.isin(scores(rows).finite)]
    return known if len(known) else rows


def _like(rows: pd.DataFrame, ordered: pd.DataFrame) -> pd.DataFrame:
    """Rows of the explainers of others, in their order."""
    places = {name: place for place, name in enumerate(dict.fromkeys(ordered.explainer))}
    known = rows[rows.explainer.isin(places)]
    return known.iloc[known.explainer.map(places).argsort(kind="stable")]


def _sides(better: Mapping[str, Better]) -> str:
    """Which numbers are better, in words."""
    by_side = {side: [name for name, of in better.items() if of == side] for side in SIDES}
    return ". ".join(SIDES[side].format(names="; ".join(names)) for side, names in by_side.items() if names)
