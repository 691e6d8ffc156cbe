"""What a plug-in of the tables says of itself, its docstring and its data, read without importing it."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

from roarbench.benchmark.matrix.facts import MEASURE
from roarbench.benchmark.matrix.plugins import TABLES

PARTS = {"paper": "Paper:", "differs": "Differs from the paper:", "cost": "Cost:", "misleads": "Misleads:"}
HEADINGS = re.compile(r"\n(?=Paper:|Differs from the paper:|Cost:|Misleads:|Attributes:|Args:|\n)")

Facts = dict[str, Any]


def summary(kind: str, name: str) -> str:
    """The first paragraph of the docstring of a plug-in."""
    return said(docstring(kind, name))["summary"]


def docstring(kind: str, name: str) -> str:
    """The docstring of a plug-in."""
    return ast.get_docstring(definition(kind, name)) or ""


def facts(kind: str, name: str) -> Facts:
    """All that a plug-in says of itself: the parts of its docstring, and of a measure `MEASURE`."""
    return measure(name) if kind == "measure" else said(docstring(kind, name))


@cache
def measure(name: str) -> Facts:
    """All that a measure of the table says of itself: the parts of its docstring, and `MEASURE`."""
    literals = {
        target.id: ast.literal_eval(statement.value)
        for statement in definition("measure", name).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id in MEASURE
    }
    return said(docstring("measure", name)) | MEASURE | literals


def said(docstring: str) -> dict[str, str]:
    """The summary of a docstring and its parts, each on one line; empty where it lacks them."""
    blocks = [block.strip() for block in HEADINGS.split(docstring)]
    parts = {part: _after(heading, blocks) for part, heading in PARTS.items()}
    return {"summary": line(blocks[0]), **parts}


def meanings(docstring: str) -> dict[str, str]:
    """Parameter -> its meaning, from the section of a docstring that lists them.

    >>> meanings("Blurs.\\n\\nArgs:\\n    size: side of the window.\\n    seed: of the noise,\\n        if any.")
    {'size': 'side of the window.', 'seed': 'of the noise, if any.'}
    """
    blocks = [block.strip() for block in HEADINGS.split(docstring)]
    section = next((block for block in blocks if block.startswith(("Attributes:", "Args:"))), "")
    entries = re.split(r"\n {4}(?=\w+:)", section)[1:]
    return {name: line(text) for name, _, text in (entry.partition(":") for entry in entries)}


def line(text: str) -> str:
    """Text on one line."""
    return " ".join(text.split())


def _after(heading: str, blocks: list[str]) -> str:
    return next((line(block.removeprefix(heading)) for block in blocks if block.startswith(heading)), "")


def definition(kind: str, name: str) -> ast.ClassDef | ast.FunctionDef:
    """The class or function of a plug-in of the tables."""
    attribute = TABLES[kind][name].partition(":")[2]
    kinds = ast.ClassDef | ast.FunctionDef
    return next(node for node in _module(kind, name).body if isinstance(node, kinds) and node.name == attribute)


def siblings(kind: str, name: str) -> dict[str, ast.ClassDef]:
    """All classes of the module of a plug-in by name."""
    return {node.name: node for node in _module(kind, name).body if isinstance(node, ast.ClassDef)}


def _module(kind: str, name: str) -> ast.Module:
    file = importlib.util.find_spec(TABLES[kind][name].partition(":")[0]).origin  # type: ignore[union-attr]
    return ast.parse(Path(file).read_bytes())  # type: ignore[arg-type]
