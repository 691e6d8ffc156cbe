"""The code blocks of documents: files, Python and commands, in the order in which a reader meets them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.imports import PROJECT

TRIED = [PROJECT / "README.md", *(PROJECT / "docs" / name for name in ("index.md", "get-started.md"))]
TRIED += sorted((PROJECT / "docs" / "how-to").glob("*.md"))
"""Documents all of whose code runs, or says why not."""

BLOCK = re.compile(r"^```(?P<kind>python|console)(?P<title>[^\n]*)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE)
REASON = re.compile(r"<!-- not run: (.+?) -->")
FILE = re.compile(r'title="(\w+\.py)"|[Hh]ere (?:is )?`(\w+\.py)`')
SET_UP = ("python3 -m venv", "pip install", "conda ", "docker ", "make ", "git clone", "python -m roarbench")
"""Commands that prepare a machine, or that other tests run."""
PROGRAMS = ("python run_benchmark.py ", "roarbench ")
"""How this program is called, in a checkout and once it is installed."""


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        kind: "python" or "console".
        code: what it holds.
        file: where Python is kept, if it is a file.
        reason: why it is not run; empty where it is.
    """

    kind: str
    code: str
    file: str = ""
    reason: str = ""

    @property
    def commands(self) -> list[list[str]]:
        """Words of the commands of this program; those that set up a machine are left out."""
        lines = re.findall(r"^\$ (.+)$", self.code.replace("\\\n", " "), re.MULTILINE)
        calls = [line.removeprefix(program) for line in lines for program in PROGRAMS if line.startswith(program)]
        return [shlex.split(call, comments=True) for call in calls]

    @property
    def others(self) -> list[str]:
        """Commands of other programs that set up no machine."""
        lines = re.findall(r"^\$ (.+)$", self.code, re.MULTILINE)
        return [line for line in lines if not line.startswith((*PROGRAMS, *SET_UP))]


def blocks(document: Path) -> Iterator[Block]:
    """The blocks of a document. The title of a block names its file, or the paragraph before it: "Here is `my.py`"."""
    text = document.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        before = text[: found.start()].rstrip().rpartition("\n\n")[2]
        reason, named = REASON.search(before), FILE.search(f"{before} {found['title']}")
        file = (named[1] or named[2]) if named and found["kind"] == "python" else ""
        yield Block(found["kind"], found["code"], file, reason[1] if reason else "")
