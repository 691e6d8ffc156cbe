"""Stores written before this code was: their tables are those of then, and their matrices are finished."""

import lzma
import re
from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = ("squares", "rows")


def unpack(name: str, folder: Path) -> Path:
    """A copy of a store in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.sqlite").write_bytes(lzma.decompress((FOLDER / name / "results.sqlite.xz").read_bytes()))
    return folder


def tables(report: Path, earlier: str) -> str:
    """The tables that an earlier report had, as text, numbers to nine digits; new kinds may stand beside them."""
    files = re.findall(r"^== (.+)$", earlier, re.MULTILINE)
    return rounded("".join(f"== {name}\n{(report / name).read_text()}" for name in files))


def rounded(text: str) -> str:
    """Text whose numbers have nine digits: the last ones depend on the processor."""
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda number: f"{float(number[0]):.9g}", text)
