"""One line for each explainer: its mean accuracy, and by how much, and how surely, it is better than random."""

from collections.abc import Mapping
from dataclasses import replace

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
    label,
    mean_rank,
    p_value,
    percent,
    points,
    signed,
)
from roarbench.reports.statistics.areas import racu
from roarbench.reports.statistics.family import Difference, Family
from roarbench.reports.statistics.groups import Better, groups
from roarbench.reports.statistics.scores import Scores, Seeds
from roarbench.reports.tables.attributions import COMPARED, count
from roarbench.reports.tables.curves import what
from roarbench.reports.tables.evidence import best_first, detectable, family, in_common, scores, with_letters
from roarbench.reports.tables.lines import Columns, Format, Lines
from roarbench.reports.tables.masks import with_masks
from roarbench.reports.tables.table import Table, by_seed, table

FORMS: dict[str, Format] = {
    "mean": percent, "gain": points, "RACU": signed, "rank": mean_rank, "passes": count,
}  # fmt: skip
BESIDE = {
    "rank": "Rank: mean rank over the seeds that all ranked explainers share (1 = best).",
    "passes": "Passes: forward passes of the classifier per explained image.",
    "group": ("Group: explainers without a common letter differ significantly; a is the best."),
}
"""Notes about columns that not every summary has."""

RELATIVE = ("gain", "RACU")
"""Columns that compare with random; positive is better than random, whatever the order."""

HOW = (
    "Mean: accuracy in %, averaged over 0 < t < 1. Gain: its difference to {reference}, in points, paired by seed. "
    "Positive is better than {reference}."
)
RACU_HOW = (
    "RACU (Madsen et al. 2022): area between the curve and that of {reference}, divided by the area between "
    "{reference} and the accuracy at t = 1. Areas are sums of trapezoids and means over seeds; RACU lies in [-1, "
    "1].{turned} Its interval covers seeds alone."
)
TURNED = " It is defined for the most relevant first; here its sign is reversed."
TESTS = (
    "Gain ± half-width of a simultaneous 95 % interval; interval, p and letters are corrected for all pairs of "
    "explainers. An interval excludes 0 exactly where p is at most 5 %."
)


def summaries(frame: pd.DataFrame) -> list[Table]:
    """A table for every setting and order in which networks see images and random was measured."""
    joined, tables = curves(frame), []
    for of_setting, order, ending in images(joined):
        reference, rows = reference_of(of_setting), best_first(of_setting, order)
        if reference:
            summary = _summary(rows, frame, order, f"summary-{ORDERS[order].lower()}{ending}", reference)
            tables.append(with_masks(summary, rows, joined).leading("n", "mean", "gain", "p", "group", "mask"))
    return tables


def reference_of(rows: pd.DataFrame) -> str | None:
    """The random explainer of a table: the plain one, otherwise the first with parameters; None without one."""
    named = [name for name in dict.fromkeys(rows.explainer) if parse(name)[0] == REFERENCE]
    return REFERENCE if REFERENCE in named else next(iter(named), None)


def gains(compared: Family, rows: pd.DataFrame, order: str, reference: str) -> dict[str, Difference]:
    """Explainer -> by how much it is better than another one: positive is better, whatever the order."""
    others = [str(e) for e in dict.fromkeys(rows.explainer) if e != reference]
    if order == "morf":
        return {e: compared.difference(reference, e) for e in others}
    return {e: compared.difference(e, reference) for e in others}


