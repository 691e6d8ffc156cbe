"""What is measured of attributions themselves, without removing anything: a table for each data set and classifier."""

import pandas as pd

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.rows.load import further
from roarbench.reports.rows.settings import slug
from roarbench.reports.rows.style import percent, plain, probability, share
from roarbench.reports.tables.table import Format, Table, by_seed, table

OWN_NOTE = "own_"
"""Begins the columns of what explainers with masks of their own note."""
COMPARED = ["dataset", "classifier", "unit", "magnitude", "target"]

HOW = (
    "Means over at most 32 test images, then over seeds. Infidelity (Yeh et al. 2019, scaled, squared logits) and "
    "sensitivity (largest relative change of the map over 10 copies within 0.02 of the image): lower is better. "
    "Lipschitz: the same change by the distance of the copy, largest over copies. Gini: 1 is sparse, 0 even. Zero: "
    "share of images whose map is zero. Passes: forward passes of the classifier per explained image; ms: milliseconds "
    "to explain one; both for all explainers of the same pass together."
)
OTHERS = "As plug-ins yield them, without a direction that is known here: {names}."
NOTED = (
    "What explainers with masks of their own note of their training, in units of their own; see their documentation."
)
TRUTH = (
    "Truth found: of as many units ranked first as are truly relevant, the share that is; AUC: chance that a relevant "
    "unit ranks before an irrelevant one, 50 % at random."
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
    """Infidelity, sensitivity, sparseness, passes, time, the share of truth that was found, and whatever else was."""
    measured = frame[frame.probe == "attribution"]
    forms = FORMS | {column: (words(column), plain) for column in further(frame)}
    known = [part for _, part in measured.groupby(COMPARED, sort=False) if part[list(forms)].notna().any(axis=None)]
    return [_table(part, forms, slug(part, measured, COMPARED)) for part in known]


def note_tables(frame: pd.DataFrame) -> list[Table]:
    """What explainers with masks of their own note of their training, where no other table knows of it."""
    notes = [column for column in further(frame) if column.startswith(OWN_NOTE)]
    noted = frame[frame.explainer.notna() & frame[notes].notna().any(axis=1)]
    return [_noted(part, notes, slug(part, noted, COMPARED)) for _, part in noted.groupby(COMPARED, sort=False)]


def words(column: str) -> str:
    """A column that only its plug-in knows, as a heading.

    >>> words("own_num_steps")
    'num steps'
    """
    return column.removeprefix(OWN_NOTE).replace("_", " ")


def _table(part: pd.DataFrame, forms: dict[str, tuple[str, Format]], ending: str) -> Table:
    present = {c: shown for c, shown in forms.items() if part[c].notna().any()}
    present = {c: shown for c, shown in present.items() if c != "zero_attributions" or part[c].any()}
    values = {shown: by_seed(part, c) for c, (shown, _) in present.items()}
    first = part.iloc[0]
    caption = f"Attributions by themselves. {first.dataset}, {first.classifier}; {first.target} class."
    made = table(f"attributions{ending}", caption, part, values, dict(present.values()))
    others = ", ".join(shown for c, (shown, _) in present.items() if c not in FORMS)
    said = [HOW, *([TRUTH] if "truth_auc" in present else []), *([OTHERS.format(names=others)] if others else [])]
    return made.noted(*said)


def _noted(part: pd.DataFrame, notes: list[str], ending: str) -> Table:
    once = part.drop_duplicates(["explainer", "seed"])
    values = {words(column): by_seed(once, column) for column in notes if once[column].notna().any()}
    first = part.iloc[0]
    caption = f"Notes of explainers. {first.dataset}, {first.classifier}; {first.target} class."
    return table(f"notes{ending}", caption, once, values, plain).noted(NOTED)
