"""Columns of the leaderboard: a number of each explainer, which are better, and colours by rank."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import pandas as pd
from scipy.stats import rankdata

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.page.judged import Judged
from roarbench.reports.page.tables import GAP, Entry
from roarbench.reports.page.words import hint
from roarbench.reports.rows.load import Run
from roarbench.reports.rows.measures import form, heading, of_attributions
from roarbench.reports.rows.style import BETTER, FLAG, Form, percent, points
from roarbench.reports.statistics.scores import Scores
from roarbench.reports.tables import evidence
from roarbench.reports.tables.attributions import COMPARED, count
from roarbench.reports.tables.lines import Format
from roarbench.reports.tables.masks import SIGNS, worst
from roarbench.reports.tables.table import by_seed

LEVELS = 5
"""Colours of a column, from heat-0 of the worst, which is none, to heat-4 of the best."""
RANK, MASK = "rank", "mask leak"


@dataclass(frozen=True)
class Column:
    """One number of every explainer that has it.

    Attributes:
        better: "low", "high", or empty where neither is.
        by_seed: explainer -> seed -> number as it is written; empty where a number is not a mean over seeds.
    """

    heading: str
    better: str
    values: Mapping[str, float]
    texts: Mapping[str, str]
    by_seed: Mapping[str, Mapping[int, float]] = field(default_factory=dict)

    @property
    def hint(self) -> str:
        """What it is, from the glossary."""
        return hint(self.heading)

    @property
    def parted(self) -> tuple[str, str]:
        """The part of its heading that neighbours may share, and the rest; empty where it has one part."""
        head, _, rest = self.heading.partition(", ")
        return head, rest

    def entries(self, explainers: Iterable[str]) -> list[Entry]:
        """A cell for each explainer."""
        colours = heat(self)
        return [
            Entry(self.texts.get(e, GAP), f"{self.values[e]:.10g}" if e in self.values else "", colours.get(e, ""),
                  FLAG in self.texts.get(e, ""))
            for e in explainers
        ]  # fmt: skip


def heat(column: Column) -> dict[str, str]:
    """Explainer -> colour by its rank within the column; none without a direction, or where all are equal."""
    ranked = ranks(column.values, column.better) if column.better else {}
    best, last = (min(ranked.values()), max(ranked.values())) if ranked else (0.0, 0.0)
    return {e: f"heat-{round((LEVELS - 1) * (last - r) / (last - best))}" for e, r in ranked.items() if best < last}


def ranks(values: Mapping[str, float], better: str) -> dict[str, float]:
    """Explainer -> rank, 1 the best; equals share the mean of their ranks."""
    turned = [-value if better == "high" else value for value in values.values()]
    return dict(zip(values, rankdata(turned).tolist(), strict=True))


def of_curves(judged: Sequence[Judged], names: Sequence[str]) -> list[Column]:
    """Mean accuracies, of every way of measuring that has any."""
    return [
        _column(name, BETTER[one.order], one.family.means, percent, evidence.means(one.rows))
        for one, name in zip(judged, names, strict=True)
        if one.family.means
    ]


def of_deltas(judged: Sequence[Judged], names: Sequence[str]) -> list[Column]:
    """Mean Delta, of every way of measuring that has it: what own masks do beyond masks of other images."""
    by_way = [(name, evidence.means(one.rows, "delta")) for one, name in zip(judged, names, strict=True)]
    scored = [(name, Scores({e: of for e, of in by.items() if of})) for name, by in by_way]
    return [
        _column(name, "high", {e: of.summary(e).mean for e in of.finite}, points, of.finite)
        for name, of in scored if of.finite
    ]  # fmt: skip


def mean_ranks(measured: Sequence[Column]) -> Column:
    """Mean ranks over ways of measuring."""
    by_way = [ranks(column.values, column.better) for column in measured]
    each = {e: [of[e] for of in by_way if e in of] for column in measured for e in column.values}
    return _column(RANK, "low", {e: math.fsum(of) / len(of) for e, of in each.items()}, _one_decimal)


def of_masks(judged: Sequence[Judged]) -> Iterator[Column]:
    """The worst leak of every explainer over all ways of measuring."""
    explainers = dict.fromkeys(e for one in judged for e in one.leaks)
    leaks = {e: worst({i: one.leaks[e] for i, one in enumerate(judged) if e in one.leaks}) for e in explainers}
    column = _column(MASK, "", {e: leak.accuracy.mean for e, leak in leaks.items()}, percent)
    if leaks:
        yield replace(column, texts={e: text + SIGNS[leaks[e].state] for e, text in column.texts.items()})


def of_measures(run: Run, rows: pd.DataFrame) -> Iterator[Column]:
    """Measures of attributions that have a direction, under the conditions of some rows of curves."""
    same = (run.frame[COMPARED] == rows[COMPARED].iloc[0]).all(axis=1)
    measured = run.frame[same & (run.frame.probe == "attribution")]
    once = measured.groupby(["explainer", "seed"], sort=False).first().reset_index()
    for name, card in of_attributions(run.measures).items():
        if card["better"] and name in once and once[name].fillna(0).any():
            scores = by_seed(once, name)
            means = {e: scores.summary(e).mean for e in scores.finite}
            written = count if card["form"] == "count" else form(card)
            yield _column(heading(name, card), card["better"], means, written, scores.finite)


def _column(
    name: str, better: str, means: Mapping[str, float], written: Format,
    by_seed: Mapping[str, Mapping[int, float]] = MappingProxyType({}),
) -> Column:  # fmt: skip
    """Means without their intervals."""
    scale = written.scale if isinstance(written, Form) else 1.0
    return Column(
        name, better, means, {e: written(Summary(mean, math.nan, 1), 1) for e, mean in means.items()},
        {e: {seed: scale * value for seed, value in seeds.items()} for e, seeds in by_seed.items() if seeds},
    )  # fmt: skip


def _one_decimal(summary: Summary, planned: int) -> str:
    return f"{summary.mean:.1f}"
