"""What is measured of attributions themselves, without removing anything: a table for each data set and classifier."""

import pandas as pd

from benchmark.statistics import Summary
from reports.settings import slug
from reports.style import percent, probability, share
from reports.table import Format, Table, by_seed, table

COMPARED = ["dataset", "classifier", "unit", "magnitude", "target"]

HOW = (
    "Means over 32 test images, then over seeds. Infidelity (Yeh et al. 2019, scaled, squared logits) and sensitivity "
    "(largest relative change of the map over 10 copies within 0.02 of the image): lower is better. Lipschitz: the "
    "same change by the distance of the copy, largest over copies. Gini: 1 is sparse, 0 even. Zero: share of images "
    "whose map is zero. Passes: images that go through the classifier for each that is explained; ms: milliseconds to "
    "explain one; both for all explainers of the same pass together."
)
TRUTH = (
    "Truth found: share of the truly relevant among as many units as are relevant, ranked first; AUC: chance that a "
    "relevant unit ranks before another, 50 % at random."
)


def milliseconds(summary: Summary, planned: int) -> str:
    """Seconds shown as milliseconds, without the interval: machines are noisy."""
    return "–" if not summary.n else f"{1000 * summary.mean:.3g}"


def passes(summary: Summary, planned: int) -> str:
    """Images that pass the classifier, without the interval: no seed changes them."""
    return "–" if not summary.n else f"{round(summary.mean, 1):,g}"


FORMS: dict[str, tuple[str, Format]] = {
    "infidelity": ("infidelity", share),
    "max_sensitivity": ("sensitivity", share),
    "lipschitz": ("Lipschitz", share),
    "gini": ("Gini", probability),
    "zero_attributions": ("zero", percent),
    "truth_precision": ("truth found", percent),
    "truth_auc": ("truth AUC", percent),
    "passes": ("passes", passes),
    "seconds_per_image": ("ms", milliseconds),
}


def attribution_tables(frame: pd.DataFrame) -> list[Table]:
    """Infidelity, sensitivity, sparseness, passes, time and, where it is known, the share of truth that was found."""
    measured = frame[frame.probe == "attribution"]
    known = [part for _, part in measured.groupby(COMPARED, sort=False) if part[list(FORMS)].notna().any(axis=None)]
    return [_table(part, slug(part, measured, COMPARED)) for part in known]


def _table(part: pd.DataFrame, ending: str) -> Table:
    present = {c: shown for c, shown in FORMS.items() if part[c].notna().any()}
    present = {c: shown for c, shown in present.items() if c != "zero_attributions" or part[c].any()}
    values = {shown: by_seed(part, c) for c, (shown, _) in present.items()}
    first = part.iloc[0]
    caption = f"Attributions by themselves. {first.dataset}, {first.classifier}; {first.target} class."
    made = table(f"attributions{ending}", caption, part, values, dict(present.values()))
    return made.noted(HOW, *([TRUTH] if "truth_auc" in present else []))