def _racu(rows: pd.DataFrame, reference: str, order: str) -> dict[str, list[float]]:
    """RACU by explainer: one number for each seed that has its curve and that of random, with full removal."""
    done = rows[rows.status == "done"]
    wide = done.pivot_table(index=["explainer", "seed"], columns="removal_fraction", values="test_accuracy").dropna()
    fractions = wide.columns.to_numpy(float).tolist()
    if reference not in wide.index.get_level_values(0) or fractions[-1] != 1:
        return {}
    random, ratios, turn = wide.loc[reference], {}, 1.0 if order == "morf" else -1.0
    for name in wide.index.get_level_values(0).unique().drop(reference):
        accuracies = wide.loc[name]
        seeds = accuracies.index.intersection(random.index)
        if seeds.empty:
            continue
        one, other = accuracies.loc[seeds].to_numpy(), random.loc[seeds].to_numpy()
        ratios[str(name)] = (turn * racu(fractions, one, other, other[:, -1])).tolist()
    return ratios


def _summary(rows: pd.DataFrame, frame: pd.DataFrame, order: str, name: str, reference: str) -> Table:
    tested, ratios = family(rows), _racu(rows, reference, order)
    gain = gains(tested, rows, order, reference)
    values = {"mean": scores(rows)}
    if ratios:
        values["RACU"] = Scores({e: dict(enumerate(numbers)) for e, numbers in ratios.items()})
    values |= {"rank": ranks} if (ranks := _ranks(values["mean"].by_seed, BETTER[order])).by_seed else {}
    values |= {"passes": passed} if (passed := _passes(rows, frame)).by_seed else {}
    known = {"gain": {e: difference.summary for e, difference in gain.items()}}
    shown = [c for c in FORMS if c in (*values, *known)]
    caption = f"Summary. {what(rows, order)}. {title(rows)}."
    columns = Columns(values, {c: FORMS[c] for c in shown}, {"mean": BETTER[order]}, known)
    summary = _without_reference(table(name, caption, Lines(rows), columns), rows, reference)
    summary = _tested(summary, rows, gain)
    lettering = groups(tested, highest_first=order == "lerf")
    summary = with_letters(summary, rows, lettering) if lettering.letters else summary
    summary = summary.noted(*_notes(bool(ratios), order, label(reference)))
    summary = summary.noted(*detectable(tested))
    summary = summary.noted(*(note for column, note in BESIDE.items() if column in summary.shown))
    return replace(summary, printed=foremost(rows, frame), tested=True)


def _ranks(of_curves: Mapping[str, Seeds], better: Better) -> Scores:
    """Explainer -> seed -> rank of its mean, of the explainers and seeds that have all curves of each other."""
    names, seeds = in_common([of_curves], least=2)
    turn = 1.0 if better == "low" else -1.0
    by = {seed: rankdata([turn * of_curves[name][seed] for name in names]) for seed in seeds}
    return Scores({name: {seed: float(by[seed][i]) for seed in seeds} for i, name in enumerate(names)})


def _passes(rows: pd.DataFrame, frame: pd.DataFrame) -> Scores:
    """Explainer -> seed -> passes of the classifier for an image, where attributions were measured by themselves."""
    measured = frame[(frame.probe == "attribution") & frame.passes.notna() & frame.explainer.isin(rows.explainer)]
    same = (measured[COMPARED] == rows[COMPARED].iloc[0]).all(axis=1)
    return by_seed(measured[same], "passes")


def _without_reference(summary: Table, rows: pd.DataFrame, reference: str) -> Table:
    """Random is not compared with itself."""
    at = np.array([name == reference for name in dict.fromkeys(rows.explainer)])
    columns = {column: summary.shown[column].mask(at, "–") for column in RELATIVE if column in summary.shown}
    return replace(summary, shown=summary.shown.assign(**columns))


def _tested(summary: Table, rows: pd.DataFrame, gain: Mapping[str, Difference]) -> Table:
    p_values = [gain[e].p if e in gain else np.nan for e in dict.fromkeys(rows.explainer)]
    return summary.extended("p", [p_value(p) for p in p_values], {"p": p_values})


def _notes(racu: bool, order: str, reference: str) -> list[str]:
    said = [HOW.format(reference=reference)]
    if racu:
        said.append(RACU_HOW.format(reference=reference, turned=TURNED if order == "lerf" else ""))
    return [*said, TESTS]
