"""Every explainer against a baseline: by how much it is better, how surely, or whether it is equivalent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.load import Run, curves
from roarbench.reports.rows.names import OWN
from roarbench.reports.rows.seeds import covers, repeats
from roarbench.reports.rows.settings import foremost, images, protocol, title
from roarbench.reports.rows.style import FAMILIES, ORDERS, label, labels, p_in_words, p_value, percent, points
from roarbench.reports.statistics.family import LEAST_SEEDS, Difference, Family
from roarbench.reports.tables.evidence import advised, family, in_points, scores
from roarbench.reports.tables.summary import gains
from roarbench.reports.tables.table import Column, Table

UNPUBLISHED = (*FAMILIES["Controls"], *FAMILIES["Instruments"])
"""Names of explainers that nobody proposes as such."""

HOW = (
    "Difference: mean accuracy over 0 < t < 1 compared with {baseline}, in points, paired by seed; positive is "
    "better. Intervals are simultaneous 95 % intervals; interval and p are corrected for all pairs of explainers."
)
VERDICTS = (
    "Better or worse: the interval excludes 0. Equivalent: the whole interval lies within ±{margin} points. Open: "
    "neither; more seeds may decide."
)
MISSING = "{missing}: no whole curve here."
BEST = "{baseline} is the best published explainer of this run."
BETTER = "{name} is {verdict} than {baseline} by {size} points (p {p}, {seeds})."
EQUIVALENT = "{name} and {baseline} are equivalent within ±{margin}: {size} points ({seeds})."
OPEN = "Whether {name} is better than {baseline} is open: {size} points (p {p}, {seeds}).{needed}"
NEEDED = " With 80 % power, a difference of {margin} takes {needed} seeds."
UNTESTED = (
    f"{{name}} compared with {{baseline}}: {{size}} points ({{seeds}}); a test takes at least {LEAST_SEEDS} seeds."
)


@dataclass(frozen=True)
class Against:
    """The explainers of one setting and order against one of them.

    Attributes:
        differences: explainer -> by how much it is better; the largest first.
        margin: as a share of 1.
    """

    baseline: str
    differences: dict[str, Difference]
    family: Family
    margin: float

    def verdict(self, explainer: str) -> str:
        """Better, worse, equivalent, open, or untested."""
        difference = self.differences[explainer]
        if np.isnan(difference.p):
            return "untested"
        if difference.significant:
            return "better" if difference.mean > 0 else "worse"
        return "equivalent" if difference.within(self.margin) else "open"

    def sentence(self, explainer: str, rows: pd.DataFrame) -> str:
        """The verdict on one explainer, with the numbers that it rests on."""
        difference, verdict = self.differences[explainer], self.verdict(explainer)
        seeds, margin = repeats(rows, difference.n), in_points(self.margin)
        needed = advised(self.family, self.margin) if verdict == "open" else ""
        text = {"open": OPEN, "equivalent": EQUIVALENT, "untested": UNTESTED}.get(verdict, BETTER)
        mean = abs(difference.mean) if verdict in ("better", "worse") else difference.mean
        return text.format(
            name=label(explainer), baseline=label(self.baseline), verdict=verdict, seeds=seeds,
            size=points(replace(difference.summary, mean=mean), difference.n), margin=margin,
            p=p_in_words(difference.p), needed=NEEDED.format(margin=margin, needed=needed),
        )  # fmt: skip


def baseline_tables(run: Run) -> list[Table]:
    """A table for every setting and order in which networks see images and there is something to compare with."""
    joined = curves(run.frame)
    tables = (_table(rows, order, ending, joined, run.focus) for rows, order, ending in images(joined))
    return [table for table in tables if table]


def against(rows: pd.DataFrame, order: str, focus: Focus) -> Against | None:
    """The explainers of one setting and order against the baseline; None where that was not measured."""
    compared = family(rows)
    asked = focus.baseline if focus.baseline in compared.means else None
    baseline = asked or best_published(compared, order)
    if baseline not in compared.means:
        return None
    differences = {e: d for e, d in gains(compared, rows, order, baseline).items() if d.n}
    ordered = sorted(differences, key=lambda e: -differences[e].mean)
    return Against(baseline, {e: differences[e] for e in ordered}, compared, focus.margin / 100)


def best_published(compared: Family, order: str) -> str | None:
    """The best explainer that is neither a control nor an instrument nor one of the user's own; None without one."""
    names = {e: e.partition("[")[0] for e in compared.means}
    published = [e for e, name in names.items() if OWN not in name and name not in UNPUBLISHED]
    return (min if order == "morf" else max)(published, key=compared.means.__getitem__, default=None)


def _table(rows: pd.DataFrame, order: str, ending: str, joined: pd.DataFrame, focus: Focus) -> Table | None:
    compared = against(rows, order, focus)
    if compared is None or not compared.differences:
        return None
    of, baseline, differences = scores(rows), label(compared.baseline), compared.differences
    index = pd.Index(labels([*differences]), name="explainer")
    means = [(of.summary(e), of.summary(e).n) for e in differences]
    sizes = [(difference.summary, difference.n) for difference in differences.values()]
    shown = {
        "mean": [percent(*mean) for mean in means], "difference": [points(*size) for size in sizes],
        "p": [p_value(difference.p) for difference in differences.values()],
        "verdict": [compared.verdict(e) for e in differences],
    }  # fmt: skip
    numbers = {
        (column, number): [getattr(summary, number) for summary, _ in cells]
        for column, cells in (("mean", means), ("difference", sizes)) for number in ("mean", "half_width", "n")
    } | {("p", "p"): [d.p for d in differences.values()], ("verdict", "verdict"): shown["verdict"]}  # fmt: skip
    caption = f"Against {baseline}. {protocol(rows, order)}. {title(rows)}."
    return Table(
        f"baseline-{ORDERS[order].lower()}{ending}", caption, pd.DataFrame(shown, index), pd.DataFrame(numbers, index),
        tuple(_notes(compared, rows, focus)), printed=foremost(rows, joined), dataset=str(rows.dataset.iloc[0]),
        tested=compared.family.model is not None,
        written={"mean": Column(percent, tuple(means)), "difference": Column(points, tuple(sizes))},
    )  # fmt: skip


def _notes(compared: Against, rows: pd.DataFrame, focus: Focus) -> Iterator[str]:
    baseline = label(compared.baseline)
    yield from (compared.sentence(e, rows) for e in focus.highlight if e in compared.differences)
    asked = [e for e in (focus.baseline, *focus.highlight) if e in set(rows.explainer) - {*compared.family.means}]
    yield from (MISSING.format(missing=label(str(e))) for e in asked)
    yield HOW.format(baseline=baseline)
    yield VERDICTS.format(margin=f"{focus.margin:g}")
    yield covers(rows)
    if focus.baseline != compared.baseline:
        yield BEST.format(baseline=baseline)
