"""Instruments beside what they spoil: by how much each is better or worse than its base, and what the masks reveal."""

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from roarbench.benchmark.matrix.notation import parse
from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import foremost, images, title
from roarbench.reports.rows.style import DEFAULT_BASE, ORDERS, label, p_value, percent, points
from roarbench.reports.statistics.family import Difference
from roarbench.reports.statistics.null import LEVEL
from roarbench.reports.tables.curves import what
from roarbench.reports.tables.evidence import family
from roarbench.reports.tables.lines import NOTHING
from roarbench.reports.tables.masks import worst_leaks
from roarbench.reports.tables.table import Column, Table

BASED = ("blurred", "max_filtered", "random_class", "randomized")
"""Instruments with a parameter `base`; `degraded` has tables of its own, in `trust`."""
CONTROLS = {"random_per_epoch": "random"}
"""Instruments by themselves, and what they are compared with."""

HOW = (
    "Difference: mean accuracy over 0 < t < 1 of the instrument minus that of its base, of whole curves. It is in "
    "points, paired by seed, with a simultaneous 95 % interval. Interval and p are corrected for all pairs of "
    "explainers. Here {better} accuracy is better, and a verdict is given if p is at most {level:g}. – means no "
    "significant difference, which does not make them equal."
)
MASKED = "Masks: accuracy of networks that see only which pixels were removed, at the t with the largest leak."

Verdict = Literal["better", "worse", "–"]


def instrument_tables(frame: pd.DataFrame) -> list[Table]:
    """A table for every setting and order in which networks see images and an instrument stands beside its base."""
    joined = curves(frame)
    tables = (_table(rows, joined, order, ending) for rows, order, ending in images(joined))
    return [table for table in tables if table is not None]


def base_of(explainer: str) -> str | None:
    """What an instrument is compared with; None for all other explainers.

    >>> base_of("blurred[base=vargrad[samples=5],sigma=2]"), base_of("randomized"), base_of("sobel")
    ('vargrad[samples=5]', 'gradient', None)
    """
    name, parameters = parse(explainer)
    return parameters.get("base", DEFAULT_BASE) if name in BASED else CONTROLS.get(explainer)


def beside_base(explainers: list[str]) -> dict[str, str]:
    """Instrument -> its base, of those whose base is there too."""
    bases = {name: base_of(name) for name in explainers}
    return {name: base for name, base in bases.items() if base in explainers}


def _table(rows: pd.DataFrame, joined: pd.DataFrame, order: str, ending: str) -> Table | None:
    pairs = beside_base(list(dict.fromkeys(rows.explainer)))
    compared = family(rows)
    tests = {e: compared.difference(e, base) for e, base in pairs.items()}
    tests = {e: test for e, test in tests.items() if test.n}
    if not tests:
        return None
    masks = {name: leak.accuracy for name, leak in worst_leaks(rows, joined).items()}
    lines = list(_lines(tests, pairs, masks, lower_is_better=order == "morf"))
    index = pd.Index([label(e) for e in tests], name="instrument")
    shown, numbers = (pd.DataFrame([line[i] for line in lines], index=index) for i in (0, 1))
    better = "lower" if order == "morf" else "higher"
    notes = (HOW.format(better=better, level=LEVEL), covers(rows), *([MASKED] if masks else []))
    caption = f"Instruments beside their bases. {what(rows, order)}. {title(rows)}."
    return Table(
        f"instruments-{ORDERS[order].lower()}{ending}", caption, shown, numbers, notes,
        printed=foremost(rows, joined), tested=True, dataset=str(rows.dataset.iloc[0]),
        written=_written(tests, pairs, masks),
    )  # fmt: skip


def _written(tests: dict[str, Difference], pairs: dict[str, str], masks: dict[str, Summary]) -> dict[str, Column]:
    """Columns whose decimals can be chosen."""
    planned = max(test.n for test in tests.values())
    columns = {"difference": [(test.summary, planned) for test in tests.values()]}
    if masks:
        of = {"mask": list(tests), "mask of base": [pairs[e] for e in tests]}
        columns |= {c: [(m, m.n) for m in (masks.get(e, NOTHING) for e in names)] for c, names in of.items()}
    return {c: Column(points if c == "difference" else percent, tuple(cells)) for c, cells in columns.items()}


def _lines(
    tests: dict[str, Difference], pairs: dict[str, str], masks: dict[str, Summary], *, lower_is_better: bool
) -> Iterator[tuple[dict[str, str], dict[str, object]]]:
    """Text and numbers of every instrument."""
    planned = max(test.n for test in tests.values())
    for e, test in tests.items():
        base = pairs[e]
        of_instrument, of_base = masks.get(e, NOTHING), masks.get(base, NOTHING)
        shown = {
            "base": label(base),
            "difference": points(test.summary, planned),
            "p": p_value(test.p),
            "instrument is": verdict(test, lower_is_better=lower_is_better),
        }
        both = {"mask": of_instrument, "mask of base": of_base} if masks else {}
        shown |= {column: percent(mask, mask.n) if mask.n else "–" for column, mask in both.items()}
        numbers = {"mean": test.mean, "half_width": test.half_width, "n": test.n, "p": test.p}
        yield shown, {"base": base, **numbers} | {column: mask.mean for column, mask in both.items()}


def verdict(test: Difference, *, lower_is_better: bool) -> Verdict:
    """Whether an instrument is better than its base; a dash where there is no significant difference."""
    if not test.significant:
        return "–"
    return "better" if (test.mean < 0) == lower_is_better else "worse"
