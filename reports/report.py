"""Renders a run's folder: tables, curves, all rows; from the store alone."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmark.adaptive import rule
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
from reports.load import CLOCKED, Run, read
from reports.operating import operating_tables
from reports.page.page import FILE, page
from reports.paper import paper
from reports.plane import planes
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
    "instruments", "index", "difference", "plane", "cost_quality", "gallery", "leaderboard", "comparison", "paper",
    "references",
)  # fmt: skip
DRAWN = (plots, difference_plots, planes, leak_plots, cost_plots, heat_maps, diagrams)


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
    named = chosen(view, explainers)
    out = folder / "report"
    out.mkdir(exist_ok=True)
    drawn = writing([*(partial(draw, run.frame) for draw in DRAWN), partial(galleries, run)], out, len(run.frame))
    found = shown(view, _tables(run, reference=reference), explainers)
    written = [out / "rows.csv", out / "costs.csv"]
    run.frame.drop(columns=CLOCKED).to_csv(written[0], index=False)
    run.costs.to_csv(written[1], index=False)
    for table in found:
        written += table.write(out)
    written += write_leaderboard(run, out)
    pictures = drawn()
    written += [path for picture in pictures for path in picture.paths(out)]
    written += [*paper(run, found, pictures, out, named), out / FILE]
    written[-1].write_text(page(run, found, pictures), encoding="utf-8")
    for stale in {path for name in RENDERED for path in out.glob(f"{name}*")} - set(written):
        stale.unlink()  # a matrix that grew may have tables of other names
    printed = [table for table in found if table.printed] or found  # of networks that were all not retrained
    return "\n\n".join([*(table.text() for table in printed), "\n".join(map(str, written))])


def _tables(run: Run, *, reference: bool) -> Iterator[Table]:
    """All tables, each with what it was made with below."""
    said = {dataset: versions(run.costs, dataset) for dataset in ("", *run.frame.dataset.unique())}
    for made in _made(run, reference=reference):
        yield made.noted(said[made.dataset]) if said[made.dataset] else made


def _made(run: Run, *, reference: bool) -> Iterator[Table]:
    yield from tables(run.frame, rule(run.matrix))
    yield from operating_tables(run.frame)
    kinds = (summaries, instrument_tables, diff_roar, probabilities, attribution_tables, consistency_tables, ranks)
    for kind in (*kinds, *((reference_tables, claim_tables) if reference else ())):
        yield from kind(run.frame)
    yield from trust_tables(run.frame, run.degrees)
