"""The kinds of tables, in the order in which one reads them; add yours here."""

from collections.abc import Iterable

from roarbench.benchmark.results.adaptive import rule
from roarbench.reports.kinds.kind import Kind, OfRows
from roarbench.reports.rows.load import Run
from roarbench.reports.tables.across import ranks
from roarbench.reports.tables.attributions import attribution_tables, note_tables
from roarbench.reports.tables.claims import claim_tables
from roarbench.reports.tables.consistency import consistency_tables
from roarbench.reports.tables.curves import diff_roar, tables
from roarbench.reports.tables.instruments import instrument_tables
from roarbench.reports.tables.operating import operating_tables
from roarbench.reports.tables.probability import probabilities
from roarbench.reports.tables.reference import reference_tables
from roarbench.reports.tables.summary import summaries
from roarbench.reports.tables.table import Table
from roarbench.reports.tables.trust import trust_tables


def _curves(run: Run) -> Iterable[Table]:
    return tables(run.frame, rule(run.matrix))


def _attributions(run: Run) -> Iterable[Table]:
    return attribution_tables(run.frame, run.measures)


def _trust(run: Run) -> Iterable[Table]:
    return trust_tables(run.frame, run.degrees, run.measures)


TABLES: tuple[Kind[Table], ...] = (
    Kind(
        "summary",
        "Against random",
        "How much, and how surely, each explainer does better than features drawn at random.",
        OfRows(summaries),
    ),
    Kind(
        "roar",
        "Most relevant removed first",
        "Accuracy that is left. A good explainer makes it fall: lower is better.",
        _curves,
    ),
    Kind(
        "kar",
        "Least relevant removed first",
        "Accuracy that is kept. A good explainer keeps it high: higher is better.",
        _curves,
    ),
    Kind("masks", "Masks alone", "Accuracy of networks that see only which features were removed.", _curves),
    Kind("diffroar", "DiffROAR", "KAR minus ROAR at the same removal fraction: higher is better.", OfRows(diff_roar)),
    Kind("fidelity", "Fidelity and interpretability", "How much accuracy stays for how much is hidden.", _curves),
    Kind(
        "operating",
        "Operating points",
        "Explainers with masks of their own, and all others at the share that these hide.",
        OfRows(operating_tables),
    ),
    Kind(
        "deletion",
        "Deletion",
        "Probability of the class as the most relevant go, not retrained.",
        OfRows(probabilities),
    ),
    Kind(
        "insertion",
        "Insertion",
        "Probability of the class as the most relevant come, not retrained.",
        OfRows(probabilities),
    ),
    Kind(
        "instruments",
        "Instruments",
        "Explainers changed in one known way, beside those they come from.",
        OfRows(instrument_tables),
    ),
    Kind("attributions", "Attributions by themselves", "Measures that remove and retrain nothing.", _attributions),
    Kind(
        "notes",
        "Notes of explainers",
        "What explainers with masks of their own note of their training.",
        OfRows(note_tables),
    ),
    Kind(
        "consistency",
        "Consistency",
        "Whether ways of measuring put explainers in the same order.",
        OfRows(consistency_tables),
    ),
    Kind("trust", "Trust", "Whether measures recover a known order of explainers.", _trust),
    Kind("friedman", "Over data sets", "Mean ranks, and Friedman's test.", OfRows(ranks)),
    Kind(
        "reference",
        "Published table",
        "The same explainers in Hooker et al. 2019.",
        OfRows(reference_tables),
        asked=True,
    ),
    Kind("claims", "Published claims", "What the paper says, judged by this run.", OfRows(claim_tables), asked=True),
)
