"""Mean log-likelihood of the label by the shared evaluator: EVAL-X as published."""

from dataclasses import replace

import pandas as pd

from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import images, title
from roarbench.reports.rows.style import BETTER, ORDERS, Form
from roarbench.reports.tables.curves import what
from roarbench.reports.tables.lines import Columns, Lines
from roarbench.reports.tables.table import Table, by_fraction, by_seed, table

nats = Form(scale=1, decimals=2, high=0.0)
"""Of log-likelihoods, in nats."""


def likelihood_tables(frame: pd.DataFrame) -> list[Table]:
    """A table for every setting of a shared evaluator, and order."""
    parts = images(curves(frame))
    return [_table(rows, order, ending) for rows, order, ending in parts if rows.probe.iloc[0] == "evaluator"]


def _table(rows: pd.DataFrame, order: str, ending: str) -> Table:
    likely = rows.assign(log_likelihood=-rows.test_loss)
    values = {f"t={t:.10g}": by_seed(at, "log_likelihood") for t, at in by_fraction(likely) if 0 < t < 1}
    caption = f"{what(rows, order)}. Mean log-likelihood of the label in nats at removal fraction t. {title(rows)}."
    columns = Columns(values, nats, dict.fromkeys(values, BETTER[order]))
    made = table(f"likelihood-{ORDERS[order].lower()}{ending}", caption, Lines(rows), columns)
    return replace(made, printed=False)
