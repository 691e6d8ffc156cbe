"""What explainers cite: BibTeX entries by the identifiers in their own words."""

import hashlib
import re
from functools import cache
from pathlib import Path

from roarbench.reports.tables.latex import escape

FILE = Path(__file__).parent / "methods.bib"
IDENTIFIER = re.compile(r"arXiv:(\d{4}\.\d{4,5})|doi:([^\s,;]+)")
FIELD = re.compile(r"^\s*(?:eprint|doi) = \{(.+)\},$", re.MULTILINE)
NONE = "none"
"""How an explainer begins that cites nobody."""


def citations(paper: str) -> dict[str, str]:
    """Key -> BibTeX entry of what a text cites.

    Where it names something that `methods.bib` does not hold, the text itself is an entry.

    >>> list(citations("Sundararajan, Taly, Yan 2017, arXiv:1703.01365, eq. 3"))
    ['sundararajan2017axiomatic']
    >>> citations("none; |x - mean|")
    {}
    """
    if not paper or paper.startswith(NONE):
        return {}
    named = identifiers(paper)
    entries = {key: entry for one in named if one in _known() for key, entry in [_known()[one]]}
    return entries if entries and len(entries) == len(named) else entries | _described(paper)


def identifiers(text: str) -> list[str]:
    """Numbers of arXiv and DOIs, in order, each once."""
    return list(dict.fromkeys(arxiv or doi.rstrip(".)") for arxiv, doi in IDENTIFIER.findall(text)))


@cache
def _known() -> dict[str, tuple[str, str]]:
    """Identifier -> key and entry."""
    entries = FILE.read_text(encoding="utf-8").strip().split("\n\n")
    return {
        identifier: (entry.partition("{")[2].partition(",")[0], entry)
        for entry in entries
        for identifier in FIELD.findall(entry)
    }


def _described(paper: str) -> dict[str, str]:
    key = f"described-{hashlib.sha256(paper.encode()).hexdigest()[:8]}"
    return {key: f"@misc{{{key},\n  key = {{{escape(paper)}}},\n  note = {{{escape(paper)}}},\n}}"}
