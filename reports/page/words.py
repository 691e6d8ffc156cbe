"""Words of the glossary in the page: explained at their first use in each section, and in headings of columns."""

import re
from functools import cache

from markupsafe import Markup

from roarbench.reports.rows.glossary import Term, glossary, term

SHORTEST = 2
"""Letters of a word that is marked in prose; shorter ones are explained in headings alone."""

EXPLAINED = Markup('<abbr title="{meaning}">{word}</abbr>')


class Words:
    """Marks words of the glossary in the prose of one page; abbreviations are written out at their first use."""

    def __init__(self) -> None:
        self._marked: set[str] = set()
        self._written_out: set[str] = set()

    def begin(self) -> str:
        """Begins a section, in which every word is marked once more."""
        self._marked.clear()
        return ""

    def __call__(self, text: str) -> Markup:
        """Text as markup, with the first use of every word explained."""
        pieces = _pattern().split(text)
        return Markup("").join(
            self._marked_word(piece, text) if i % 2 else Markup.escape(piece) for i, piece in enumerate(pieces)
        )

    def _marked_word(self, word: str, text: str) -> Markup:
        entry = term(word)
        if entry is None or entry.name in self._marked:
            return Markup.escape(word)
        self._marked.add(entry.name)
        return EXPLAINED.format(meaning=entry.tooltip, word=word) + self._in_full(entry, text)

    def _in_full(self, entry: Term, text: str) -> str:
        """What an abbreviation stands for, at its first use on the page, unless the text says so itself."""
        if not entry.short or entry.name in self._written_out:
            return ""
        self._written_out.add(entry.name)
        return "" if entry.short in text else f" ({entry.short})"


@cache
def hint(heading: str) -> str:
    """What a heading of a column means; empty where the glossary has none of its words.

    >>> hint("ROAD, most relevant first").partition(".")[0]
    'Remove And Debias'
    """
    parts = [heading, heading.partition(",")[0], *re.split(r"[\s,=\[]+", heading)]
    return next((entry.tooltip for entry in map(term, parts) if entry), "")


@cache
def _pattern() -> re.Pattern[str]:
    """All words that are marked in prose, the longest first; small ones also with a capital."""
    spelled = {word for entry in glossary() for word in (entry.name, *entry.also) if len(word) >= SHORTEST}
    both = spelled | {word[0].upper() + word[1:] for word in spelled} | {"⚑"}
    longest_first = sorted(both, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest_first))})(?![\w-])")
