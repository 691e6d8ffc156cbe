"""Renders a run's folder: tables, curves, all rows; from the store alone."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmark.adaptive import Rule
from reports.across import diagrams, ranks
from reports.load import costs, load
from reports.operating import operating_tables
from reports.plots import plots
from reports.probability import probabilities
from reports.seeds import rule_of
from reports.summary import summaries
from reports.table import Table
from reports.tables import diff_roar, tables

RENDERED = (
    "rows", "costs", "roar", "kar", "fidelity", "operating", "curves", "diffroar", "summary", "deletion", "insertion",
    "friedman", "critical_difference",
)  # fmt: skip


def report(folder: Path) -> str:
    """Writes the report of a run, finished or not, into its folder.

    Returns:
        The ROAR and KAR tables, their summaries and the paths of everything written.

    Raises:
        ValueError: the folder holds no run.
    """
    frame = load(folder)
    out = folder / "report"
    out.mkdir(exist_ok=True)
    for stale in (path for name in RENDERED for path in out.glob(f"{name}*")):
        stale.unlink()  # a matrix that grew may have tables of other names
    written = [out / "rows.csv", out / "costs.csv"]
    frame.to_csv(written[0], index=False)
    costs(folder).to_csv(written[1], index=False)
    found = list(_tables(frame, rule_of(folder)))
    for table in found:
        written += table.write(out)
    written += [*plots(frame, out), *diagrams(frame, out)]
    shown = [table for table in found if table.printed] or found  # of networks that were all not retrained
    return "\n\n".join([*(table.text() for table in shown), "\n".join(map(str, written))])


def _tables(frame: pd.DataFrame, rule: Rule | None) -> Iterator[Table]:
    yield from tables(frame, rule)
    yield from operating_tables(frame)
    for kind in (summaries, diff_roar, probabilities, ranks):
        yield from kind(frame)
