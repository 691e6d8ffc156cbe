"""One HTML page with all that a run's store says; it needs nothing beside itself."""

from collections.abc import Callable, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from roarbench.benchmark.results.adaptive import rule
from roarbench.benchmark.results.statistics import INTERVAL
from roarbench.reports.page import chart
from roarbench.reports.page.answer import answers
from roarbench.reports.page.asked import AIM, protocol, question, unfinished
from roarbench.reports.page.chart import panels, series
from roarbench.reports.page.drilldown import drilldown
from roarbench.reports.page.figures import figures
from roarbench.reports.page.gallery import walls
from roarbench.reports.page.judged import judged_by_network
from roarbench.reports.page.leaderboard import boards
from roarbench.reports.page.methods import methods
from roarbench.reports.page.provenance import extents, facts, specification, toml
from roarbench.reports.page.reading import shared
from roarbench.reports.page.tables import sections
from roarbench.reports.page.validity import checks
from roarbench.reports.page.words import Words, hint
from roarbench.reports.pictures.drawing import Caption
from roarbench.reports.rows.glossary import glossary
from roarbench.reports.rows.load import Run, curves, drawable
from roarbench.reports.rows.seeds import covers
from roarbench.reports.tables.table import Table, corrected

FOLDER = "report"
FILE = "index.html"


def page(run: Run, tables: Sequence[Table], pictures: Callable[[], Sequence[Caption]]) -> str:
    """The page of a run.

    Args:
        tables: all that the report has.
        pictures: gives their words once their files lie in the folder of the report; asked for last.
    """
    joined, drawn = curves(run.frame), series(run.frame, run.focus.highlight)
    there, judged = set(drawable(run.frame).explainer), judged_by_network(joined)
    found, common = boards(run, judged, drawn), shared(tables)
    described = methods(run.frame, run.cards, drawn)
    exhibition = walls(run, {one.explainer: one for one in drawn})
    shown = {
        "interval": INTERVAL, "aim": AIM, "question": question(joined), "unfinished": unfinished(run.frame),
        "answers": answers(judged, run.focus), "protocol": protocol(run.frame, run.costs), "boards": found,
        "scores": drilldown(found, described), "walls": exhibition,
        "series": [one for one in drawn if one.explainer in there],
        "panels": panels(joined, drawn, run.focus.baseline), "covered": covers(joined), "chart": chart,
        "kinds": sections(tables, common), "common": [*common.values()], "corrected": corrected(tables),
        "methods": described, "described": bool(run.cards), "glossary": glossary(),
        "checks": checks(run.frame, joined, tables, rule(run.matrix), run.num_strangers),
        "facts": [*extents(run.datasets), *facts(run.costs)], "matrix": toml(run.matrix),
        "specification": specification(run.matrix),
    }  # fmt: skip
    drawings = figures(run.folder / FOLDER, pictures(), gallery=bool(exhibition))
    return _environment().get_template("page.html.j2").render(shown, drawings=drawings, words=Words(), hint=hint)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("roarbench.reports.page"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["glued"] = glued
    return environment


def glued(text: str) -> str:
    """Text in which numbers never part from their signs at the end of a line."""
    for sign in (" ± ", " %", " = "):
        text = text.replace(sign, sign.replace(" ", "\N{NO-BREAK SPACE}"))
    return text
