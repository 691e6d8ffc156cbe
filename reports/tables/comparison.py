"""Two runs side by side: what moved between them, and whether that is more than the difference between seeds."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from roarbench.benchmark.results.statistics import INTERVAL, Summary, summarise
from roarbench.reports.rows.load import SETTING, Run, curves, read
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import images, protocol, title
from roarbench.reports.rows.style import ORDERS, at_least, labels, listed, p_value, percent, points
from roarbench.reports.statistics.tests import LEVEL, Seeds, difference, holm, minimum_detectable, paired
from roarbench.reports.tables.evidence import means
from roarbench.reports.tables.table import Table

HOW = (
    "Accuracy in %, mean over 0 < t < 1, at the fractions and of the seeds that both runs have whole; B - A in points, "
    f"paired by seed, with its {INTERVAL}; p by paired t test, by Holm over all {{count}} curves of this comparison. "
    "Moved: p of at most {level:g}."
)
UNLIKE = "A and B do not measure the same: {what}. What moved may be due to that."
OTHERWISE = "{names} in another version, or with data, classifier or fill in another one"
FEW = "With one seed nothing can be said of significance."
DETECTABLE = (
    "Detectable with 80 % power: {points} points, in a single planned comparison (paired t test at 5 %, n = {n})."
)


@dataclass(frozen=True, eq=False)
class Shared:
    """The curves of one setting and order that two runs have.

    Attributes:
        rows: rows of the first run.
        values: for each run, explainer -> seed -> mean; the same explainers and seeds.
    """

    rows: pd.DataFrame
    order: str
    ending: str
    values: tuple[Mapping[str, Seeds], Mapping[str, Seeds]]

    @property
    def moved(self) -> dict[str, list[float]]:
        """Explainer -> second minus first, one number a seed."""
        one, other = self.values
        return {name: paired(other[name], one[name]) for name in one}


def compare_runs(one: Path, other: Path) -> str:
    """Writes the comparison into the second run's report and returns it as text.

    Raises:
        ValueError: a folder holds no run, or the two have no curve in common.
    """
    first, second = read(one), read(other)
    tables, unlike = comparison(first, second), differing(first, second)
    out = other / "report"
    out.mkdir(exist_ok=True)
    written = [path for table in tables for path in table.write(out)]
    return "\n\n".join([*unlike, *(table.text() for table in tables), "\n".join(map(str, written))])


def comparison(one: Run, other: Run) -> list[Table]:
    """A table for every setting and order that both runs have, each with what the runs do not have in common below.

    Raises:
        ValueError: there is none.
    """
    both = list(_shared(curves(one.frame), curves(other.frame)))
    if not both:
        raise ValueError(f"compare needs whole curves that both runs have; {one.folder} and {other.folder} share none")
    p_values = holm([difference(values).p_t for shared in both for values in shared.moved.values()])
    adjusted, names, unlike = iter(p_values), (str(one.folder), str(other.folder)), differing(one, other)
    tables = [_table(shared, [next(adjusted) for _ in shared.moved], names, len(p_values)) for shared in both]
    return [table.noted(*unlike) for table in tables]


def differing(one: Run, other: Run) -> list[str]:
    """A line about what the runs measured otherwise, under the same names; none where they measured the same."""
    settings_ = [f"{name} {a} (A) and {b} (B)" for name, a, b in _settings(one.matrix, other.matrix) if a != b]
    if settings_:
        return [UNLIKE.format(what=", ".join(settings_))]
    ours, theirs = _protocols(one), _protocols(other)
    names = dict.fromkeys(name for key, name in ours if theirs.get((key, name), ours[key, name]) != ours[key, name])
    return [UNLIKE.format(what=OTHERWISE.format(names=listed(labels(list(names)))))] if names else []


def _settings(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Settings that change numbers and are no part of the name of a table, by both runs."""
    yield "protocol", one.get("protocol"), other.get("protocol")
    recipes = one.get("recipe") or {}, other.get("recipe") or {}
    for name in dict.fromkeys([*recipes[0], *recipes[1]]):
        yield f"recipe.{name}", recipes[0].get(name), recipes[1].get(name)


def _protocols(run: Run) -> dict[tuple[tuple[object, ...], str], str]:
    """What each cell is called, but for its seed, and its explainer -> hash of what it is."""
    cells = run.frame.assign(protocol=run.protocols)[run.frame.explainer.notna()]
    keys = zip(*(cells[column].map(str) for column in (*SETTING, "measure", "order", "removal_fraction")), strict=True)
    return dict(zip(zip(keys, cells.explainer, strict=True), cells.protocol, strict=True))


def _shared(one: pd.DataFrame, other: pd.DataFrame) -> Iterator[Shared]:
    others = {(*_setting(rows), order): rows for rows, order, _ in images(other)}
    for rows, order, ending in images(one):
        partner = others.get((*_setting(rows), order))
        if partner is None:
            continue
        fractions = set(rows.removal_fraction) & set(partner.removal_fraction)
        a, b = (means(part[part.removal_fraction.isin(fractions)]) for part in (rows, partner))
        seeds = {name: sorted(set(a[name]) & set(b.get(name, {}))) for name in a}
        one_values, other_values = (
            {name: {seed: run[name][seed] for seed in common} for name, common in seeds.items() if common}
            for run in (a, b)
        )
        if one_values:
            yield Shared(rows, order, ending, (one_values, other_values))


def _setting(rows: pd.DataFrame) -> tuple[object, ...]:
    return tuple(rows.iloc[0][SETTING])


def _table(shared: Shared, adjusted: list[float], names: tuple[str, str], count: int) -> Table:
    tests = {name: difference(values) for name, values in shared.moved.items()}
    a, b = ([summarise(run[name].values()) for name in tests] for run in shared.values)
    moved = [Summary(test.mean, test.half_width, test.n) for test in tests.values()]
    index = pd.Index(labels(list(tests)), name="explainer")
    columns = {"A": a, "B": b, "B - A": moved}
    forms = {"A": percent, "B": percent, "B - A": points}
    shown = {name: [forms[name](summary, summary.n) for summary in by] for name, by in columns.items()}
    shown |= {
        "p (Holm)": [p_value(p) for p in adjusted],
        "moved": ["yes" if p <= LEVEL else "–" for p in adjusted],
        "n": [str(summary.n) for summary in moved],
    }
    numbers = {
        (name, number): [getattr(summary, number) for summary in by]
        for name, by in columns.items() for number in ("mean", "half_width", "n")
    } | {("p", "holm"): adjusted}  # fmt: skip
    kind = ORDERS[shared.order]
    measure = protocol(shared.rows, shared.order)
    caption = f"What moved from A, {names[0]}, to B, {names[1]}. {measure}. {title(shared.rows)}."
    return Table(
        f"comparison-{kind.lower()}{shared.ending}", caption, pd.DataFrame(shown, index=index),
        pd.DataFrame(numbers, index=index), tuple(_notes(shared, count)),
    )  # fmt: skip


def _notes(shared: Shared, count: int) -> Iterator[str]:
    yield HOW.format(count=count, level=LEVEL)
    yield covers(shared.rows)
    n = min(map(len, shared.moved.values()))
    least = minimum_detectable(shared.moved.values(), n)
    if n < 2:
        yield FEW
    elif not math.isnan(least):
        yield DETECTABLE.format(points=at_least(least), n=n)
