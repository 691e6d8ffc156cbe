"""One line for each explainer: its mean accuracy, and by how much, and how surely, it is better than random."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from roarbench.benchmark.matrix.notation import parse
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import foremost, images, title
from roarbench.reports.rows.style import (
    BETTER,
    ORDERS,
    REFERENCE,
    at_least,
    label,
    listed,
    mean_rank,
    p_value,
    percent,
    points,
    signed,
)
from roarbench.reports.statistics.areas import area, racu
from roarbench.reports.statistics.groups import Better, Groups
from roarbench.reports.statistics.tests import (
    LEVEL,
    Difference,
    Seeds,
    difference,
    holm,
    least_p,
    minimum_detectable,
    paired,
)
from roarbench.reports.tables.attributions import COMPARED, count
from roarbench.reports.tables.curves import what
from roarbench.reports.tables.evidence import grouped, in_common, means, with_letters
from roarbench.reports.tables.lines import Columns, Format, Lines
from roarbench.reports.tables.masks import with_masks
from roarbench.reports.tables.table import Table, by_seed, table

FORMS: dict[str, Format] = {
    "mean": percent, "gain": points, "area": points, "RACU": signed, "rank": mean_rank, "passes": count,
}  # fmt: skip
BESIDE = {
    "rank": "Rank: mean rank over the seeds that all ranked explainers share (1 = best).",
    "passes": "Passes: forward passes of the classifier per explained image.",
    "group": (
        "Group: explainers without a common letter differ significantly; a is the best, as in the table of the curves."
    ),
}
"""Notes about columns that not every summary has."""

RELATIVE = ("gain", "area", "RACU")
"""Columns that compare with random; positive is better than random, whatever the order."""

HOW = (
    "Mean: accuracy in % over 0 < t < 1. Gain: difference of that to {reference}, in points; area: between the two "
    "curves, by trapezoids from t = {first:.10g} to {last:.10g}, in points; positive is better than {reference}, "
    "paired by seed."
)
RACU_HOW = (
    "RACU (Madsen et al. 2022): that area relative to the one between {reference} and the accuracy at t = 1, each a "
    "mean over seeds, in [-1, 1]{turned}."
)
TURNED = "; defined for the most relevant first, here with its sign turned"
TESTS = "p of the gain, by paired t test and by exact sign-flip test, each by Holm over the explainers of this table."
FAMILIES = (
    "The tests against {reference} and those of all pairs are two families. The second is larger and stricter, and "
    "finds no significant difference between {reference} and {names}."
)
DETECTABLE = (
    "Detectable with 80 % power: a gain of {points} points over {reference}, in a single planned comparison (paired t "
    "test at 5 %, n = {n}; the variance of all gains pooled)."
)


@dataclass(frozen=True)
class Comparison:
    """Every explainer of a table against random; explainer -> one number a seed, or the tests of its gain."""

    gain: dict[str, list[float]]
    area: dict[str, list[float]]
    racu: dict[str, list[float]]
    tests: dict[str, Difference]

    @property
    def adjusted(self) -> dict[str, float]:
        """Explainer -> p of its gain by paired t test, by Holm over all of them."""
        return dict(zip(self.tests, holm([test.p_t for test in self.tests.values()]), strict=True))


def summaries(frame: pd.DataFrame) -> list[Table]:
    """A table for every setting and order in which networks see images and random was measured."""
    joined, tables = curves(frame), []
    for rows, order, ending in images(joined):
        reference = reference_of(rows)
        if reference:
            summary = _summary(rows, frame, order, f"summary-{ORDERS[order].lower()}{ending}", reference)
            tables.append(with_masks(summary, rows, joined))
    return tables


def reference_of(rows: pd.DataFrame) -> str | None:
    """The random explainer of a table: the plain one, otherwise the first with parameters; None without one."""
    named = [name for name in dict.fromkeys(rows.explainer) if parse(name)[0] == REFERENCE]
    return REFERENCE if REFERENCE in named else next(iter(named), None)


def compare(rows: pd.DataFrame, order: str, reference: str) -> Comparison:
    """Gains, areas and RACU of all explainers but random, from the rows of one setting and order."""
    turn = 1.0 if order == "morf" else -1.0
    of_curves = means(rows)
    random: Seeds = of_curves.get(reference, {})
    gain = {e: [-turn * d for d in paired(of_curves.get(e, {}), random)] for e in dict.fromkeys(rows.explainer)}
    gain.pop(reference, None)
    areas, ratios = _areas(rows, reference, turn)
    return Comparison(gain, areas, ratios, {e: difference(values) for e, values in gain.items()})


def disputed(p: Mapping[str, float], pairs: Groups, reference: str) -> list[str]:
    """Explainers that differ from random in the tests against it, and not in those of all pairs, which are stricter.

    Args:
        p: adjusted p values of the tests against random.
        pairs: the tests of all pairs.
    """
    known = [e for e in p if {e, reference} <= pairs.letters.keys()]
    return [e for e in known if p[e] <= LEVEL and not pairs.differ(e, reference)]


def _areas(rows: pd.DataFrame, reference: str, turn: float) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Area between each curve and random, and RACU, by explainer: one number for each seed that has both curves."""
    done = rows[rows.status == "done"]
    wide = done.pivot_table(index=["explainer", "seed"], columns="removal_fraction", values="test_accuracy").dropna()
    if reference not in wide.index.get_level_values(0):
        return {}, {}
    random, fractions = wide.loc[reference], wide.columns.to_numpy(float).tolist()
    areas, ratios = {}, {}
    for name in wide.index.get_level_values(0).unique().drop(reference):
        accuracies = wide.loc[name]
        seeds = accuracies.index.intersection(random.index)
        one, other = accuracies.loc[seeds].to_numpy(), random.loc[seeds].to_numpy()
        areas[str(name)] = (turn * area(fractions, other - one)).tolist()
        if fractions[-1] == 1:
            ratios[str(name)] = (turn * racu(fractions, one, other, other[:, -1])).tolist()
    return areas, ratios


