"""Which measure to trust: how well each recovers the order of explainers that were made worse by known amounts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from benchmark.statistics import Summary, summarise
from reports.evidence import NOTHING, in_common, means
from reports.load import curves
from reports.settings import slug
from reports.statistics import Seeds
from reports.style import label, share
from reports.table import Column, Table

LEAST = 3
"""Degrees of noise that an order needs."""

NOTE = (
    "Explainers degraded[base=...,noise=...] differ in nothing but noise, so their true order is known. Spearman of "
    "that order and of the one a measure gives, seed by seed; mean ± half-width of the 95 % t interval over {n}, of "
    "the same seeds and degrees for every measure of a base. 1: the measure finds the order; 0: it does not see it; "
    "below 0: it prefers noise. Curves count by their mean over 0 < t < 1, where they are whole. Degrees of noise: "
    "{noise}. Max-sensitivity, Lipschitz and Gini are left out: the noise replaces magnitudes by ranks and is drawn "
    "alike for an image and its copies, so that they say nothing about it. Where the truth itself was degraded, "
    "finding the truth gives 1 by construction: a check, no result."
)

Degrees = dict[str, tuple[str, float]]
"""Degraded explainer as written -> its base and its noise."""


@dataclass(frozen=True, eq=False)
class Measure:
    """A number for each explainer and seed.

    Attributes:
        better: 1 where more of it is better, -1 where less is.
        values: explainer -> seed -> number, of whole curves.
    """

    name: str
    better: int
    values: Mapping[str, Seeds]


def trust_tables(frame: pd.DataFrame, degrees: Degrees) -> list[Table]:
    """Measures by bases, for each data set and classifier; none without at least three degrees of noise of one base."""
    degraded = frame[frame.explainer.isin(list(degrees))]
    parts = [part for _, part in degraded.groupby(["dataset", "classifier"], sort=False)]
    found = [_table(part, degrees, slug(part, frame, ["dataset", "classifier"])) for part in parts]
    return [table for table in found if table is not None]


def agreement(values: pd.Series, noise: pd.Series) -> float:
    """Spearman of values with the absence of noise; 0 where a measure tells none apart, NaN below three of them."""
    known = values.notna()
    if known.sum() < LEAST:
        return np.nan
    ours, truth = rankdata(values[known]), rankdata(-noise[known])
    return 0.0 if np.ptp(ours) == 0 else float(np.corrcoef(ours, truth)[0, 1])


def measures(rows: pd.DataFrame) -> Iterator[Measure]:
    """All measures that some rows hold: curves of every setting, and what is measured of attributions themselves."""
    images = curves(rows).query("probe == 'image'")
    for (retrain, recursive, fill), part in images.groupby(["retrain", "recursive", "fill"], sort=False):
        kind = f"{fill}, {'recursive' if recursive else 'retrained' if retrain else 'not retrained'}"
        yield from _of_curves(part, kind)
        if not retrain:
            morf, lerf = (_means(part, order, "test_target_probability") for order in ("morf", "lerf"))
            yield Measure(f"Deletion, probability ({fill})", -1, morf)
            yield Measure(f"Insertion, probability ({fill})", 1, lerf)
    for name, column, better in (
        ("Infidelity", "infidelity", -1), ("Truth found, precision", "truth_precision", 1),
        ("Truth found, AUC", "truth_auc", 1),
    ):  # fmt: skip
        yield Measure(name, better, _single(rows, column))


def _of_curves(part: pd.DataFrame, kind: str) -> Iterator[Measure]:
    morf, lerf = (_means(part, order, "test_accuracy") for order in ("morf", "lerf"))
    yield Measure(f"ROAR ({kind})", -1, morf)
    yield Measure(f"KAR ({kind})", 1, lerf)
    between = {e: {s: v - morf[e][s] for s, v in own.items() if s in morf[e]} for e, own in lerf.items() if e in morf}
    yield Measure(f"DiffROAR ({kind})", 1, between)


def _means(part: pd.DataFrame, order: str, column: str) -> dict[str, Seeds]:
    return means(part[part.order == order], column)


def _single(rows: pd.DataFrame, column: str) -> dict[str, Seeds]:
    own = rows[(rows.probe == "attribution") & (rows.status == "done") & rows[column].notna()]
    by = own.groupby("explainer", sort=False)
    return {str(name): dict(zip(of_one.seed, of_one[column], strict=True)) for name, of_one in by}


def _table(part: pd.DataFrame, degrees: Degrees, ending: str) -> Table | None:
    bases = _bases(part, degrees)
    found: dict[str, dict[str, Summary]] = {}
    for base, names in bases.items():
        for name, summary in _agreements(measures(part), names, degrees).items():
            found.setdefault(name, {})[base] = summary
    if not found:
        return None
    first = part.iloc[0]
    caption = f"Which measure to trust: recovery of a known order of explainers. {first.dataset}, {first.classifier}."
    return Table(
        f"trust{ending}", caption, *_columns(found, list(bases)), (_note(found, bases, degrees),), printed=True,
        dataset=str(first.dataset), written=_written(found, list(bases)),
    )  # fmt: skip


def _agreements(made: Iterable[Measure], names: list[str], degrees: Degrees) -> dict[str, Summary]:
    """Measure -> its agreement with the order of some explainers, over the seeds that all measures have."""
    of_these = {m: {e: m.values[e] for e in names if m.values.get(e)} for m in made}
    measured = {m: values for m, values in of_these.items() if len(values) >= LEAST}
    explainers, seeds = in_common(list(measured.values()), LEAST)
    noise = pd.Series({e: degrees[e][1] for e in explainers}, dtype=float)

    def at(measure: Measure, seed: int) -> float:
        return agreement(pd.Series({e: measure.better * measure.values[e][seed] for e in explainers}), noise)

    return {m.name: summarise(at(m, seed) for seed in seeds) for m in measured} if seeds else {}


def _note(found: dict[str, dict[str, Summary]], bases: Mapping[str, list[str]], degrees: Degrees) -> str:
    counts = sorted({summary.n for by in found.values() for summary in by.values()})
    over = f"n = {'–'.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} seeds"
    noise = sorted({degrees[name][1] for names in bases.values() for name in names})
    return NOTE.format(n=over, noise=", ".join(f"{value:g}" for value in noise))


def _columns(found: dict[str, dict[str, Summary]], bases: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures by bases, as text and as numbers."""
    index = pd.Index(found, name="measure")
    by_base = {label(base): [by.get(base, NOTHING) for by in found.values()] for base in bases}
    shown = {base: [share(s, s.n) if s.n else "–" for s in column] for base, column in by_base.items()}
    numbers = {
        (base, number): [getattr(s, number) for s in column]
        for base, column in by_base.items() for number in ("mean", "half_width", "n")
    }  # fmt: skip
    return pd.DataFrame(shown, index=index), pd.DataFrame(numbers, index=index)


def _written(found: dict[str, dict[str, Summary]], bases: list[str]) -> dict[str, Column]:
    """Bases, whose decimals can be chosen."""
    cells = {label(base): [by.get(base, NOTHING) for by in found.values()] for base in bases}
    return {base: Column(share, tuple((s, s.n) for s in column)) for base, column in cells.items()}


def _bases(part: pd.DataFrame, degrees: Degrees) -> dict[str, list[str]]:
    """Base -> explainers that it was degraded to, of bases with enough of them."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(part.explainer):
        found.setdefault(degrees[name][0], []).append(name)
    return {base: names for base, names in found.items() if len(names) >= LEAST}
