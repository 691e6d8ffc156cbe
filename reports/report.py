"""Renders a run's folder: tables, curves, all rows; from the store alone."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from roarbench.benchmark.results.adaptive import rule
from roarbench.reports.manifest import tidied
from roarbench.reports.page.page import FILE, FOLDER, page
from roarbench.reports.paper.paper import paper
from roarbench.reports.pictures.consistency import heat_maps
from roarbench.reports.pictures.cost import cost_plots
from roarbench.reports.pictures.critical_difference import diagrams
from roarbench.reports.pictures.curves import plots
from roarbench.reports.pictures.differences import difference_plots
from roarbench.reports.pictures.drawing import writing
from roarbench.reports.pictures.gallery import galleries
from roarbench.reports.pictures.leaks import leak_plots
from roarbench.reports.pictures.plane import planes
from roarbench.reports.rows.load import CLOCKED, Run, drawable, read
from roarbench.reports.rows.style import CUT
from roarbench.reports.rows.versions import versions
from roarbench.reports.tables.across import ranks
from roarbench.reports.tables.attributions import attribution_tables, note_tables
from roarbench.reports.tables.claims import claim_tables
from roarbench.reports.tables.consistency import consistency_tables
from roarbench.reports.tables.curves import diff_roar, tables
from roarbench.reports.tables.instruments import instrument_tables
from roarbench.reports.tables.leaderboard import write_leaderboard
from roarbench.reports.tables.operating import operating_tables
from roarbench.reports.tables.probability import probabilities
from roarbench.reports.tables.reference import reference_tables
from roarbench.reports.tables.summary import summaries
from roarbench.reports.tables.table import Table, corrected
from roarbench.reports.tables.trust import trust_tables
from roarbench.reports.tables.view import View, shown

DRAWN = (plots, difference_plots, planes, leak_plots, cost_plots, heat_maps, diagrams)
VIEW_FOLDER = "report-view"
VIEWED = "Written to {folder}, for only a part is shown; {report} holds the full report and was left as it is."


def report(folder: Path, *, reference: bool = False, view: View = View()) -> str:
    """Writes the report of a run, finished or not, into its folder; a view of its tables into a folder of its own.

    Args:
        reference: set the published table beside the run, and judge the paper's claims.
        view: what is shown of the tables.

    Returns:
        The tables that are read first and the paths of everything written.

    Raises:
        ValueError: the folder holds no run, or the view names what it does not have.
    """
    run = read(folder)
    made = list(_tables(run, reference=reference))
    return _whole(run, made) if view == View() else _viewed(run, made, view)


def _whole(run: Run, made: list[Table]) -> str:
    """The full report: rows, tables, leaderboard, figures, paper and page."""
    explainers = [str(name) for name in run.frame.explainer.dropna().unique()]
    out = run.folder / FOLDER
    out.mkdir(exist_ok=True)
    frame = drawable(run.frame)
    with tidied(out) as written:
        drawn = writing([*(partial(draw, frame) for draw in DRAWN), partial(galleries, run)], out, len(frame))
        written += [out / "rows.csv", out / "costs.csv"]
        run.frame.drop(columns=CLOCKED).to_csv(written[0], index=False)
        run.costs.to_csv(written[1], index=False)
        written += [path for table in made for path in table.write(out)]
        written += write_leaderboard(run, out)
        pictures = drawn()
        written += [path for picture in pictures for path in picture.paths(out)]
        written += [*paper(run, made, pictures, out, explainers), out / FILE]
        written[-1].write_text(page(run, made, pictures), encoding="utf-8")
    return _printed(made, written)


def _viewed(run: Run, made: list[Table], view: View) -> str:
    """The tables that were asked for, as they were asked for; the full report stays byte for byte."""
    chosen = shown(view, made, [str(name) for name in run.frame.explainer.dropna().unique()])
    out = run.folder / VIEW_FOLDER
    out.mkdir(exist_ok=True)
    with tidied(out) as written:
        written += [path for table in chosen for path in table.write(out)]
    return f"{_printed(chosen, written)}\n\n{VIEWED.format(folder=out, report=run.folder / FOLDER)}"


def _printed(made: list[Table], written: list[Path]) -> str:
    """The tables that are read first, or all where a view leaves none of these, and the paths of all files."""
    first = [table for table in made if table.printed] or made
    return "\n\n".join([*(table.text() for table in first), *corrected(made), "\n".join(map(str, written))])


def _tables(run: Run, *, reference: bool) -> Iterator[Table]:
    """All tables, each with what it was made with below."""
    said = {dataset: versions(run.costs, dataset) for dataset in ("", *run.frame.dataset.unique())}
    for made in _made(run, reference=reference):
        below = [*([CUT] if made.cut else []), *([said[made.dataset]] if said[made.dataset] else [])]
        yield made.noted(*below)


def _made(run: Run, *, reference: bool) -> Iterator[Table]:
    yield from tables(run.frame, rule(run.matrix))
    yield from operating_tables(run.frame)
    kinds = (
        summaries,
        instrument_tables,
        diff_roar,
        probabilities,
        attribution_tables,
        note_tables,
        consistency_tables,
        ranks,
    )
    for kind in (*kinds, *((reference_tables, claim_tables) if reference else ())):
        yield from kind(run.frame)
    yield from trust_tables(run.frame, run.degrees)
