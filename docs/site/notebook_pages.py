"""Notebooks as pages: their text, code and kept outputs; nothing is executed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

FOLDER = Path(__file__).parents[1] / "tutorials"


def pages() -> dict[str, str]:
    """Path of a page -> its text."""
    return {f"tutorials/{file.stem}.md": page(file) for file in sorted(FOLDER.glob("*.ipynb"))}


def page(file: Path) -> str:
    """A notebook as Markdown, with a link to itself."""
    cells = nbformat.read(file, as_version=4).cells
    title, *others = (part for cell in cells for part in _parts(cell))
    return "\n\n".join([title, f"[Download this notebook]({file.name})", *others]) + "\n"


def _parts(cell: Any) -> Iterator[str]:
    """A cell, and each of its outputs, as Markdown."""
    if cell.cell_type == "markdown":
        yield cell.source
    elif cell.source.strip():
        yield f"```python\n{cell.source}\n```"
        yield from filter(None, map(_output, cell.outputs))


def _output(output: Any) -> str:
    """What a notebook showed, as tables and pictures where it has any, else as text."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "text/html" in data:
        shown = data["text/html"].replace('border="1" class="dataframe"', "")  # the site has a style of its own
        return f'<div class="md-typeset__scrollwrap" markdown="0">{shown}</div>'
    if "image/png" in data:
        return f'<img alt="output of the cell above" src="data:image/png;base64,{data["image/png"].strip()}">'
    return f"```text\n{data['text/plain'].rstrip()}\n```" if data.get("text/plain", "").strip() else ""
