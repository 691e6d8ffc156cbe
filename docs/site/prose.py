"""Markdown that several generated pages share: tables, links to papers, and texts that move to another folder."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

PAPERS = ((r"arXiv:(\d{4}\.\d{4,5})", "https://arxiv.org/abs/"), (r"doi:(10\.\d+/[\w./()-]*[\w)])", "https://doi.org/"))
"""Identifiers of papers, and where they are found."""

UP = "../../"
"""From a generated page to the folder of the documents."""


def linked(text: str) -> str:
    """Text whose identifiers of papers are links.

    >>> linked("eq. 1 of arXiv:1806.10758.")
    'eq. 1 of [arXiv:1806.10758](https://arxiv.org/abs/1806.10758).'
    """
    for pattern, site in PAPERS:
        text = re.sub(pattern, lambda found, site=site: f"[{found[0]}]({site}{found[1]})", text)
    return text


def literal(text: str) -> str:
    """Plain text of a docstring as Markdown: its signs mean nothing, its code stays code.

    >>> literal("sum of a * b[i] is `x*y`")
    'sum of a \\\\* b\\\\[i\\\\] is `x*y`'
    """
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_\[\]<>\\])", r"\\\1", part) for part in parts)


def moved(markdown: str, document: str) -> str:
    """Text of a document with links that lead to the same places from a generated page."""
    markdown = re.sub(r"\]\(#", f"]({UP}{document}#", markdown)
    return re.sub(r"\]\((?!https?:|#|\.\./)", f"]({UP}", markdown)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def command(*options: str) -> str:
    """A run with some options, each on a line of its own."""
    lines = " \\\n      ".join([f"$ python run_benchmark.py run {options[0]}", *options[1:]])
    return f"```console\n{lines}\n```\n"


def keys(properties: dict[str, dict[str, Any]]) -> str:
    """A table of the keys of a JSON schema: type, default and meaning."""
    return table(
        ("name", "type", "default", "meaning"),
        ([f"`{name}`", kind(key), _default(key), literal(key["description"])] for name, key in properties.items()),
    )


def kind(key: dict[str, Any]) -> str:
    """The type of a key in words.

    >>> kind({"type": "array", "items": {"type": "number"}}), kind({"type": "string", "enum": ["a", "b"]})
    ('list of numbers', '`a` or `b`')
    """
    if "enum" in key:
        return " or ".join(f"`{word}`" for word in key["enum"])
    if "anyOf" in key:
        return " or ".join(dict.fromkeys(kind(choice) for choice in key["anyOf"]))
    names = {
        "array": "list",
        "integer": "whole number",
        "boolean": "true or false",
        "string": "text",
        "object": "table",
    }
    if key["type"] == "array":
        of = kind(key["items"])
        return f"list of {of}s" if "number" in of else f"list of {of}"
    return names.get(key["type"], key["type"])


def _default(key: dict[str, Any]) -> str:
    if "default" not in key:
        return "–"
    value = key["default"]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
