"""Explainers over data sets: mean ranks and Friedman's test."""

from collections.abc import Iterator
from importlib.util import find_spec
from statistics import fmean

import pandas as pd

from roarbench.reports.rows.load import SETTING, curves
from roarbench.reports.rows.settings import slug, title
from roarbench.reports.rows.style import ORDERS, labels, mean_rank, p_value
from roarbench.reports.statistics.ranks import LEAST_BLOCKS, LEAST_EXPLAINERS, Friedman, friedman
from roarbench.reports.statistics.scores import Scores
from roarbench.reports.tables.curves import what
from roarbench.reports.tables.evidence import means
from roarbench.reports.tables.lines import Columns, Lines
from roarbench.reports.tables.table import Table, table

INSTALL = 'For critical-difference diagrams: pip install "roarbench[posthocs]".'
SHARED = [column for column in SETTING if column != "dataset"]
FOUND = (
    "Friedman's test over {blocks} data sets: chi-squared = {statistic:.2f}, p {p} by permutation of the ranks within "
    "data sets. Mean ranks that differ by more than {critical:.2f} differ at 5 % (Nemenyi)."
)
HOW = "Ranks of the mean accuracy over 0 < t < 1 and all seeds, 1 the best."
LEFT_OUT = "Without a whole curve on every data set, hence not ranked: {names}."


def ranks(frame: pd.DataFrame) -> list[Table]:
    """A table of ranks for every setting and order with at least three data sets and three explainers."""
    return [_table(*case) for case in cases(curves(frame))]


def available() -> bool:
    """Whether scikit-posthocs is installed, which draws the diagrams."""
    return find_spec("scikit_posthocs") is not None


def cases(joined: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, pd.DataFrame, str]]:
    """Rows, order, mean accuracies (data sets by explainers) and ending of file names."""
    images = joined[joined.probe == "image"]
    for _, part in images.groupby(SHARED, sort=False, dropna=False):
        for order, rows in part.groupby("order", sort=False):
            values = _means(rows)
            if len(values) >= LEAST_BLOCKS and values.shape[1] >= LEAST_EXPLAINERS:
                yield rows, str(order), values, slug(part, joined, SHARED)


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Data sets by the explainers that have a whole curve on each of them."""
    scores = {
        str(dataset): {name: fmean(seeds.values()) for name, seeds in means(of_one).items() if seeds}
        for dataset, of_one in rows.groupby("dataset", sort=False)
    }
    common = [name for name in dict.fromkeys(rows.explainer) if all(name in by for by in scores.values())]
    return pd.DataFrame([[by[name] for name in common] for by in scores.values()], index=list(scores), columns=common)


def _table(rows: pd.DataFrame, order: str, values: pd.DataFrame, ending: str) -> Table:
    test = friedman(values.to_numpy(), highest_first=order == "lerf")
    by = {name: dict(enumerate(test.ranks[:, i].tolist())) for i, name in enumerate(map(str, values))}
    columns = {"mean rank": Scores(by)} | {
        str(dataset): Scores({name: {i: of_one[i]} for name, of_one in by.items()})
        for i, dataset in enumerate(values.index)
    }
    ranked = rows[rows.explainer.isin(values.columns)]
    caption = f"Ranks over data sets. {what(rows, order)}. {title(rows, dataset=False)}."
    shown = table(f"friedman-{ORDERS[order].lower()}{ending}", caption, Lines(ranked), Columns(columns, mean_rank))
    return Table(shown.name, caption, shown.shown, shown.numbers, tuple(_notes(rows, values, test)))


def _notes(rows: pd.DataFrame, values: pd.DataFrame, test: Friedman) -> Iterator[str]:
    p = p_value(test.p)
    yield HOW
    yield FOUND.format(
        blocks=len(values), statistic=test.statistic, p=p if p.startswith("<") else f"= {p}",
        critical=test.critical_difference,
    )  # fmt: skip
    missing = [name for name in dict.fromkeys(rows.explainer) if name not in values]
    if missing:
        yield LEFT_OUT.format(names=", ".join(labels(missing)))
    if not available():
        yield INSTALL
