"""Explainers over data sets: mean ranks, Friedman's test and, with the extra `posthocs`, their diagram."""

from collections.abc import Iterator
from statistics import fmean

import pandas as pd

from reports.critical_difference import INSTALL, available, draw
from reports.drawing import Picture
from reports.evidence import means
from reports.load import SETTING, curves
from reports.ranks import LEAST_BLOCKS, LEAST_EXPLAINERS, Friedman, friedman
from reports.settings import protocol, slug, title
from reports.style import ORDERS, labels, mean_rank, p_value
from reports.table import Table, table
from reports.tables import what

DIAGRAM = "critical_difference"
SHARED = [column for column in SETTING if column != "dataset"]
FOUND = (
    "Friedman's test over {blocks} data sets: chi-squared = {statistic:.2f}, p {p} by permutation of the ranks within "
    "data sets. Mean ranks that differ by more than {critical:.2f} differ at 5 % (Nemenyi)."
)
HOW = "Ranks of the mean accuracy over 0 < t < 1 and all seeds, 1 the best."
CAPTION = (
    "{protocol}: mean ranks over n = {n} data sets, 1 the best; bars join explainers whose ranks differ by less than "
    "the critical difference of {critical:.2f} (Nemenyi, 5 %)."
)
ALT = "Critical-difference diagram. Mean ranks: {ranks}."
LEFT_OUT = "Without a whole curve on every data set, hence not ranked: {names}."


def ranks(frame: pd.DataFrame) -> list[Table]:
    """A table of ranks for every setting and order with at least three data sets and three explainers."""
    return [_table(*case) for case in _cases(curves(frame))]


def diagrams(frame: pd.DataFrame) -> Iterator[Picture]:
    """A critical-difference diagram beside every such table; none without scikit-posthocs."""
    if not available():
        return
    for rows, order, values, ending in _cases(curves(frame)):
        made = friedman(values.to_numpy(), highest_first=order == "lerf")
        mean = dict(zip(labels([*map(str, values)]), made.ranks.mean(axis=0), strict=True))
        measure = protocol(rows, order)
        setting = f"{measure}; {title(rows, dataset=False)}"
        caption = CAPTION.format(protocol=measure, n=len(values), critical=made.critical_difference)
        alt = ALT.format(ranks=", ".join(f"{name} {rank:.1f}" for name, rank in sorted(mean.items(), key=_second)))
        figure = draw(mean, made.critical_difference, setting)
        yield Picture(f"{DIAGRAM}-{ORDERS[order].lower()}{ending}", f"{caption} {setting}.", alt, figure)


def _second(pair: tuple[str, float]) -> float:
    return pair[1]


def _cases(joined: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, pd.DataFrame, str]]:
    """Rows, order, mean accuracies (data sets by explainers) and ending of file names."""
    images = joined[joined.probe == "image"]
    for _, part in images.groupby(SHARED, sort=False, dropna=False):
        for order, rows in part.groupby("order", sort=False):
            values = _means(rows)
            if len(values) >= LEAST_BLOCKS and values.shape[1] >= LEAST_EXPLAINERS:
                yield rows, str(order), values, slug(part, joined, SHARED)


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """Data sets by the explainers that have a whole curve on each of them."""
    found = {
        str(dataset): {name: fmean(seeds.values()) for name, seeds in means(of_one).items() if seeds}
        for dataset, of_one in rows.groupby("dataset", sort=False)
    }
    common = [name for name in dict.fromkeys(rows.explainer) if all(name in by for by in found.values())]
    return pd.DataFrame([[by[name] for name in common] for by in found.values()], index=list(found), columns=common)


def _table(rows: pd.DataFrame, order: str, values: pd.DataFrame, ending: str) -> Table:
    made = friedman(values.to_numpy(), highest_first=order == "lerf")
    by = {name: dict(enumerate(made.ranks[:, i].tolist())) for i, name in enumerate(map(str, values))}
    columns = {"mean rank": by} | {
        str(dataset): {name: {i: of_one[i]} for name, of_one in by.items()} for i, dataset in enumerate(values.index)
    }
    ranked = rows[rows.explainer.isin(values.columns)]
    caption = f"Ranks over data sets. {what(rows, order)}. {title(rows, dataset=False)}."
    shown = table(f"friedman-{ORDERS[order].lower()}{ending}", caption, ranked, columns, mean_rank)
    return Table(shown.name, caption, shown.shown, shown.numbers, tuple(_notes(rows, values, made)))


def _notes(rows: pd.DataFrame, values: pd.DataFrame, made: Friedman) -> Iterator[str]:
    p = p_value(made.p)
    yield HOW
    yield FOUND.format(
        blocks=len(values), statistic=made.statistic, p=p if p.startswith("<") else f"= {p}",
        critical=made.critical_difference,
    )  # fmt: skip
    missing = [name for name in dict.fromkeys(rows.explainer) if name not in values]
    if missing:
        yield LEFT_OUT.format(names=", ".join(labels(missing)))
    if not available():
        yield INSTALL
