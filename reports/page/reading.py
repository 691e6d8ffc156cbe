"""How to read the tables: notes that many of them share are told once, and each table keeps what is its own."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roarbench.reports.rows.style import listed
from roarbench.reports.tables.table import Table

SHARED = 3
"""A note of so many tables is told once for all; a long one already where two say it."""
LONG = 240
"""Characters of a long note."""

LONGEST, FIRST_WORDS = 30, 4
"""Characters of a head that serves as the name of its note, and words of its beginning that serve otherwise."""

HEAD = re.compile(r"[^:,(.]+")
HANGING = re.compile(r"( (?:of|the|is|are|in|over|for))+$")
"""Words that no name ends with."""

GAPS = re.compile(r"(?P<names>[^:]+): [\d,]+ cells? (?:skipped|failed|to do)\b.*", re.DOTALL)


@dataclass(frozen=True)
class Note:
    """What several tables say below.

    Attributes:
        anchor: where the page tells it.
        name: its head, in few words.
        everywhere: whether all tables say it.
    """

    anchor: str
    name: str
    text: str
    everywhere: bool


def shared(tables: Sequence[Table]) -> dict[str, Note]:
    """The notes that many tables share, those of most tables first."""
    counts = Counter(note for table in tables for note in dict.fromkeys(table.notes) if not GAPS.fullmatch(note))
    common = [(note, n) for note, n in counts.most_common() if n >= SHARED or (n > 1 and len(note) >= LONG)]
    return {
        note: Note(f"note-{number}", _name(note), _body(note), count == len(tables))
        for number, (note, count) in enumerate(common, start=1)
    }


def own(notes: Sequence[str], common: Mapping[str, Note]) -> list[str]:
    """The notes of a table that it does not share with many, without its gaps."""
    return [note for note in notes if note not in common and not GAPS.fullmatch(note)]


def linked(notes: Sequence[str], common: Mapping[str, Note]) -> list[Note]:
    """The shared notes of a table, without those that hold for all tables."""
    return [common[note] for note in dict.fromkeys(notes) if note in common and not common[note].everywhere]


def gaps(notes: Sequence[str]) -> str:
    """The explainers with cells that were not measured, as a list; empty where there are none."""
    found = [match["names"] for note in notes if (match := GAPS.fullmatch(note))]
    return listed([name for names in found for name in names.split(", ")])


def _name(note: str) -> str:
    head = HEAD.match(note)
    if head and len(head[0].strip()) <= LONGEST:
        return head[0].strip()
    return HANGING.sub("", " ".join(note.split()[:FIRST_WORDS])) + "…"


def _body(note: str) -> str:
    """What follows the name of a note; all of it where the name is only its beginning."""
    head, colon, rest = note.partition(": ")
    return rest[0].upper() + rest[1:] if colon and len(head) <= LONGEST else note
