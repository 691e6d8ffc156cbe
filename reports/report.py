"""Renders a run's folder: tables, curves, all rows; from the store alone."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmark.adaptive import Rule, rule
from reports.across import diagrams, ranks
from reports.attributions import attribution_tables
from reports.claims import claim_tables
from reports.consistency import consistency_tables, heat_maps
from reports.cost import cost_plots
from reports.differences import difference_plots
from reports.drawing import writing
from reports.gallery import galleries
from reports.instruments import instrument_tables
from reports.leaderboard import write_leaderboard
from reports.leaks import leak_plots
from reports.load import CLOCKED, read
from reports.operating import operating_tables
from reports.page.page import FILE, page
from reports.plane import planes
from reports.plots import plots
from reports.probability import probabilities
from reports.reference import reference_tables
from reports.summary import summaries
from reports.table import Table
from reports.tables import diff_roar, tables
from reports.trust import trust_tables

RENDERED = (
    "rows", "costs", "roar", "kar", "fidelity", "operating", "curves", "diffroar", "summary", "deletion", "insertion",
    "friedman", "critical_difference", "masks", "attributions", "consistency", "trust", "reference", "claims",
    "instruments", "index", "difference", "plane", "cost_quality", "gallery", "leaderboard", "comparison",
)  # fmt: skip
DRAWN = (plots, difference_plots, planes, leak_plots, cost_plots, heat_maps, diagrams)


def report(folder: Path, *, reference: bool = False) -> str:
    """Writes the report of a run, finished or not, into its folder.

    Args:
        reference: set the published table beside the run, and judge the paper's claims.

    Returns:
        The tables that are read first and the paths of everything written.

    Raises:
        ValueError: the folder holds no run.
    """
    run = read(folder)
    out = folder / "report"
    out.mkdir(exist_ok=True)
    for stale in (path for name in RENDERED for path in out.glob(f"{name}*")):
        stale.unlink()  # a matrix that grew may have tables of other names
    written = [out / "rows.csv", out / "costs.csv"]
    run.frame.drop(columns=CLOCKED).to_csv(written[0], index=False)
    run.costs.to_csv(written[1], index=False)
    pictures = [picture for draw in DRAWN for picture in draw(run.frame)] + list(galleries(run))
    drawn = writing(pictures, out)
    found = [*_tables(run.frame, rule(run.matrix)), *trust_tables(run.frame, run.degrees)]
    found += [*reference_tables(run.frame), *claim_tables(run.frame)] if reference else []
    for table in found:
        written += table.write(out)
    written += [*write_leaderboard(run, out), *drawn(), out / FILE]
    written[-1].write_text(page(run, found, pictures), encoding="utf-8")
    shown = [table for table in found if table.printed] or found  # of networks that were all not retrained
    return "\n\n".join([*(table.text() for table in shown), "\n".join(map(str, written))])


def _tables(frame: pd.DataFrame, rule: Rule | None) -> Iterator[Table]:
    yield from tables(frame, rule)
    yield from operating_tables(frame)
    kinds = (summaries, instrument_tables, diff_roar, probabilities, attribution_tables, consistency_tables, ranks)
    for kind in kinds:
        yield from kind(frame)
