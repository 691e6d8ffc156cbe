"""What a report was made of: of an unchanged run it is not made again, and pictures are drawn only where they differ.

Neither pandas nor matplotlib is loaded for that. Whatever is not known to be unchanged counts as changed.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from roarbench.benchmark.matrix.source import checksum
from roarbench.benchmark.results.provenance import code, versions
from roarbench.benchmark.results.store import FILE as STORE
from roarbench.reports.manifest import intact, listed
from roarbench.reports.rows.focus import Focus

KEPT = ".made.json"
REPORT = "report"
"""Folder of the report within that of the run."""

GALLERY = "gallery"
DRAWN_BY = ("pandas", "matplotlib", "seaborn", "scikit-posthocs", "fonttools", "pillow")


@dataclass(frozen=True)
class Asked:
    """A full report that is asked for."""

    folder: Path
    reference: bool
    focus: Focus

    @cached_property
    def tools(self) -> str:
        """Checksum of the code that makes reports."""
        return _sha256([code(), versions(*DRAWN_BY)])

    @cached_property
    def pictures(self) -> str:
        """Checksum of what pictures are made of."""
        images = sorted((self.folder / GALLERY).glob("*"))
        files = {path.name: checksum(path) for path in (self.folder / STORE, *images) if path.is_file()}
        return _sha256([self.tools, files, asdict(self.focus)])

    @cached_property
    def whole(self) -> str:
        """Checksum of what the report is made of."""
        return _sha256([self.pictures, str(self.folder), self.reference])


@dataclass(frozen=True)
class Made:
    """What a folder keeps of its report.

    Attributes:
        tools, pictures, whole: checksums of what it was made of.
        captions: name, caption and alternative text of every picture.
        printed: what the report says.
        focus: fields of what its reader asked for.
    """

    tools: str = ""
    pictures: str = ""
    whole: str = ""
    captions: list[list[str]] = field(default_factory=list)
    printed: str = ""
    focus: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Earlier:
    """What an earlier report left that need not be drawn again.

    Attributes:
        captions: of all pictures, where none can have changed; empty otherwise.
        files: name -> checksum of files that are as the same code wrote them.
    """

    captions: list[list[str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


def unchanged(asked: Asked) -> str | None:
    """What a report says whose files lie there and are up to date; None where it must be made."""
    out = asked.folder / REPORT
    made = _made(out)
    if not (asked.folder / STORE).is_file() or made is None or not listed(out):
        return None
    same = listed(out) == intact(out) and made.whole == asked.whole
    return made.printed if same else None


def earlier(asked: Asked) -> Earlier:
    """What pictures of an earlier report may stay."""
    out = asked.folder / REPORT
    made = _made(out)
    if made is None or made.tools != asked.tools:
        return Earlier()
    return Earlier(made.captions if made.pictures == asked.pictures else [], intact(out))


def keep(asked: Asked, captions: Sequence[Sequence[str]], printed: str) -> None:
    """Notes what a report was made of, once it is there."""
    made = Made(
        asked.tools, asked.pictures, asked.whole, [[*words] for words in captions], printed, asdict(asked.focus)
    )
    draft = asked.folder / REPORT / f"{KEPT}.draft"
    draft.write_text(json.dumps(asdict(made)), encoding="utf-8")
    draft.replace(asked.folder / REPORT / KEPT)


def remembered(folder: Path) -> Focus:
    """What the reader of the last report of a run asked for."""
    made = _made(folder / REPORT)
    return Focus(**{name: _frozen(value) for name, value in made.focus.items()}) if made else Focus()


def _frozen(value: object) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _made(out: Path) -> Made | None:
    """What lies in a folder; None where there is nothing, or it is damaged or of another version."""
    try:
        return Made(**json.loads((out / KEPT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _sha256(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
