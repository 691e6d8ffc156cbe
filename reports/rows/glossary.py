"""The words of the project: one list for the documentation, the page of a report and the command line."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from roarbench.benchmark.matrix.presets import tomllib

FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Term:
    """A word and what it means.

    Attributes:
        name: as it is written.
        text: one or two sentences.
        short: what an abbreviation stands for; empty for other words.
        also: other spellings.
    """

    name: str
    text: str
    short: str = ""
    also: tuple[str, ...] = ()

    @property
    def tooltip(self) -> str:
        """The meaning on one line, an abbreviation written out first.

        >>> Term("ROAR", "Lower is better.", "Remove And Retrain").tooltip
        'Remove And Retrain. Lower is better.'
        """
        return f"{self.short}. {self.text}" if self.short else self.text


@cache
def glossary() -> tuple[Term, ...]:
    """All words, in alphabetical order."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    terms = (Term(**entry | {"also": tuple(entry.get("also", ()))}) for entry in table["term"])
    return tuple(sorted(terms, key=lambda term: term.name.lower()))


def term(word: str) -> Term | None:
    """The entry of a word, however its letters are written; None where the glossary lacks it."""
    spelled = {spelling.lower(): entry for entry in glossary() for spelling in (*entry.also, entry.name)}
    return spelled.get(word.lower())
