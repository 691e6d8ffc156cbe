"""Renders a run's folder: tables, curves, all rows; from the store alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from roarbench.benchmark.matrix.notation import suggestion
from roarbench.reports.again import Asked, Earlier, earlier, keep, unchanged
from roarbench.reports.kinds.figures import FIGURES
from roarbench.reports.kinds.kind import Kind, made, makers, named
from roarbench.reports.kinds.tables import TABLES
from roarbench.reports.manifest import tidied
from roarbench.reports.page.page import FILE, FOLDER, page
from roarbench.reports.paper.paper import paper
from roarbench.reports.pictures.drawing import Caption, writing
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.load import CLOCKED, HITS, Run, read
from roarbench.reports.rows.names import resolved
from roarbench.reports.rows.style import CUT, called, labels
from roarbench.reports.rows.versions import versions
from roarbench.reports.tables.leaderboard import write_leaderboard
from roarbench.reports.tables.table import Table
from roarbench.reports.tables.view import View, shown
from roarbench.reports.terminal.closing import closing
from roarbench.reports.terminal.tables import printed

VIEW_FOLDER = "report-view"
ONE = 1
"""Thread of linear algebra: products of small matrices take more processor time, and no less of the clock, with two."""

VIEWED = "Written to {folder}, because only a part is shown. The full report in {report} was not changed."


def report(folder: Path, *, reference: bool = False, view: View = View(), focus: Focus = Focus()) -> str:
    """Writes the report of a run, finished or not, into its folder; a view of its tables into a folder of its own.

    Args:
        reference: set the published table beside the run, and judge the paper's claims.
        view: what is shown of the tables.
        focus: whom explainers are compared with, and how they are called.

    Returns:
        Text for `terminal.text.show`: the answer and the address of the page, or the tables of a view.

    Raises:
        ValueError: the folder holds no run, or the view names what it does not have.
    """
    asked = Asked(folder, reference, focus)
    if view == View() and (known := unchanged(asked)) is not None:
        return known
    run = read(folder)
    run = replace(run, focus=resolved(focus, _explainers(run)))
    with called(run.focus.labels), threadpool_limits(ONE):
        if view.tables:
            return printed(_named(run, view, reference=reference))
        if view != View():
            return _viewed(run, list(_tables(run, TABLES, reference=reference)), view)
        return _whole(run, asked)


def _whole(run: Run, asked: Asked) -> str:
    """The full report: rows, tables, leaderboard, figures, paper and page."""
    explainers, out = _explainers(run), run.folder / FOLDER
    out.mkdir(exist_ok=True)
    before = earlier(asked)
    with tidied(out) as written:
        drawn = _drawing(run, out, before)
        tables = list(_tables(run, TABLES, reference=asked.reference))
        written += [out / "rows.csv", out / "costs.csv"]
        run.frame.drop(columns=[*CLOCKED, HITS]).to_csv(written[0], index=False)
        run.costs.to_csv(written[1], index=False)
        written += [path for table in tables for path in table.write(out)]
        written += write_leaderboard(run, out)
        words = page(run, tables, drawn)
        pictures = drawn()
        written += [path for picture in pictures for path in picture.paths(out)]
        written += [*paper(run, tables, pictures, out, explainers), out / FILE]
        written[-1].write_text(words, encoding="utf-8")
    text = closing(run, tables, out / FILE)
    keep(asked, [astuple(picture) for picture in pictures], text)
    return text


def _drawing(run: Run, out: Path, before: Earlier) -> Callable[[], list[Caption]]:
    """Begins to draw all figures, unless those of an earlier report are there and cannot have changed."""
    captions = [Caption(*words) for words in before.captions]
    if captions and all(path.name in before.files for caption in captions for path in caption.paths(out)):
        return lambda: captions
    draws = [partial(draw, run) for draw in makers(FIGURES, asked=True)]
    return writing(draws, out, len(run.frame), before.files)


def _viewed(run: Run, tables: list[Table], view: View) -> str:
    """The tables that were asked for, as they were asked for; the full report stays byte for byte."""
    chosen = shown(view, tables, _explainers(run))
    out = run.folder / VIEW_FOLDER
    out.mkdir(exist_ok=True)
    with tidied(out) as written:
        written += [path for table in chosen for path in table.write(out)]
    first = [table for table in chosen if table.printed] or chosen
    return f"{printed(first)}\n\n{VIEWED.format(folder=out, report=run.folder / FOLDER)}"


def _named(run: Run, view: View, *, reference: bool) -> list[Table]:
    """The tables of some names, or of kinds of these names, as they were asked for.

    Raises:
        ValueError: the run has no table of a name.
    """
    kinds = [kind for kind in TABLES if kind.name in map(named, view.tables)]
    tables = list(_tables(run, kinds, reference=reference))
    for word in view.tables:
        if not any(word in (table.name, named(table.name)) for table in tables):
            names = [table.name for table in tables] + [kind.name for kind in TABLES]
            raise ValueError(f"print must be names of tables of this run, got {word!r}{suggestion(word, names)}")
    exact = {table.name for table in tables}
    kinds_asked = {word for word in view.tables if word not in exact}
    chosen = [table for table in tables if table.name in view.tables or named(table.name) in kinds_asked]
    return shown(view, chosen, _explainers(run))


def _tables(run: Run, kinds: Sequence[Kind[Table]], *, reference: bool) -> Iterator[Table]:
    """All tables of some kinds, each with what it was made with below."""
    shown = dict(zip(_explainers(run), labels(_explainers(run)), strict=True))
    highlighted = frozenset(shown[e] for e in run.focus.highlight)
    said = {dataset: versions(run.costs, dataset) for dataset in ("", *run.frame.dataset.unique())}
    for table in made(kinds, run, asked=reference):
        below = [*([CUT] if table.cut else []), *([said[table.dataset]] if said[table.dataset] else [])]
        yield replace(table, highlighted=highlighted).noted(*below)


def _explainers(run: Run) -> list[str]:
    """All of a run, as written."""
    return [str(name) for name in run.frame.explainer.dropna().unique()]
