"""Explainers of a run by the words of a reader: as written, or by their labels."""

from collections.abc import Sequence
from dataclasses import replace

from roarbench.benchmark.matrix.notation import suggestion
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.style import label

OWN = ":"
"""In the name of an explainer from a file of the user's own."""


def matching(word: str, explainers: Sequence[str], option: str) -> list[str]:
    """Explainers that a word names, however the defaults of their parameters are written.

    Raises:
        ValueError: it names none.
    """
    exact = [e for e in explainers if word in (e, label(e))]
    if matches := exact or [e for e in explainers if label(e) == label(word)]:
        return matches
    choices = {*explainers, *map(label, explainers)}
    raise ValueError(f"{option} must be among the explainers of the run, got {word!r}{suggestion(word, choices)}")


def resolved(focus: Focus, explainers: Sequence[str]) -> Focus:
    """Options of a report with explainers as they are written in the run.

    Raises:
        ValueError: an option names an explainer that the run does not have.
    """
    named = {e: text for word, text in focus.labels.items() for e in matching(word, explainers, "label")}
    own = [e for e in explainers if OWN in e.partition("[")[0]]
    chosen = [e for word in focus.highlight for e in matching(word, explainers, "highlight")] or own
    baseline = matching(focus.baseline, explainers, "baseline")[0] if focus.baseline else None
    labels = tuple(f"{e}={text}" for e, text in named.items())
    return replace(focus, baseline=baseline, highlight=tuple(dict.fromkeys(chosen)), label=labels)
