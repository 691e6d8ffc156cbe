"""What a plug-in says of itself: the parts of its docstring, kept beside the results that it gave."""

import inspect
import re
from collections.abc import Collection

from roarbench.benchmark.matrix.plugins import build
from roarbench.benchmark.matrix.spec import Cell, PlugIn
from roarbench.benchmark.results.store import Card

PARTS = {"paper": "Paper:", "differs": "Differs from the paper:"}
HEADINGS = re.compile(r"\n(?=Paper:|Differs from the paper:|Attributes:|Args:|\n)")


def card(identity: PlugIn, kind: str) -> Card:
    """The card of an explainer or another plug-in; parts that its docstring lacks are empty."""
    target = build(identity, kind)
    doc = inspect.getdoc(type(target) if kind == "explainer" else target.func) or ""
    blocks = [block.strip() for block in HEADINGS.split(doc)]
    said = {name: _after(heading, blocks) for name, heading in PARTS.items()}
    parameters = {name: value.text if isinstance(value, PlugIn) else str(value) for name, value in identity.parameters}
    return {"summary": _line(blocks[0]), **said, "parameters": parameters, "meanings": _meanings(blocks)}


def cards(cells: Collection[Cell]) -> dict[str, dict[str, Card]]:
    """Kind -> name as written -> card, of all explainers and fills of some cells."""
    fills = {cell.fill for cell in cells if cell.fill}
    explainers = {cell.ranking.explainer for cell in cells if cell.ranking}
    named = {"explainer": explainers, "fill": fills}
    return {kind: {found.text: card(found, kind) for found in ones} for kind, ones in named.items()}


def _after(heading: str, blocks: list[str]) -> str:
    return next((_line(block.removeprefix(heading)) for block in blocks if block.startswith(heading)), "")


def _meanings(blocks: list[str]) -> dict[str, str]:
    """Parameter -> what it is, from the section that lists them."""
    listed = next((block for block in blocks if block.startswith(("Attributes:", "Args:"))), "")
    entries = re.split(r"\n {4}(?=\w+:)", listed)[1:]
    return {name: _line(text) for name, _, text in (entry.partition(":") for entry in entries)}


def _line(text: str) -> str:
    return " ".join(text.split())
