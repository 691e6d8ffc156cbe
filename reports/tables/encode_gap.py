"""The encode gap: what networks that know masks say of the class beyond networks that cannot read them (STRIPE-X)."""

import pandas as pd

from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import settings, slug, title
from roarbench.reports.rows.style import label, plain
from roarbench.reports.tables.lines import Columns, Lines
from roarbench.reports.tables.summary import reference_of
from roarbench.reports.tables.table import Table, by_fraction, by_seed, table

ON = ["dataset", "classifier", "unit", "magnitude", "target", "fill", "order", "explainer", "seed", "removal_fraction"]
CAPTION = "Encode gap in nats, least relevant removed first, at removal fraction t"
HOW = (
    "Encode gap (after STRIPE-X: Puli et al. 2024, arXiv:2411.02664): difference in the mean log-likelihood of the "
    "label. It is that of networks that know the masks (KAR), minus that of {others}, which cannot read them. Both "
    "see the same test images."
)
OTHERS = {"evaluator": "the shared evaluator", "foreign": "networks retrained behind masks of other images"}
LESS = (
    "The two also differ in their training. So the gap of {random} at the same t and seed is subtracted; its mean is "
    "{raw:.2f} nats."
)
DIRECTION = (
    "Positive: the mask carries information about the class beyond the pixels that it shows. Then KAR is too high, "
    "which casts doubt on explainers that are better there."
)


def encode_gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of networks that cannot read masks, beside which networks were retrained, with the column `encode_gap`."""
    cells = frame[frame.explainer.notna() & (frame.status == "done") & (frame.order == "lerf") & ~frame.recursive]
    retrained = cells[(cells.probe == "image") & cells.retrain.astype(bool)][[*ON, "test_loss"]]
    both = cells[cells.probe.isin(OTHERS)].merge(retrained, on=ON, suffixes=("", "_retrained"))
    return both.assign(encode_gap=both.test_loss - both.test_loss_retrained)


def encode_gap_tables(frame: pd.DataFrame) -> list[Table]:
    """A table for every setting of networks that cannot read masks, beside which networks were retrained.

    None where random is the only explainer: its gap is what is subtracted.
    """
    joined = curves(frame)
    parts = [part for part in settings(encode_gaps(frame)) if {*part.explainer} != {reference_of(part)}]
    return [_table(part, f"encode_gap{slug(part, joined)}") for part in parts]


def _table(part: pd.DataFrame, name: str) -> Table:
    reference = reference_of(part) if part.probe.iloc[0] == "evaluator" else None
    shown = beyond(part, reference) if reference else part
    values = {f"t={t:.10g}": by_seed(at, "encode_gap") for t, at in by_fraction(shown)}
    made = table(name, f"{CAPTION}. {title(part)}.", Lines(shown), Columns(values, plain))
    made = made.noted(HOW.format(others=OTHERS[part.probe.iloc[0]]))
    if reference:
        raw = part[part.explainer == reference].encode_gap.mean()
        made = made.noted(LESS.format(random=label(reference), raw=raw))
    return made.noted(DIRECTION)


def beyond(part: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Gaps less those of a reference at the same fraction and seed; the reference itself is left out."""
    on = ["removal_fraction", "seed"]
    level = part[part.explainer == reference].set_index(on).encode_gap
    others = part[part.explainer != reference]
    less = level.reindex(pd.MultiIndex.from_frame(others[on])).to_numpy()
    return others.assign(encode_gap=others.encode_gap - less)
