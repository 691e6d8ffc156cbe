"""What a plug-in says of itself: the parts of its docstring, kept beside the results that it gave."""

import inspect
from collections.abc import Callable, Collection

from roarbench.benchmark.matrix.described import meanings, said
from roarbench.benchmark.matrix.facts import MEASURE
from roarbench.benchmark.matrix.plugins import METHODS, build
from roarbench.benchmark.matrix.spec import Cell, PlugIn
from roarbench.benchmark.results.store import Card


def card(identity: PlugIn, kind: str) -> Card:
    """The card of a plug-in; parts that its docstring lacks are empty. That of a measure holds its data, too."""
    target = build(identity, kind)
    doc = _docstring(type(target) if kind in METHODS else target.func)
    data = {name: getattr(target, name, value) for name, value in MEASURE.items()} if kind == "measure" else {}
    parameters = {name: value.text if isinstance(value, PlugIn) else str(value) for name, value in identity.parameters}
    return {**said(doc), "parameters": parameters, "meanings": meanings(doc), **data}


def cards(cells: Collection[Cell]) -> dict[str, dict[str, Card]]:
    """Kind -> name as written -> card, of all explainers, fills and measures of some cells."""
    fills = {cell.fill for cell in cells if cell.fill}
    explainers = {cell.ranking.explainer for cell in cells if cell.ranking}
    plugins = {"explainer": explainers, "fill": fills, "measure": {cell.measure for cell in cells if cell.measure}}
    return {kind: {plugin.text: card(plugin, kind) for plugin in ones} for kind, ones in plugins.items()}


def _docstring(target: type | Callable) -> str:
    """What was written; a dataclass without a docstring gets its signature for one."""
    doc = inspect.getdoc(target) or ""
    return "" if doc.startswith(f"{target.__name__}(") else doc
