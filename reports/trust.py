"""Which measure to trust: how well each recovers the order of explainers that were made worse by known amounts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from benchmark.statistics import Summary, summarise
from reports.load import curves
from reports.settings import slug
from reports.style import label, share
from reports.table import Table

LEAST = 3
"""Degrees of noise that an order needs."""

NOTE = (
    "Explainers degraded[base=...,noise=...] differ in nothing but noise, so their true order is known. Spearman of "
    "that order and of the one a measure gives, seed by seed; mean ± half-width of the 95 % t interval over n = {n} "
    "seeds. 1: the measure finds the order; 0: it does not see it; below 0: it prefers noise. Curves count by their "
    "mean over 0 < t < 1. Degrees of noise: {noise}."
)

Degrees = dict[str, tuple[str, float]]
"""Degraded explainer as written -> its base and its noise."""


@dataclass(frozen=True)
class Measure:
    """A number for each explainer and seed.

    Attributes:
        better: 1 where more of it is better, -1 where less is.
        value: rows of one data set and classifier -> explainers by seeds.
    """

    name: str
    better: int
    value: Callable[[pd.DataFrame], pd.DataFrame]


def trust_tables(frame: pd.DataFrame, degrees: Degrees) -> list[Table]:
    """Measures by bases, for each data set and classifier; none without at least three degrees of noise of one base."""
    degraded = frame[frame.explainer.isin(list(degrees)) & (frame.status == "done")]
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
    images = curves(rows).query("probe == 'image' and 0 < removal_fraction < 1")
    for (retrain, recursive, fill), part in images.groupby(["retrain", "recursive", "fill"], sort=False):
        kind = f"{fill}, {'recursive' if recursive else 'retrained' if retrain else 'not retrained'}"
        yield from _of_curves(part, kind)
        if not retrain:
            yield Measure(f"Deletion, probability ({fill})", -1, _curve(part, "morf", "test_target_probability"))
            yield Measure(f"Insertion, probability ({fill})", 1, _curve(part, "lerf", "test_target_probability"))
    for name, column, better in (
        ("Infidelity", "infidelity", -1), ("Max-sensitivity", "max_sensitivity", -1), ("Lipschitz", "lipschitz", -1),
        ("Gini", "gini", 1), ("Truth found, precision", "truth_precision", 1), ("Truth found, AUC", "truth_auc", 1),
    ):  # fmt: skip
        yield Measure(name, better, _single(rows, column))


def _of_curves(part: pd.DataFrame, kind: str) -> Iterator[Measure]:
    morf, lerf = (_curve(part, order, "test_accuracy") for order in ("morf", "lerf"))
    yield Measure(f"ROAR ({kind})", -1, morf)
    yield Measure(f"KAR ({kind})", 1, lerf)
    yield Measure(f"DiffROAR ({kind})", 1, lambda rows: lerf(rows) - morf(rows))


def _curve(part: pd.DataFrame, order: str, column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Means of curves over fractions, explainers by seeds, of those explainers that are asked for."""
    kept = part[part.order == order]

    def value(rows: pd.DataFrame) -> pd.DataFrame:
        asked = kept[kept.explainer.isin(set(rows.explainer))]
        return asked.pivot_table(column, "explainer", "seed", dropna=False)

    return value


def _single(rows: pd.DataFrame, column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    own = rows[(rows.probe == "attribution") & rows[column].notna()]
    return lambda rows: own[own.explainer.isin(set(rows.explainer))].pivot_table(column, "explainer", "seed")


def _table(part: pd.DataFrame, degrees: Degrees, ending: str) -> Table | None:
    bases = _bases(part, degrees)
    noise = pd.Series({name: degrees[name][1] for names in bases.values() for name in names})
    found = {
        measure.name: {
            b: summarise(_over_seeds(measure, part[part.explainer.isin(n)], noise)) for b, n in bases.items()
        }
        for measure in measures(part)
    }
    found = {name: by for name, by in found.items() if any(summary.n for summary in by.values())}
    if not found:
        return None
    first, n = part.iloc[0], part.seed.nunique()
    caption = f"Which measure to trust: recovery of a known order of explainers. {first.dataset}, {first.classifier}."
    note = NOTE.format(n=n, noise=", ".join(f"{value:g}" for value in sorted(set(noise))))
    return Table(f"trust{ending}", caption, *_columns(found, n), (note,), printed=True)


def _columns(found: dict[str, dict[str, Summary]], n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures by bases, as text and as numbers."""
    index = pd.Index(found, name="measure")
    by_base = {label(base): [by[base] for by in found.values()] for base in next(iter(found.values()))}
    shown = pd.DataFrame({base: [share(s, n) for s in column] for base, column in by_base.items()}, index=index)
    numbers = {
        (base, number): [getattr(s, number) for s in column]
        for base, column in by_base.items() for number in ("mean", "half_width", "n")
    }  # fmt: skip
    return shown, pd.DataFrame(numbers, index=index)


def _bases(part: pd.DataFrame, degrees: Degrees) -> dict[str, list[str]]:
    """Base -> explainers that it was degraded to, of bases with enough of them."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(part.explainer):
        found.setdefault(degrees[name][0], []).append(name)
    return {base: names for base, names in found.items() if len(names) >= LEAST}


def _over_seeds(measure: Measure, rows: pd.DataFrame, noise: pd.Series) -> list[float]:
    values = measure.better * measure.value(rows)
    return [agreement(values[seed], noise.reindex(values.index)) for seed in values]
