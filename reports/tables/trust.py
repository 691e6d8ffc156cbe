"""Which measure to trust: how well each recovers the order of explainers that were made worse by known amounts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import factorial
from statistics import fmean

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from roarbench.benchmark.results.statistics import summarise
from roarbench.benchmark.results.store import Card
from roarbench.reports.rows.load import REDUCED, curves
from roarbench.reports.rows.measures import Cards, heading, known, of_attributions, of_curves
from roarbench.reports.rows.seeds import repeats
from roarbench.reports.rows.settings import protocol, slug
from roarbench.reports.rows.style import label, percent, span
from roarbench.reports.statistics.scores import Seeds
from roarbench.reports.tables.evidence import in_common, means
from roarbench.reports.tables.table import Table

LEAST = 3
"""Degrees of noise that an order needs."""

LISTED = 5
"""So many seeds have their values written out; of more the mean and the range."""

SIGNS = {"low": -1, "high": 1}
CONDITIONS = ["retrain", "recursive", "fill"]
PROBABILITY = "test_target_probability"

NOISE = 0.5
"""AUC of a ranking by noise against the ground truth."""

NOTE = (
    "Explainers degraded[base=...,noise=...] differ in noise alone. Less noise is better only if the base itself is "
    "better than noise by the ground truth. That is so if the whole interval of the AUC of its least degraded "
    "variant is above 50 %. For other bases (–), only the rows of the ground truth are filled. Numbers are Spearman "
    "correlations between the order by less noise and the order by a measure, seed by seed, {over}. All measures of "
    "a base have the same seeds and degrees. 1: the measure recovers the order; 0: it does not detect it; below 0: "
    "it prefers noise. A measure that detects nothing gives the whole order in one seed with probability {luck}. "
    "Curves enter with their mean over 0 < t < 1, if they are whole. Degrees of noise: {noise}. Left out because "
    "noise cannot change them in a meaningful way: {blind}. The noise replaces magnitudes by ranks and is the same "
    "for an image and its copies. If the ground truth itself was degraded, finding the truth gives 1 by "
    "construction: a check, no result."
)
COUNTED = "{base} counts: AUC of the truth {auc} %."
REFUSED = {
    "noise": "{base} is refused: AUC of the truth {auc} %, not above that of noise, 50 %.",
    "seed": "{base} is refused: AUC of the truth {auc} % comes from one seed and has no interval.",
    "truth": "{base} is refused: {dataset} has no ground truth, so the order of its degrees is unknown.",
    "unmeasured": "{base} is refused: its attributions were not measured, so their AUC of the truth is unknown.",
}
"""Why a base knows no order."""

NUMBERS: dict[str, Callable[[list[float]], float]] = {
    "mean": lambda values: fmean(values) if values else np.nan,
    "low": lambda values: min(values, default=np.nan),
    "high": lambda values: max(values, default=np.nan),
    "n": len,
}
"""Behind the text: mean, least and largest of the seeds, and their number; then every seed."""

Degrees = dict[str, tuple[str, float]]
"""Degraded explainer as written -> its base and its noise."""


@dataclass(frozen=True, eq=False)
class Measure:
    """A number for each explainer and seed.

    Attributes:
        better: 1 where more of it is better, -1 where less is.
        values: explainer -> seed -> number, of whole curves.
        truth: whether it compares with the ground truth.
    """

    name: str
    better: int
    values: Mapping[str, Seeds]
    truth: bool = False


@dataclass(frozen=True)
class Base:
    """An explainer that was degraded.

    Attributes:
        name: as written.
        names: its degraded variants as written, the least degraded first.
        said: a sentence that says whether it counts, with the number that decides.
    """

    name: str
    names: list[str]
    counts: bool
    said: str


@dataclass(frozen=True)
class Agreement:
    """How each measure agrees with the order of a base.

    Attributes:
        values: measure -> seed -> Spearman.
        num_degrees: explainers in the order.
    """

    values: dict[str, dict[int, float]]
    num_degrees: int


def trust_tables(frame: pd.DataFrame, degrees: Degrees, cards: Cards | None = None) -> list[Table]:
    """Measures by bases, for each data set and classifier; none without at least three degrees of noise of one base.

    Args:
        degrees: degraded explainer -> its base and noise.
        cards: what measures say of themselves; those of the tables unless given.
    """
    degraded = frame[frame.explainer.isin(list(degrees))]
    parts = [part for _, part in degraded.groupby(["dataset", "classifier"], sort=False)]
    cards = known() if cards is None else cards
    tables = [_table(part, degrees, cards, slug(part, frame, ["dataset", "classifier"])) for part in parts]
    return [table for table in tables if table is not None]


def agreement(values: pd.Series, noise: pd.Series) -> float:
    """Spearman of values with the absence of noise; 0 where all values are the same, NaN below three of them."""
    known = values.notna()
    if known.sum() < LEAST:
        return np.nan
    ours, truth = rankdata(values[known]), rankdata(-noise[known])
    return 0.0 if np.ptp(ours) == 0 else float(np.corrcoef(ours, truth)[0, 1])


def measures(rows: pd.DataFrame, cards: Cards) -> Iterator[Measure]:
    """All measures that some rows hold: curves of every setting, and what is measured of attributions themselves.

    Those that say nothing about noise, or of which neither more nor less is better, are left out.
    """
    joined = curves(rows)
    shown = joined[joined.probe.isin(REDUCED)]
    for (probe, retrain, recursive, fill), part in shown.groupby(["probe", *CONDITIONS], sort=False):
        kind = f"{fill}, {'recursive' if recursive else 'retrained' if retrain else 'not retrained'}"
        for card in of_curves(cards).values():
            if card["probe"] == probe and not (retrain and "retraining" not in card["needs"]):
                yield _of_curve(part, card, str(fill) if card["column"] == PROBABILITY or probe != "image" else kind)
    for name, card in of_attributions(cards).items():
        if card["better"] and card["sees_noise"] and name in rows:
            shown = heading(name, card)
            yield Measure(
                shown[0].upper() + shown[1:], SIGNS[card["better"]], _single(rows, name), "truth" in card["needs"]
            )


def _of_curve(part: pd.DataFrame, card: Card, kind: str) -> Measure:
    """A measure that is read from the curves of one setting: its name is that of the setting where it is accuracy."""
    order, column, better = card["order"], card["column"], SIGNS[card["better"]]
    if column == PROBABILITY:
        return Measure(f"{card['label']}, probability ({kind})", better, _means(part, order, column))
    if part.probe.iloc[0] != "image":
        return Measure(f"{card['label']} ({kind})", better, _means(part, order, column))
    if order:
        return Measure(f"{protocol(part, order)} ({kind})", better, _means(part, order, column))
    morf, lerf = (_means(part, one, column) for one in ("morf", "lerf"))
    between = {
        e: {s: v - morf[e][s] for s, v in seeds.items() if s in morf[e]} for e, seeds in lerf.items() if e in morf
    }
    return Measure(f"{card['label']} ({kind})", better, between)


def _means(part: pd.DataFrame, order: str, column: str) -> dict[str, Seeds]:
    return means(part[part.order == order], column)


def _single(rows: pd.DataFrame, column: str) -> dict[str, Seeds]:
    cells = rows[(rows.probe == "attribution") & (rows.status == "done") & rows[column].notna()]
    by = cells.groupby("explainer", sort=False)
    return {str(name): dict(zip(of_one.seed, of_one[column], strict=True)) for name, of_one in by}


def _table(part: pd.DataFrame, degrees: Degrees, cards: Cards, ending: str) -> Table | None:
    candidates, bases = list(measures(part, cards)), _bases(part, degrees)
    rows = dict.fromkeys(m.name for m in candidates if any(_measured(m, base) for base in bases))
    if not rows:
        return None
    agreements = {b.name: _agreement([m for m in candidates if b.counts or m.truth], b, degrees) for b in bases}
    first = part.iloc[0]
    caption = f"Which measure to trust: recovery of a known order of explainers. {first.dataset}, {first.classifier}."
    blind = [heading(name, card) for name, card in of_attributions(cards).items() if not card["sees_noise"]]
    notes = (_note(part, agreements, bases, degrees, blind), " ".join(base.said for base in bases))
    return Table(
        f"trust{ending}", caption, *_columns(list(rows), agreements), notes, printed=True, dataset=str(first.dataset),
        tidy=_tidy(first, rows, agreements),
    )  # fmt: skip


def _bases(part: pd.DataFrame, degrees: Degrees) -> list[Base]:
    """Bases that were degraded to enough explainers, and whether less noise is better for them."""
    explainers: dict[str, list[str]] = {}
    for name in sorted(dict.fromkeys(part.explainer), key=lambda e: degrees[e][1]):
        explainers.setdefault(degrees[name][0], []).append(name)
    order = dict.fromkeys(degrees[name][0] for name in dict.fromkeys(part.explainer))
    return [_base(base, explainers[base], part) for base in order if len(explainers[base]) >= LEAST]


def _base(base: str, names: list[str], part: pd.DataFrame) -> Base:
    cells = part[(part.explainer == names[0]) & (part.probe == "attribution") & (part.status == "done")]
    auc = summarise(cells.truth_auc)
    if not auc.n:
        said = REFUSED["truth" if len(cells) else "unmeasured"]
    elif auc.n == 1:
        said = REFUSED["seed"]
    else:
        said = COUNTED if auc.within()[0] > NOISE else REFUSED["noise"]
    words = said.format(base=label(base), auc=percent(auc, auc.n), dataset=part.dataset.iloc[0])
    return Base(base, names, said == COUNTED, words)


def _measured(measure: Measure, base: Base) -> bool:
    return sum(bool(measure.values.get(e)) for e in base.names) >= LEAST


def _agreement(candidates: Iterable[Measure], base: Base, degrees: Degrees) -> Agreement:
    """Of every measure with the order of a base, over the explainers and seeds that all of them have."""
    of_these = {m: {e: m.values[e] for e in base.names if m.values.get(e)} for m in candidates if _measured(m, base)}
    explainers, seeds = in_common(list(of_these.values()), LEAST)
    noise = pd.Series({e: degrees[e][1] for e in explainers}, dtype=float)

    def at(measure: Measure, seed: int) -> float:
        return agreement(pd.Series({e: measure.better * measure.values[e][seed] for e in explainers}), noise)

    return Agreement({m.name: {seed: at(m, seed) for seed in seeds} for m in of_these if seeds}, len(explainers))


def _note(
    part: pd.DataFrame, agreements: Mapping[str, Agreement], bases: list[Base], degrees: Degrees, blind: list[str]
) -> str:
    counts = [len(values) for one in agreements.values() for values in one.values.values()] or [0]
    orders = sorted({one.num_degrees for one in agreements.values() if one.num_degrees}) or [LEAST]
    luck = " or ".join(f"1/{factorial(k):,} ({k} degrees)" for k in orders)
    noise = sorted({degrees[name][1] for base in bases for name in base.names})
    degrees_written = ", ".join(f"{value:g}" for value in noise)
    over = repeats(part, span(counts))
    return NOTE.format(over=over, luck=luck, noise=degrees_written, blind=", ".join(blind))


def _columns(rows: list[str], agreements: Mapping[str, Agreement]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures by bases, as text and as numbers."""
    index = pd.Index(rows, name="measure")
    by_base = {label(base): [one.values.get(row, {}) for row in rows] for base, one in agreements.items()}
    shown = {base: [_written(list(values.values())) for values in column] for base, column in by_base.items()}
    numbers = {
        (base, number): [_number(list(values.values())) for values in column]
        for base, column in by_base.items() for number, _number in NUMBERS.items()
    }  # fmt: skip
    numbers |= {
        (base, f"seed {seed}"): [values.get(seed, np.nan) for values in column]
        for base, column in by_base.items() for seed in sorted({seed for values in column for seed in values})
    }  # fmt: skip
    return pd.DataFrame(shown, index=index), pd.DataFrame(numbers, index=index)


def _tidy(first: pd.Series, rows: Iterable[str], agreements: Mapping[str, Agreement]) -> pd.DataFrame:
    """A row for each measure, base and seed."""
    records = [
        (measure, first.dataset, first.classifier, base, seed, agreement)
        for measure in rows
        for base, one in agreements.items()
        for seed, agreement in one.values.get(measure, {}).items()
    ]
    return pd.DataFrame(records, columns=["measure", "dataset", "classifier", "base", "seed", "agreement"])


def _written(values: list[float]) -> str:
    """Each seed; with many the mean and the range. An interval of few bounded steps would say more than is known."""
    texts = [f"{round(value, 2) + 0.0:.2f}" for value in values]
    if len(values) <= LISTED:
        return ", ".join(texts) or "–"
    return f"{round(fmean(values), 2) + 0.0:.2f} ({min(values) + 0.0:.2f} to {max(values) + 0.0:.2f})"
