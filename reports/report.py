"""Renders a run's folder: tables, curves, all rows; from the store alone."""

from collections.abc import Iterator
from pathlib import Path

from benchmark.adaptive import rule
from reports.across import diagrams, ranks
from reports.attributions import attribution_tables
from reports.claims import claim_tables
from reports.consistency import consistency_tables, heat_maps
from reports.instruments import instrument_tables
from reports.load import CLOCKED, Run, read
from reports.operating import operating_tables
from reports.paper import paper
from reports.plots import plots
from reports.probability import probabilities
from reports.reference import reference_tables
from reports.summary import summaries
from reports.table import Table
from reports.tables import diff_roar, tables
from reports.trust import trust_tables
from reports.versions import versions
from reports.view import View, chosen, shown

RENDERED = (
    "rows", "costs", "roar", "kar", "fidelity", "operating", "curves", "diffroar", "summary", "deletion", "insertion",
    "friedman", "critical_difference", "masks", "attributions", "consistency", "trust", "reference", "claims",
    "instruments", "paper", "references",
)  # fmt: skip


def report(folder: Path, *, reference: bool = False, view: View = View()) -> str:
    """Writes the report of a run, finished or not, into its folder.

    Args:
        reference: set the published table beside the run, and judge the paper's claims.
        view: what is shown of the tables.

    Returns:
        The tables that are read first and the paths of everything written.

    Raises:
        ValueError: the folder holds no run, or the view names what it does not have.
    """
    run = read(folder)
    explainers = [str(name) for name in run.frame.explainer.dropna().unique()]
    found = shown(view, _tables(run, reference=reference), explainers)
    out = folder / "report"
    out.mkdir(exist_ok=True)
    for stale in (path for name in RENDERED for path in out.glob(f"{name}*")):
        stale.unlink()  # a matrix that grew may have tables of other names
    written = [out / "rows.csv", out / "costs.csv"]
    run.frame.drop(columns=CLOCKED).to_csv(written[0], index=False)
    run.costs.to_csv(written[1], index=False)
    for table in found:
        written += table.write(out)
    for draw in (plots, heat_maps, diagrams):
        written += draw(run.frame, out)
    written += paper(run, found, (), out, chosen(view, explainers))
    printed = [table for table in found if table.printed] or found  # of networks that were all not retrained
    return "\n\n".join([*(table.text() for table in printed), "\n".join(map(str, written))])


def _tables(run: Run, *, reference: bool) -> Iterator[Table]:
    """All tables, each with what it was made with below."""
    for made in _made(run, reference=reference):
        said = versions(run.costs, made.dataset)
        yield made.noted(said) if said else made


def _made(run: Run, *, reference: bool) -> Iterator[Table]:
    yield from tables(run.frame, rule(run.matrix))
    yield from operating_tables(run.frame)
    kinds = (summaries, instrument_tables, diff_roar, probabilities, attribution_tables, consistency_tables, ranks)
    for kind in (*kinds, *((reference_tables, claim_tables) if reference else ())):
        yield from kind(run.frame)
    yield from trust_tables(run.frame, run.degrees)
