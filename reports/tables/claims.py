"""What Hooker et al. 2019 say in words, as checks with a verdict: of a run, and of the paper's own Table 2."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from roarbench.benchmark.results.statistics import INTERVAL, summarise
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import settings, slug, title
from roarbench.reports.rows.style import label
from roarbench.reports.statistics.null import LEVEL
from roarbench.reports.tables.reference import FRACTIONS, SOURCE, published
from roarbench.reports.tables.table import Table

Verdict = Literal["holds", "does not hold", "too few seeds", "incomplete", "not measured"]

BASES = ("GRAD", "GB", "IG")
SMOOTH = tuple(f"SG-{base}" for base in BASES)
SQUARED = tuple(f"{kind}-{base}" for kind in ("SG-SQ", "VAR") for base in BASES)

NEAR = 0.05
"""Accuracies are near each other within so much: about the largest spread of the bases at t = 0.9 in Table 2."""

HOW = (
    f"Differences are paired by seed. A claim holds if the {INTERVAL} of every difference lies on the claimed side; "
    "all must, so none is corrected. It does not hold if any interval, Bonferroni-corrected over all differences of "
    "the claim, lies on the other side. Otherwise a claim is incomplete if some explainer or fraction of it was not "
    "measured. If all were measured, the seeds are too few to show or refute it. The last column counts the means of "
    f"Table 2 that are as claimed; they have no intervals ({SOURCE})."
)


@dataclass(frozen=True)
class Claim:
    """A statement about differences of accuracies.

    Attributes:
        text: the claim.
        differences: rows of one setting in ROAR order -> name and values by seed of each difference.
        asked: the names of all differences that it is about.
        low: every difference is said to lie above this.
        high: and below this.
    """

    text: str
    differences: Callable[[pd.DataFrame], dict[str, np.ndarray]]
    asked: frozenset[str]
    low: float = -np.inf
    high: float = np.inf


def beside_random(
    text: str, names: tuple[str, ...], *, least: float = 0.0, low: float = -np.inf, high: float = np.inf
) -> Claim:
    """A claim about the accuracy of explainers minus that of random, retrained, at each fraction from `least` on."""
    fractions = [t for t in FRACTIONS if t >= least]

    def differences(rows: pd.DataFrame) -> dict[str, np.ndarray]:
        part = rows[rows.retrain & rows.removal_fraction.isin(fractions)]
        wide = part.pivot_table("accuracy", ["removal_fraction", "seed"], "explainer")
        if "Random" not in wide:
            return {}
        present = [name for name in names if name in wide]
        paired = {name: (wide[name] - wide.Random).dropna() for name in present}
        return {
            f"{name} at {t:g}": values.to_numpy()
            for name, difference in paired.items()
            for t, values in difference.groupby(level=0)
        }

    return Claim(text, differences, frozenset(f"{name} at {t:g}" for name in names for t in fractions), low, high)


def _random_retrained(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Accuracy of random at the largest fraction, retrained minus not."""
    at = rows[(rows.explainer == "Random") & (rows.removal_fraction == FRACTIONS[-1])]
    wide = at.pivot_table("accuracy", "seed", "retrain")
    return {"Random at 0.9": (wide[True] - wide[False]).dropna().to_numpy()} if {True, False} <= set(wide) else {}


CLAIMS = (
    beside_random("SG-SQ and VAR are below random for t >= 0.5", SQUARED, least=0.5, high=0.0),
    beside_random("GRAD, GB and IG are never below random", BASES, low=0.0),
    beside_random(f"GRAD, GB and IG are within {100 * NEAR:g} points of random", BASES, low=-NEAR, high=NEAR),
    beside_random("SmoothGrad is never below random", SMOOTH, low=0.0),
    Claim(
        "90 % removed at random: retrained better than not", _random_retrained, frozenset({"Random at 0.9"}), low=0.0
    ),
)


