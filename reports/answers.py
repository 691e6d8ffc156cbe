"""What a run says when it has come to its end, kept to be said again at once while nothing changes that it is made of.

Neither a plug-in nor a report is loaded for that. Whatever is not known to be the same counts as changed.
"""

import hashlib
import json
import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from roarbench.benchmark.matrix.contents import contents, own_code, parts
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.source import checksum, fingerprint
from roarbench.benchmark.matrix.spec import PlugIn
from roarbench.benchmark.results.provenance import code, versions
from roarbench.benchmark.results.store import FILE as STORE
from roarbench.reports.again import DRAWN_BY, REPORT
from roarbench.reports.manifest import MANIFEST
from roarbench.reports.rows.focus import Focus
from roarbench.reports.status import failures, skips

FILE = "answer.json"
MOST_SKIPS = 6
"""Reasons to skip cells that are written out at the end of a run."""


@dataclass(frozen=True)
class Answer:
    """What is printed at the end of a run.

    Attributes:
        report: its tables and the paths of its files.
        summary: lines about its cells, and what failed in them.
        status: exit status, 1 where cells failed.
    """

    report: str
    summary: list[str]
    status: int


@dataclass(frozen=True)
class Question:
    """What was asked for: equal questions of an unchanged folder have the same answer."""

    folder: Path
    matrix: Matrix
    focus: Focus
    device: str

    def checksum(self) -> str:
        """Of the question, and of the code that answers it."""
        asked = [str(self.folder), asdict(self.matrix), asdict(self.focus), self.device]
        return _sha256(json.dumps([asked, versions(*DRAWN_BY), code()]))


def answer(question: Question, counts: Counter[str]) -> Answer:
    """Writes the report of a run that has come to its end, and tells what became of its cells."""
    from roarbench.reports.report import report

    folder = question.folder
    printed = report(folder, focus=question.focus)
    summary = ", ".join(f"{number} {status}" for status, number in counts.items()) + f" of {counts.total()} cells"
    lines = [summary, *failures(folder), *_few(skips(folder))]
    if counts["failed"]:
        show = f"roarbench status --failures --out {shlex.quote(str(folder))}"
        lines.append(f"tracebacks: {show}; after mending the cause, run again with --retry-failed")
    return Answer(printed, lines, 1 if counts["failed"] else 0)


def _few(lines: list[str]) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - MOST_SKIPS
    return [*lines[:MOST_SKIPS], *([f"and {more} more reasons to skip cells: see the page"] if more > 0 else [])]


def keep(question: Question, given: Answer, plugins: Iterable[PlugIn]) -> None:
    """Keeps an answer in the folder of the run, with checksums of all that it is made of.

    Without a report there is nothing to keep.

    Args:
        plugins: of the matrix; code and files of the user's own may be among what they are made of.
    """
    if not (question.folder / REPORT / MANIFEST).is_file():
        return
    every = [part for plugin in plugins for part in parts(plugin)]
    kept = {
        "question": question.checksum(),
        "code": {part.name: part.source for part in every if ":" in part.name},
        "files": {file: checksum for part in every for file, checksum in contents(part).items()},
        "folder": _of_folder(question.folder),
        "answer": asdict(given),
    }
    draft = question.folder / f"{FILE}.draft"
    draft.write_text(json.dumps(kept), encoding="utf-8")
    draft.replace(question.folder / FILE)


def recall(question: Question) -> Answer | None:
    """The answer that was kept for a question; None where there is none, or anything has changed."""
    kept = _kept(question.folder)
    same = (
        kept
        and kept["question"] == question.checksum()
        and all(source and own_code(name) == source for name, source in kept["code"].items())
        and all(_holds(Path(file), content) for file, content in kept["files"].items())
        and kept["folder"] == _of_folder(question.folder)
    )
    return Answer(**kept["answer"]) if same else None


def _kept(folder: Path) -> dict:
    """What lies in a folder; nothing where that is damaged."""
    try:
        return json.loads((folder / FILE).read_text(encoding="utf-8")) if (folder / STORE).is_file() else {}
    except (OSError, ValueError):
        return {}


def _of_folder(folder: Path) -> list[str]:
    """Checksums of the store and of the list of what the report wrote, and what of that is gone since."""
    manifest = folder / REPORT / MANIFEST
    if not manifest.is_file():
        return [MANIFEST]
    names = [line.split("  ", 1)[1] for line in manifest.read_text(encoding="utf-8").splitlines()]
    gone = [name for name in names if not (folder / REPORT / name).is_file()]
    return [checksum(folder / STORE), checksum(manifest), *gone]


def _holds(path: Path, content: str) -> bool:
    """Whether there still is at a path what was there; large folders of images go by names and sizes."""
    return path.exists() and any(fingerprint(path, images=images) == content for images in (True, False))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
