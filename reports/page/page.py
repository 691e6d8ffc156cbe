"""One HTML page with all that a run's store says; it needs nothing beside itself."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmark.adaptive import rule
from reports.drawing import Caption
from reports.load import Run, curves, drawable
from reports.page import chart
from reports.page.answer import answers
from reports.page.asked import AIM, protocol, question
from reports.page.chart import panels, series
from reports.page.figures import figures
from reports.page.kinds import kinds
from reports.page.methods import methods
from reports.page.provenance import facts, specification, toml
from reports.page.validity import checks
from reports.seeds import covers
from reports.table import Table, corrected

FOLDER = "report"
FILE = "index.html"


def page(run: Run, tables: Sequence[Table], pictures: Sequence[Caption]) -> str:
    """The page of a run.

    Args:
        tables: all that the report has.
        pictures: their files lie in the folder of the report already.
    """
    joined, drawn, there = curves(run.frame), series(run.frame), set(drawable(run.frame).explainer)
    figures_shown, galleries = figures(run.folder / FOLDER, pictures)
    environment = Environment(
        loader=PackageLoader("reports.page"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["glued"] = glued
    return environment.get_template("page.html.j2").render(
        aim=AIM, question=question(joined), protocol=protocol(run.frame, run.costs), answers=answers(joined),
        series=[one for one in drawn if one.explainer in there], panels=panels(joined, drawn),
        covered=covers(joined), chart=chart, kinds=kinds(tables),
        corrected=corrected(tables), figures=figures_shown, galleries=galleries,
        methods=methods(run.frame, run.cards, drawn), described=bool(run.cards),
        checks=checks(run.frame, joined, tables, rule(run.matrix), run.num_strangers),
        facts=facts(run.costs), matrix=toml(run.matrix), specification=specification(run.matrix),
    )  # fmt: skip


def glued(text: str) -> str:
    """Text in which numbers never part from their signs at the end of a line."""
    for sign in (" ± ", " %", " = "):
        text = text.replace(sign, sign.replace(" ", "\N{NO-BREAK SPACE}"))
    return text
