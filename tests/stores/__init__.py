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


def tables(report: Path) -> str:
    """All tables of a report as text, numbers to nine digits."""
    files = [file for file in sorted(report.glob("*.csv")) if file.name not in ("rows.csv", "costs.csv")]
    return rounded("".join(f"== {file.name}\n{file.read_text()}" for file in files))


def rounded(text: str) -> str:
    """Text whose numbers have nine digits: the last ones depend on the processor."""
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda number: f"{float(number[0]):.9g}", text)
