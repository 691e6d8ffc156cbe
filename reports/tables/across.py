"""Explainers over data sets: mean ranks with intervals, and Friedman's test."""

import math
from collections.abc import Iterator
from importlib.util import find_spec
from statistics import fmean

import pandas as pd

from roarbench.reports.rows.load import SETTING, curves
from roarbench.reports.rows.settings import slug, title
from roarbench.reports.rows.style import ORDERS, Form, labels, mean_rank, p_in_words
from roarbench.reports.statistics.ranks import LEAST_BLOCKS, LEAST_EXPLAINERS, Friedman, friedman, mean_ranks
from roarbench.reports.statistics.scores import Scores
from roarbench.reports.tables.curves import what
from roarbench.reports.tables.evidence import means
from roarbench.reports.tables.lines import Columns, Format, Lines
from roarbench.reports.tables.table import Table, table

INSTALL = 'For critical-difference diagrams: pip install "roarbench[posthocs]".'
SHARED = [column for column in SETTING if column != "dataset"]
HOW = "Ranks of the mean accuracy over 0 < t < 1 and all seeds, 1 the best."
INTERVAL = (
    "Mean rank with its 95 % t interval over data sets, cut at 1 and {explainers}. The interval is for the expected "
    "rank on another data set like these. No variance is taken as less than the mean of all explainers, because few "
    "data sets often agree by luck."
)
FOUND = (
    "Friedman's test over {blocks} data sets: chi-squared = {statistic:.2f}, p {p} by permutation of the ranks "
    "within data sets. {f} Critical difference: mean ranks that differ by more than {critical:.2f} differ "
    "significantly at 5 % (Nemenyi)."
)
F = (
    "Iman and Davenport: F({between}, {within}) = {f:.2f}, p {p}. That p is an approximation; with few data sets, "
    "use the p by permutation."
)
NO_F = "All data sets agree, so that Iman and Davenport's F has a denominator of 0; only the p by permutation holds."
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
    columns = {
        str(dataset): Scores({name: {i: of_one[i]} for name, of_one in by.items()})
        for i, dataset in enumerate(values.index)
    }
    means = {"mean rank": dict(zip(by, mean_ranks(test.ranks), strict=True))}
    forms = {"mean rank": interval(len(by))} | dict.fromkeys(columns, mean_rank)
    ranked = rows[rows.explainer.isin(values.columns)]
    caption = f"Ranks over data sets. {what(rows, order)}. {title(rows, dataset=False)}."
    name = f"friedman-{ORDERS[order].lower()}{ending}"
    shown = table(name, caption, Lines(ranked), Columns(columns, forms, known=means))
    return Table(shown.name, caption, shown.shown, shown.numbers, tuple(_notes(rows, values, test)))


def interval(explainers: int) -> Format:
    """How a mean rank of so many explainers is written, with its interval cut at the first and the last rank."""
    form = Form(scale=1, decimals=2, low=1.0, high=float(explainers))
    return lambda summary, _: form(summary, summary.n)


def _notes(rows: pd.DataFrame, values: pd.DataFrame, test: Friedman) -> Iterator[str]:
    yield HOW
    yield INTERVAL.format(explainers=values.shape[1])
    yield FOUND.format(
        blocks=len(values), statistic=test.statistic, p=p_in_words(test.p), f=_ratio(test),
        critical=test.critical_difference,
    )  # fmt: skip
    missing = [name for name in dict.fromkeys(rows.explainer) if name not in values]
    if missing:
        yield LEFT_OUT.format(names=", ".join(labels(missing)))
    if not available():
        yield INSTALL


def _ratio(test: Friedman) -> str:
    """Iman and Davenport's F in words."""
    between, within = test.degrees
    return NO_F if math.isinf(test.f) else F.format(between=between, within=within, f=test.f, p=p_in_words(test.f_p))
