"""How stable ranks of explainers are between ways of measuring: ROAR, KAR, ROAD, deletion and insertion, by fills."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import rankdata

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.rows.load import REDUCED, curves
from roarbench.reports.rows.seeds import repeats
from roarbench.reports.rows.settings import ROAD, ROAD_FILL, measure, slug
from roarbench.reports.rows.style import family, labels, p_in_words
from roarbench.reports.statistics.ranks import Agreement, agreement, mean_ranks
from roarbench.reports.statistics.scores import Seeds
from roarbench.reports.tables.across import interval
from roarbench.reports.tables.consistency import COMPARED, LEAST, WAY
from roarbench.reports.tables.consistency import LEFT_OUT as NOT_COMPARED
from roarbench.reports.tables.evidence import in_common, means
from roarbench.reports.tables.table import Table

CAPTION = (
    "Stability of ranks: do explainers keep their places when the way of measuring changes? {dataset}, {classifier}."
)
HOW = (
    "Ranks of {explainers} explainers (1 = best), without controls and instruments. They are ranked in every seed by "
    "accuracy averaged over 0 < t < 1; ranks are then averaged over {over}. Rows are sorted by mean rank."
)
MEAN = (
    "Mean rank: over all ways, with its 95 % t interval over seeds, cut at 1 and {explainers}. Over ways: the least "
    "and the largest rank. The interval holds for these ways of measuring and says nothing about others."
)
ONE = "Mean rank: over all ways; a single value has no interval. Over ways: the least and the largest rank."
AGREEMENT = (
    "Kendall's W of the {ways} orders by accuracy averaged over seeds: {w:.2f}, p {p} by permutation within ways. 1 "
    "means the same order in all ways, 0 no common order. Mean Spearman correlation of two ways: {spearman:.2f}."
)
TIED = "Kendall's W is not defined: no way puts these explainers in an order."
CAUTION = (
    "Ways are not independent: ROAR and KAR share maps and original networks, and all ways share maps. Ensembles "
    "resemble their base. So W describes agreement, its p is too small, and neither proves which explainer is best."
)
LEFT_OUT = "Without a whole curve in every way, hence not ranked: {names}."
FEW = "Fewer than {least} whole curves, hence not among the ways: {ways}."

Way = tuple[str, bool, str, str]
"""What is removed first, whether networks are retrained, the fill and the probe: the columns `WAY`."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Explainers of one data set and classifier that were measured in several ways.

    Attributes:
        rows: of their curves.
        ways: what each is called.
        names: explainers with whole curves in all ways.
        scores: means over 0 < t < 1, larger where the explainer is better.
        left_out: explainers without a whole curve in every way.
        few: ways that too few explainers have whole curves in.
    """

    rows: pd.DataFrame
    ways: list[str]
    names: list[str]
    scores: Float[np.ndarray, "ways seeds explainers"]
    left_out: list[str]
    few: list[str]


def stability_tables(frame: pd.DataFrame) -> list[Table]:
    """A table of ranks for every data set and classifier where two ways share five explainers."""
    return [_table(measured, frame) for measured in _measured(curves(frame))]


def _measured(joined: pd.DataFrame) -> Iterator[Measured]:
    compared = joined[joined.probe.isin(REDUCED) & ~joined.recursive & ~joined.explainer.map(family).isin(NOT_COMPARED)]
    for _, rows in compared.groupby(COMPARED, sort=False):
        every: dict[Way, Mapping[str, Seeds]] = {way: means(of_way) for way, of_way in rows.groupby(WAY, sort=False)}
        ways = {way: by for way, by in every.items() if sum(map(bool, by.values())) >= LEAST}
        names, seeds = in_common([*ways.values()], LEAST)
        if names and len(ways) > 1:
            scores = [[[_turn(way) * by[name][seed] for name in names] for seed in seeds] for way, by in ways.items()]
            left_out = [str(name) for name in dict.fromkeys(rows.explainer) if name not in names]
            few = [_called(way) for way in every if way not in ways]
            yield Measured(rows, [*map(_called, ways)], names, np.array(scores), left_out, few)


def _turn(way: Way) -> int:
    """1 where more accuracy is better, -1 where less is."""
    return 1 if way[0] == "lerf" else -1


def _called(way: Way) -> str:
    """A way with its fill; ROAD has one fill, unless that has parameters."""
    order, retrain, fill, probe = way
    name = measure(order, retrain=retrain, fill=fill, probe=probe)
    return name if name.startswith(ROAD) and fill == ROAD_FILL else f"{name}, {fill}"


def _table(measured: Measured, frame: pd.DataFrame) -> Table:
    ranks = rankdata(-measured.scores, axis=-1)
    by_way, summaries = ranks.mean(axis=1), mean_ranks(ranks.mean(axis=0))
    order = np.argsort([summary.mean for summary in summaries], kind="stable")
    index = pd.Index(labels(measured.names), name="explainer")
    texts, numbers = (of(measured.ways, by_way, summaries).set_index(index).iloc[order] for of in (_shown, _numbers))
    first = measured.rows.iloc[0]
    caption = CAPTION.format(dataset=first.dataset, classifier=first.classifier)
    ending = slug(measured.rows, frame[frame.explainer.notna()], COMPARED)
    return Table(f"stability{ending}", caption, texts, numbers, tuple(_notes(measured)), dataset=str(first.dataset))


def _shown(ways: list[str], ranks: Float[np.ndarray, "ways explainers"], summaries: list[Summary]) -> pd.DataFrame:
    """Ranks as text."""
    written = interval(len(summaries))
    columns = {
        "mean rank": [written(summary, summary.n) for summary in summaries],
        "over ways": [f"{low:.1f}–{high:.1f}" for low, high in zip(ranks.min(axis=0), ranks.max(axis=0), strict=True)],
    }
    return pd.DataFrame(columns | {way: [f"{rank:.1f}" for rank in of] for way, of in zip(ways, ranks, strict=True)})


def _numbers(ways: list[str], ranks: Float[np.ndarray, "ways explainers"], summaries: list[Summary]) -> pd.DataFrame:
    """What is behind the text, by (column, number)."""
    of_means = {("mean rank", name): [getattr(s, name) for s in summaries] for name in ("mean", "half_width", "n")}
    bounds = {("over ways", "low"): ranks.min(axis=0), ("over ways", "high"): ranks.max(axis=0)}
    return pd.DataFrame(of_means | bounds | {(way, "mean"): of for way, of in zip(ways, ranks, strict=True)})


def _notes(measured: Measured) -> Iterator[str]:
    ways, seeds, explainers = measured.scores.shape
    yield HOW.format(explainers=explainers, over=repeats(measured.rows, seeds))
    yield MEAN.format(explainers=explainers) if seeds > 1 else ONE
    yield _agreement(agreement(measured.scores.mean(axis=1)), ways)
    yield CAUTION
    if measured.left_out:
        yield LEFT_OUT.format(names=", ".join(labels(measured.left_out)))
    if measured.few:
        yield FEW.format(least=LEAST, ways="; ".join(measured.few))


def _agreement(measured: Agreement, ways: int) -> str:
    """W and Spearman in words."""
    if np.isnan(measured.w):
        return TIED
    return AGREEMENT.format(ways=ways, w=measured.w, p=p_in_words(measured.p), spearman=measured.spearman)
