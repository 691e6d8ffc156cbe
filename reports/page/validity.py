"""Reasons to doubt a run: label leakage, maps of zeros, measures that disagree, missing cells."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from roarbench.benchmark.results.adaptive import Rule
from roarbench.benchmark.results.statistics import summarise
from roarbench.reports.page.judged import way, ways
from roarbench.reports.rows.load import REDUCED
from roarbench.reports.rows.seeds import notes
from roarbench.reports.rows.settings import reads_masks
from roarbench.reports.rows.style import FLAG, label, listed, percent, repeated
from roarbench.reports.tables.evidence import means
from roarbench.reports.tables.masks import Leak, State, scale_of, worst_leaks
from roarbench.reports.tables.table import Table

MASKS = (
    "A control: networks that see only which pixels were removed. Where they predict the class, masks leak the label. "
    "Networks retrained on reduced images may use that."
)
FOUND = {
    "warn": f"{FLAG} Masks alone reveal the class.",
    "open": "It is open whether masks alone reveal the class.",
    "good": "No mask reveals the class at the measured t.",
}
ZEROS = "A map of zeros orders its pixels by chance: its curve is partly that of random."
AGREEMENT = (
    "Spearman correlation of the orders of explainers: 1 where two ways of measuring agree, below 0 where they "
    "contradict each other. Where they disagree, the best explainer depends on the measure."
)
CELLS = "Cells that failed, do not apply or are still to do are gaps in the tables, never numbers."
STRANGERS = (
    "{cells} of other networks, neither retrained nor explained. No table has them: they measure how masks transfer."
)
SEEDS = "Intervals and tests rest on whole curves alone; with fewer seeds than planned they are wider."
ADDED = (
    "Seeds were added where intervals were wide, which therefore cover a little less than 95 %. Tests of differences "
    "keep their level: no seed was added because of one."
)


VERDICTS = {"good": "passed", "warn": "warning", "open": "not checked"}


@dataclass(frozen=True)
class Bar:
    """An accuracy in percent, and whether it is a reason to doubt."""

    name: str
    width: float
    text: str
    state: State


@dataclass(frozen=True)
class Chart:
    """Accuracies of one data set and classifier; the limit is where doubt begins.

    Attributes:
        found: what they say, in words.
        limit: in percent; NaN where it is unknown.
    """

    where: str
    found: str
    limit: float
    bars: list[Bar]

    @property
    def limited(self) -> bool:
        """Whether the limit is known."""
        return not math.isnan(self.limit)


@dataclass(frozen=True)
class Check:
    """One thing to know: what was found in a line, what that means, and the cases.

    Attributes:
        state: "good", "warn" or "open", of which the last was not measured.
        charts: cases that are numbers.
    """

    title: str
    state: str
    found: str
    meaning: str
    cases: list[str] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """What the state means, in words."""
        return VERDICTS[self.state]


def checks(
    frame: pd.DataFrame, joined: pd.DataFrame, tables: Sequence[Table], rule: Rule | None, num_strangers: int = 0
) -> list[Check]:
    """All checks, in a fixed order.

    Args:
        joined: the curves of the frame, from `load.curves`.
        tables: all that the report has.
        num_strangers: cells that the store has and the frame leaves out.
    """
    results = [_masks(joined), _zeros(frame), _agreement(tables), _cells(frame, num_strangers), _seeds(joined)]
    return [*results, *([_added(joined, rule)] if rule else [])]


def _masks(joined: pd.DataFrame) -> Check:
    charts: dict[str, Chart] = {}
    for chart in _leaks(joined):
        charts.setdefault(chart.where, chart)
    states = {bar.state for chart in charts.values() for bar in chart.bars}
    if not states:
        return Check("Label leakage", "open", "Masks alone were not measured.", MASKS)
    state = "warn" if "readable" in states else "open" if "open" in states else "good"
    return Check("Label leakage", state, FOUND[state], MASKS, charts=[*charts.values()])


def _leaks(joined: pd.DataFrame) -> Iterator[Chart]:
    """The leakage of masks by data set and classifier; those of both orders carry the same information."""
    for rows, _ in ways(joined):
        if reads_masks(rows):
            where = f"{rows.dataset.iloc[0]}, {rows.classifier.iloc[0]}"
            leaks = worst_leaks(rows, joined)
            bars = [_bar(e, leak) for e, leak in sorted(leaks.items(), key=lambda one: -one[1].accuracy.mean)]
            yield Chart(where, _counted(leaks.values()), 100 * scale_of(rows, joined).limit, bars)


def _bar(explainer: str, leak: Leak) -> Bar:
    mean = leak.accuracy.mean
    return Bar(label(explainer), round(100 * mean, 1), percent(leak.accuracy, leak.accuracy.n), leak.state)


def _counted(leaks: Collection[Leak]) -> str:
    """How many masks reveal the class, and of how many that is open."""
    states = [leak.state for leak in leaks]
    counts = [(states.count("readable"), "leak the label"), (states.count("open"), "are open")]
    said = " and ".join(f"{count} {word}" for count, word in counts if count) or "none leaks the label"
    return f"Of {repeated(len(states), 'mask')}, {said}."


def _zeros(frame: pd.DataFrame) -> Check:
    measured = frame[(frame.probe == "attribution") & frame.zero_attributions.notna()]
    if measured.empty:
        return Check("Maps of zeros", "open", "Not measured.", ZEROS)
    cases = []
    for (dataset, e), rows in measured.groupby(["dataset", "explainer"], sort=False):
        zero = summarise(rows.zero_attributions)
        if zero.mean > 0:
            cases.append(f"{dataset}: {label(str(e))} {percent(zero, zero.n)} % of the images.")
    text = f"{repeated(len(cases), 'explainer')} with some." if cases else "None, on the images that were checked."
    return Check("Maps of zeros", "warn" if cases else "good", text, ZEROS, cases)


def _agreement(tables: Sequence[Table]) -> Check:
    matrices = [table for table in tables if table.name.startswith("consistency")]
    pairs = [(table, *pair) for table in matrices for pair in _pairs(table)]
    if not pairs:
        few = "Fewer than two ways share the explainers that a correlation needs."
        return Check("Agreement between ways of measuring", "open", few, AGREEMENT)
    pairs.sort(key=lambda pair: pair[3])
    lowest, highest = pairs[0], pairs[-1]
    against, surely = sum(pair[3] < 0 for pair in pairs), sum(pair[4] < 0 for pair in pairs)
    text = (
        f"{against} of {len(pairs)} correlations are below 0, {surely or 'none'} with the whole interval; they lie "
        f"between {lowest[3]:.2f} and {highest[3]:.2f}."
    )
    cases = [
        f"{name}: {one} and {other}, {value:.2f} ({_where(table)})."
        for name, (table, one, other, value, _) in (("Lowest", lowest), ("Highest", highest))
    ]
    return Check("Agreement between ways of measuring", "warn" if against else "good", text, AGREEMENT, cases)


def _pairs(table: Table) -> Iterator[tuple[str, str, float, float]]:
    """Every two ways of a table of consistency, their correlation and the upper end of its interval."""
    mean, high = (table.numbers.xs(number, axis=1, level=1) for number in ("mean", "high"))
    for i, one in enumerate(mean.index):
        for other in mean.columns[i + 1 :]:
            if not np.isnan(mean[other].iloc[i]):
                yield str(one), str(other), float(mean[other].iloc[i]), float(high[other].iloc[i])


def _where(table: Table) -> str:
    return table.caption.partition("? ")[2].rstrip(".")


def _cells(frame: pd.DataFrame, num_strangers: int) -> Check:
    missing = frame[frame.status != "done"]
    counts = frame.status.value_counts()
    text = ", ".join(
        f"{counts[status]} {status}" for status in ("done", "failed", "skipped", "to do") if status in counts
    )
    cases = []
    for (status, reason), rows in missing.groupby(["status", "reason"], sort=False):
        names = [label(str(e)) for e in dict.fromkeys(rows.explainer.dropna())] or ["shared by all"]
        cases.append(f"{listed(names)}: {len(rows)} {status}" + (f" ({reason})." if reason else "."))
    if num_strangers:
        cases.append(STRANGERS.format(cells=repeated(num_strangers, "cell")))
    return Check("Cells", "warn" if cases else "good", f"{len(frame)} planned: {text}.", CELLS, cases)


def _seeds(joined: pd.DataFrame) -> Check:
    """Curves that are not whole."""
    by: dict[str, list[str]] = {}
    for rows, order in ways(joined):
        whole: Mapping = means(rows)
        for e, group in rows.groupby("explainer", sort=False):
            n, planned = len(whole.get(str(e), {})), group.seed.nunique()
            if n < planned:
                by.setdefault(f"{rows.dataset.iloc[0]}, {way(rows, order)}", []).append(
                    f"{label(str(e))} {n} of {planned}"
                )
    most = joined[joined.probe.isin(REDUCED)].seed.nunique()
    few = most < 3
    text = "Every curve has all its seeds." if not by else "Some curves lack seeds."
    if few:
        count = "is one seed" if most == 1 else f"are {most} seeds"
        text += f" There {count} in all: too few to test differences between explainers."
    return Check("Seeds", "warn" if by or few else "good", text, SEEDS, [f"{k}: {listed(v)}." for k, v in by.items()])


def _added(joined: pd.DataFrame, rule: Rule) -> Check:
    cases = [
        f"{rows.dataset.iloc[0]}, {way(rows, order)}: {note}"
        for rows, order in ways(joined) if rows.retrain.iloc[0]
        for note in list(notes(rows, rule))[1:]
    ]  # fmt: skip
    text = f"{rule.first} to {rule.most} seeds, to a half-width of {100 * rule.target:g} points."
    return Check("Added seeds", "warn" if cases else "good", text, ADDED, cases)
