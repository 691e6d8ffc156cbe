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
        "Gain of each explainer over random removal, with intervals and tests.",
        OfRows(summaries),
    ),
    Kind(
        "baseline",
        "Against a baseline",
        "Difference of each explainer to one baseline: better, worse, equivalent or open, with interval and p.",
        baseline_tables,
    ),
    Kind(
        "evaluator_removed",
        "Shared evaluator, most relevant removed",
        "Remaining accuracy of one network that cannot read masks: lower is better.",
        _curves,
    ),
    Kind(
        "evaluator_kept",
        "Shared evaluator, least relevant removed",
        "Retained accuracy of one network that cannot read masks: higher is better.",
        _curves,
    ),
    Kind(
        "delta",
        "Delta",
        "Effect of an image's own mask beyond masks of other images: higher is better.",
        OfRows(delta_tables),
    ),
    Kind("foreign_roar", "Foreign-mask ROAR", "Retrained behind masks of other images: lower is better.", _curves),
    Kind("foreign_kar", "Foreign-mask KAR", "Retrained behind masks of other images: higher is better.", _curves),
    Kind(
        "roar",
        "Most relevant removed first",
        "Remaining accuracy. A good explainer makes it fall: lower is better.",
        _curves,
    ),
    Kind(
        "kar",
        "Least relevant removed first",
        "Retained accuracy. A good explainer keeps it high: higher is better.",
        _curves,
    ),
    Kind(
        "encode_gap",
        "Encode gap",
        "Information about the class that retrained networks read in masks, beyond the visible pixels.",
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
    Kind("fidelity", "Fidelity and interpretability", "Fidelity at each hidden share of features.", _curves),
    Kind(
        "operating",
        "Operating points",
        "Explainers with own masks, compared with all others at the same hidden share.",
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
        "Numbers that explainers with own masks report about their training.",
        OfRows(note_tables),
    ),
    Kind(
        "consistency",
        "Consistency",
        "Whether different ways of measuring give the same order of explainers.",
        OfRows(consistency_tables),
    ),
    Kind(
        "stability",
        "Stability of ranks",
        "Ranks of explainers by each way of measuring, and over all ways.",
        OfRows(stability_tables),
    ),
    Kind("trust", "Trust", "Test of the measures: do they recover a known order of explainers?", _trust),
    Kind(
        "pairs",
        "Every pair",
        "Differences between every two explainers.",
        OfRows(pair_tables),
    ),
    Kind("friedman", "Over data sets", "Mean ranks, and Friedman's test.", OfRows(ranks)),
    Kind(
        "reference",
        "Published table",
        "The explainers of this run in Table 2 of Hooker et al. 2019.",
        OfRows(reference_tables),
        asked=True,
    ),
    Kind("claims", "Published claims", "Claims of the paper, judged by this run.", OfRows(claim_tables), asked=True),
)