def claim_tables(frame: pd.DataFrame) -> list[Table]:
    """A verdict on every claim for each data set, classifier and fill; published beside ours."""
    joined = curves(frame)
    rows = joined[(joined.order == "morf") & (joined.probe == "image") & ~joined.recursive & (joined.status == "done")]
    named = rows.assign(retrain=rows.retrain.astype(bool), accuracy=rows.test_accuracy, spec=rows.explainer)
    retrained = [part for part in settings(named) if part.retrain.iloc[0]]
    return [_table(part, named, slug(part, joined)) for part in retrained]


def verdict(
    differences: dict[str, np.ndarray], low: float, high: float, *, asked: Collection[str] = frozenset()
) -> Verdict:
    """Whether every difference lies in [low, high]; see `HOW`.

    Args:
        differences: values by seed.
        asked: names of the differences that must be among them.
    """
    if not any(map(len, differences.values())):
        return "not measured"
    named = set(asked) | set(differences)
    repeated = [values for values in differences.values() if len(values) > 1]
    strict = [summarise(values, 1 - LEVEL / len(named)).within() for values in repeated]
    if any(upper < low or lower > high for lower, upper in strict):
        return "does not hold"
    if any(not len(differences.get(name, ())) for name in named):
        return "incomplete"
    plain = [summarise(values).within() for values in repeated]
    inside = len(repeated) == len(named) and all(low <= lower and upper <= high for lower, upper in plain)
    return "holds" if inside else "too few seeds"


def in_print(claim: Claim) -> str:
    """What the means of Table 2 say of a claim, data set by data set."""
    rows = published().query("order == 'morf'").assign(retrain=True, seed=0)
    by_dataset = {str(name): claim.differences(part) for name, part in rows.groupby("dataset", sort=False)}
    if not any(by_dataset.values()):
        return "not in the table"
    inside = {n: sum(claim.low <= v[0] <= claim.high for v in d.values()) for n, d in by_dataset.items()}
    return ", ".join(f"{name} {inside[name]} of {len(by_dataset[name])}" for name in by_dataset)


def _table(part: pd.DataFrame, rows: pd.DataFrame, ending: str) -> Table:
    same = ["dataset", "classifier", "unit", "magnitude", "target", "fill"]
    alike = rows[(rows[same] == part[same].iloc[0]).all(axis=1)]
    alike = alike.assign(explainer=alike.spec.map(label))
    by_claim = {claim.text: claim.differences(alike) for claim in CLAIMS}
    shown = pd.DataFrame(list(_lines(by_claim)), index=pd.Index(by_claim, name="claim"))
    numbers = pd.DataFrame(
        [
            (text, name, len(values), values.mean(), *_bounds(values))
            for text, differences in by_claim.items()
            for name, values in differences.items()
        ],
        columns=["claim", "difference", "n", "mean", "low", "high"],
    ).set_index("claim")
    return Table(
        f"claims{ending}", f"Claims of Hooker et al. 2019. {title(part)}.", shown, numbers, (HOW,), printed=True,
        dataset=str(part.dataset.iloc[0]),
    )  # fmt: skip


def _bounds(values: np.ndarray) -> tuple[float, float]:
    return summarise(values).within() if len(values) > 1 else (np.nan, np.nan)


def _lines(by_claim: dict[str, dict[str, np.ndarray]]) -> Iterator[dict[str, str]]:
    for claim in CLAIMS:
        differences = by_claim[claim.text]
        means = [float(values.mean()) for values in differences.values()]
        inside = sum(claim.low <= mean <= claim.high for mean in means)
        spread = f"{100 * min(means):+.1f} to {100 * max(means):+.1f}" if means else "–"
        yield {
            "verdict": verdict(differences, claim.low, claim.high, asked=claim.asked),
            "means as claimed": f"{inside} of {len(means)}",
            "differences in points": spread,
            "in Table 2": in_print(claim),
        }
