"""The kinds of tables, in the order in which one reads them; add yours here."""

from collections.abc import Iterable

from roarbench.benchmark.results.adaptive import rule
from roarbench.reports.kinds.kind import Kind, OfRows
from roarbench.reports.rows.load import Run
from roarbench.reports.tables.across import ranks
from roarbench.reports.tables.attributions import attribution_tables, note_tables
from roarbench.reports.tables.baseline import baseline_tables
from roarbench.reports.tables.claims import claim_tables
from roarbench.reports.tables.consistency import consistency_tables
from roarbench.reports.tables.curves import diff_roar, tables
from roarbench.reports.tables.delta import delta_tables
from roarbench.reports.tables.encode_gap import encode_gap_tables
from roarbench.reports.tables.instruments import instrument_tables
from roarbench.reports.tables.likelihood import likelihood_tables
from roarbench.reports.tables.main import main_tables
from roarbench.reports.tables.operating import operating_tables
from roarbench.reports.tables.pairs import pair_tables
from roarbench.reports.tables.probability import probabilities
from roarbench.reports.tables.reference import reference_tables
from roarbench.reports.tables.stability import stability_tables
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
        "main",
        "Main table",
        "Scores of all explainers under the foremost ways of measuring, side by side, for a paper.",
        OfRows(main_tables),
    ),
    Kind(
        "summary",
        "Against random",
        "By how much each explainer beats features drawn at random, with intervals and tests.",
        OfRows(summaries),
    ),
    Kind(
        "baseline",
        "Against a baseline",
        "By how much each explainer is better than one other, how surely, or whether it is as good.",
        baseline_tables,
    ),
    Kind(
        "evaluator_removed",
        "Shared evaluator, most relevant removed",
        "Accuracy that is left, by one network that cannot read masks: lower is better.",
        _curves,
    ),
    Kind(
        "evaluator_kept",
        "Shared evaluator, least relevant removed",
        "Accuracy that is kept, by one network that cannot read masks: higher is better.",
        _curves,
    ),
    Kind(
        "delta",
        "Delta",
        "What the mask of an image takes or leaves beyond masks of other images: higher is better.",
        OfRows(delta_tables),
    ),
    Kind("foreign_roar", "Foreign-mask ROAR", "Retrained behind masks of other images: lower is better.", _curves),
    Kind("foreign_kar", "Foreign-mask KAR", "Retrained behind masks of other images: higher is better.", _curves),
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
    Kind(
        "encode_gap",
        "Encode gap",
        "What retrained networks read in masks beyond the pixels that these show.",
        OfRows(encode_gap_tables),
    ),
    Kind(
        "likelihood",
        "Log-likelihood",
        "Mean log-likelihood of the label, by the shared evaluator.",
        OfRows(likelihood_tables),
    ),
    Kind("masks", "Masks alone", "Accuracy of networks that see only which features were removed.", _curves),
    Kind("diffroar", "DiffROAR", "KAR minus ROAR at the same removal fraction: higher is better.", OfRows(diff_roar)),
    Kind("fidelity", "Fidelity and interpretability", "Accuracy that is kept for the share that is hidden.", _curves),
    Kind(
        "operating",
        "Operating points",
        "Explainers with own masks, and all others at the share that these masks hide.",
        OfRows(operating_tables),
    ),
    Kind(
        "deletion",
        "Deletion",
        "Probability of the class as the most relevant features are removed, not retrained.",
        OfRows(probabilities),
    ),
    Kind(
        "insertion",
        "Insertion",
        "Probability of the class as the most relevant features are shown, not retrained.",
        OfRows(probabilities),
    ),
    Kind(
        "instruments",
        "Instruments",
        "Sanity checks: explainers changed in one known way, beside their bases.",
        OfRows(instrument_tables),
    ),
    Kind("attributions", "Attributions by themselves", "Measures that remove and retrain nothing.", _attributions),
    Kind(
        "notes",
        "Notes of explainers",
        "Numbers that explainers with own masks yield about their training.",
        OfRows(note_tables),
    ),
    Kind(
        "consistency",
        "Consistency",
        "Whether ways of measuring put explainers in the same order.",
        OfRows(consistency_tables),
    ),
    Kind("stability", "Stability of ranks", "Ranks by each way of measuring, and of all.", OfRows(stability_tables)),
    Kind("trust", "Trust", "Whether measures recover a known order of explainers.", _trust),
    Kind(
        "pairs",
        "Every pair",
        "By how much each explainer is better than each other.",
        OfRows(pair_tables),
    ),
    Kind("friedman", "Over data sets", "Mean ranks, and Friedman's test.", OfRows(ranks)),
    Kind(
        "reference",
        "Published table",
        "The same explainers in Hooker et al. 2019.",
        OfRows(reference_tables),
        asked=True,
    ),
    Kind("claims", "Published claims", "Claims of the paper, judged by this run.", OfRows(claim_tables), asked=True),
)
