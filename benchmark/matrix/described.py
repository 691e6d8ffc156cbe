"""What a plug-in of the tables says of itself, its docstring and its data, read without importing it."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

from roarbench.benchmark.matrix.facts import MEASURE
from roarbench.benchmark.matrix.plugins import TABLES

PARTS = {"paper": "Paper:", "differs": "Differs from the paper:", "misleads": "Misleads:"}
HEADINGS = re.compile(r"\n(?=Paper:|Differs from the paper:|Misleads:|Attributes:|Args:|\n)")

Facts = dict[str, Any]


def summary(kind: str, name: str) -> str:
    """The first paragraph of the docstring of a plug-in."""
    return said(docstring(kind, name))["summary"]


@cache
def measure(name: str) -> Facts:
    """All that a measure of the table says of itself: the parts of its docstring, and `MEASURE`."""
    literals = {
        target.id: ast.literal_eval(statement.value)
        for statement in _definition("measure", name).body
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


def line(text: str) -> str:
    """Text on one line."""
    return " ".join(text.split())


def _after(heading: str, blocks: list[str]) -> str:
    return next((line(block.removeprefix(heading)) for block in blocks if block.startswith(heading)), "")


def docstring(kind: str, name: str) -> str:
    return ast.get_docstring(_definition(kind, name)) or ""


def _definition(kind: str, name: str) -> ast.ClassDef | ast.FunctionDef:
    module, attribute = TABLES[kind][name].split(":")
    file = importlib.util.find_spec(module).origin  # type: ignore[union-attr]
    tree = ast.parse(Path(file).read_bytes())  # type: ignore[arg-type]
    matches = (
        node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == attribute
    )
    return next(matches)