def _summary(rows: pd.DataFrame, frame: pd.DataFrame, order: str, name: str, reference: str) -> Table:
    compared = compare(rows, order, reference)
    relative = {"gain": compared.gain, "area": compared.area} | ({"RACU": compared.racu} if compared.racu else {})
    values: dict[str, dict[str, Seeds]] = {"mean": means(rows)}
    values |= {c: {e: dict(enumerate(numbers)) for e, numbers in by.items()} for c, by in relative.items()}
    values |= {"rank": ranks} if (ranks := _ranks(values["mean"], BETTER[order])) else {}
    values |= {"passes": passed} if (passed := _passes(rows, frame)) else {}
    caption = f"Summary. {what(rows, order)}. {title(rows)}."
    forms = {column: FORMS[column] for column in values}
    summary = table(name, caption, Lines(rows), Columns(values, forms, {"mean": BETTER[order]}))
    summary = _tested(_without_reference(summary, rows, reference), rows, compared)
    groups = grouped(rows, order)
    if groups.letters:
        summary = with_letters(summary, rows, groups)
    summary = summary.noted(*_notes(rows, compared, order, label(reference)))
    between = disputed(compared.adjusted, groups, reference)
    if between:
        summary = summary.noted(FAMILIES.format(reference=label(reference), names=listed(list(map(label, between)))))
    summary = summary.noted(*(note for column, note in BESIDE.items() if column in summary.shown))
    return replace(summary, printed=foremost(rows, frame), tested=True)


def _ranks(of_curves: dict[str, Seeds], better: Better) -> dict[str, Seeds]:
    """Explainer -> seed -> rank of its mean, of the explainers and seeds that have all curves of each other."""
    names, seeds = in_common([of_curves], least=2)
    turn = 1.0 if better == "low" else -1.0
    by = {seed: rankdata([turn * of_curves[name][seed] for name in names]) for seed in seeds}
    return {name: {seed: float(by[seed][i]) for seed in seeds} for i, name in enumerate(names)}


def _passes(rows: pd.DataFrame, frame: pd.DataFrame) -> dict[str, Seeds]:
    """Explainer -> seed -> passes of the classifier for an image, where attributions were measured by themselves."""
    measured = frame[(frame.probe == "attribution") & frame.passes.notna() & frame.explainer.isin(rows.explainer)]
    same = (measured[COMPARED] == rows[COMPARED].iloc[0]).all(axis=1)
    return by_seed(measured[same], "passes")


def _without_reference(summary: Table, rows: pd.DataFrame, reference: str) -> Table:
    """Random is not compared with itself."""
    at = np.array([name == reference for name in dict.fromkeys(rows.explainer)])
    columns = {column: summary.shown[column].mask(at, "–") for column in RELATIVE if column in summary.shown}
    return replace(summary, shown=summary.shown.assign(**columns))


def _tested(summary: Table, rows: pd.DataFrame, compared: Comparison) -> Table:
    names = list(dict.fromkeys(rows.explainer))
    for column, which in (("p (t)", "p_t"), ("p (exact)", "p_exact")):
        raw = {e: getattr(test, which) for e, test in compared.tests.items()}
        adjusted = dict(zip(raw, holm(list(raw.values())), strict=True))
        behind = {"raw": [raw.get(e, np.nan) for e in names], "holm": [adjusted.get(e, np.nan) for e in names]}
        summary = summary.extended(column, [p_value(p) for p in behind["holm"]], behind)
    return summary


def _notes(rows: pd.DataFrame, compared: Comparison, order: str, reference: str) -> list[str]:
    measured = sorted(set(rows[rows.status == "done"].removal_fraction)) or [np.nan]
    said = [HOW.format(reference=reference, first=measured[0], last=measured[-1])]
    if compared.racu:
        said.append(RACU_HOW.format(reference=reference, turned=TURNED if order == "lerf" else ""))
    n = max((test.n for test in compared.tests.values()), default=0)
    few = [f"n = {n} seeds: no exact p below {least_p(n):.10g}, before Holm."] if n > 1 and least_p(n) > 0.01 else []
    return [*said, TESTS, *few, *_detectable(compared, reference)]


def _detectable(compared: Comparison, reference: str) -> list[str]:
    """The gain that the seeds could show, of the explainer with fewest of them."""
    gains = [values for values in compared.gain.values() if values]
    n = min(map(len, gains), default=0)
    least = minimum_detectable(gains, n)
    return [] if math.isnan(least) else [DETECTABLE.format(points=at_least(least), reference=reference, n=n)]
