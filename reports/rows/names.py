"""Explainers of a run by the words of a reader: as written, or by their labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from roarbench.benchmark.matrix.notation import suggestion
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.style import called, label

OWN = ":"
"""In the name of an explainer from a file of the user's own."""


def matching(word: str, explainers: Sequence[str], option: str) -> list[str]:
    """Explainers that a word names, however the defaults of their parameters are written.

    Raises:
        ValueError: it names none.
    """
    exact = [e for e in explainers if word in (e, label(e))]
    if matches := exact or [e for e in explainers if label(e) == _labelled(word)]:
        return matches
    choices = {*explainers, *map(label, explainers)}
    raise ValueError(f"{option} must be among the explainers of the run, got {word!r}{suggestion(word, choices)}")


def resolved(focus: Focus, explainers: Sequence[str]) -> Focus:
    """Options of a report with explainers as they are written in the run.

    Raises:
        ValueError: an option names an explainer that the run does not have, two explainers would have one label, or the
            margin is no number of points.
    """
    if not 0 < focus.margin < 100:
        raise ValueError(f"margin must lie between 0 and 100 points of accuracy, got {focus.margin:g}")
    named = {e: text for word, text in focus.labels.items() for e in matching(word, explainers, "label")}
    _unlike(named, explainers)
    with called(named):
        own = [e for e in explainers if OWN in e.partition("[")[0]]
        chosen = [e for word in focus.highlight for e in matching(word, explainers, "highlight")] or own
        baseline = None if focus.baseline is None else matching(focus.baseline, explainers, "baseline")[0]
    labels = tuple(f"{e}={text}" for e, text in named.items())
    return replace(focus, baseline=baseline, highlight=tuple(dict.fromkeys(chosen)), label=labels)


def _unlike(named: Mapping[str, str], explainers: Sequence[str]) -> None:
    """Checks that no label is that of another explainer."""
    for e, text in named.items():
        with called(named):
            others = [other for other in explainers if other != e and label(other) == text]
        if others:
            raise ValueError(f"label must differ from those of other explainers, got {text!r} for {e} and {others[0]}")


def _labelled(word: str) -> str:
    """The label of an explainer as it may be written; nothing for what cannot be one."""
    try:
        return label(word)
    except ValueError:
        return ""
