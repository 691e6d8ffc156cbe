"""Two runs side by side: what moved between them, and whether that is more than the difference between seeds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from roarbench.benchmark.results.statistics import summarise
from roarbench.reports.rows.load import SETTING, Run, curves, read
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import images, protocol, title
from roarbench.reports.rows.style import ORDERS, labels, listed, p_value, percent, points
from roarbench.reports.statistics.family import Family, compare
from roarbench.reports.statistics.null import LEVEL
from roarbench.reports.statistics.scores import Scores, Seeds
from roarbench.reports.tables.evidence import detectable, means
from roarbench.reports.tables.table import Table

HOW = (
    "Accuracy in %, mean over 0 < t < 1, at the fractions and seeds that both runs completed. B - A is in points, "
    "paired by seed, with a simultaneous 95 % interval. Interval and p are corrected for all {count} curves of this "
    "table. Changed: p is at most {level:g}."
)
UNLIKE = "A and B do not measure the same: {what}. This may explain changes."
OTHERWISE = "{names} in another version, or with data, classifier or fill in another one"
FEW = "One seed does not allow a test of significance."


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

    @cached_property
    def tested(self) -> Family:
        """The curve of every explainer in the second run, "B ...", compared with that in the first, "A ..."."""
        both = {f"{run} {name}": of[name] for run, of in zip("AB", self.values, strict=True) for name in of}
        return compare(Scores(both), tuple((f"B {name}", f"A {name}") for name in self.values[0]))


def compare_runs(one: Path, other: Path) -> list[Table]:
    """Writes the comparison into the second run's report and returns it.

    Raises:
        ValueError: a folder holds no run, or the two have no curve in common.
    """
    tables = comparison(read(one), read(other))
    out = other / "report"
    out.mkdir(exist_ok=True)
    for table in tables:
        table.write(out)
    return tables


def comparison(one: Run, other: Run) -> list[Table]:
    """A table for every setting and order that both runs have, with the differences of the runs as its first notes.

    Raises:
        ValueError: there is none.
    """
    both = list(_shared(curves(one.frame), curves(other.frame)))
    if not both:
        raise ValueError(f"compare needs whole curves that both runs have; {one.folder} and {other.folder} share none")
    names, unlike = (str(one.folder), str(other.folder)), differing(one, other)
    tables = [_table(shared, names) for shared in both]
    return [replace(table, notes=(*unlike, *table.notes)) for table in tables]


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
    yield "attribution_folds", one.get("attribution_folds", 1), other.get("attribution_folds", 1)
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


def _table(shared: Shared, names: tuple[str, str]) -> Table:
    tests = {name: shared.tested.difference(f"B {name}", f"A {name}") for name in shared.values[0]}
    a, b = ([summarise(run[name].values()) for name in tests] for run in shared.values)
    moved = [test.summary for test in tests.values()]
    index = pd.Index(labels(list(tests)), name="explainer")
    columns = {"A": a, "B": b, "B - A": moved}
    forms = {"A": percent, "B": percent, "B - A": points}
    shown = {name: [forms[name](summary, summary.n) for summary in by] for name, by in columns.items()}
    shown |= {
        "p": [p_value(test.p) for test in tests.values()],
        "moved": ["yes" if test.significant else "–" for test in tests.values()],
        "n": [str(summary.n) for summary in moved],
    }
    numbers = {
        (name, number): [getattr(summary, number) for summary in by]
        for name, by in columns.items() for number in ("mean", "half_width", "n")
    } | {("p", "p"): [test.p for test in tests.values()]}  # fmt: skip
    kind = ORDERS[shared.order]
    measure = protocol(shared.rows, shared.order)
    caption = f"Changes from A, {names[0]}, to B, {names[1]}. {measure}. {title(shared.rows)}."
    return Table(
        f"comparison-{kind.lower()}{shared.ending}", caption, pd.DataFrame(shown, index=index),
        pd.DataFrame(numbers, index=index), tuple(_notes(shared)),
    )  # fmt: skip


def _notes(shared: Shared) -> Iterator[str]:
    yield HOW.format(count=len(shared.values[0]), level=LEVEL)
    yield covers(shared.rows, images=False)
    if max(map(len, shared.values[0].values())) < 2:
        yield FEW
    yield from detectable(shared.tested)
