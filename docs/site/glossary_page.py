"""The page of the glossary."""

import prose

from roarbench.reports.rows.glossary import Term, glossary


def page() -> str:
    """All words in alphabetical order, each with an anchor."""
    intro = "The words of documentation, reports and command line."
    return f"# Glossary\n\n{intro}\n\n" + "\n\n".join(map(_entry, glossary())) + "\n"


def _entry(term: Term) -> str:
    also = f" Also: {', '.join(term.also)}." if term.also else ""
    return f"## {term.name}\n\n{prose.literal(term.tooltip + also)}"
