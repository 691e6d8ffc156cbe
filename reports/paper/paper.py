"""A document of all tables and figures of a run with the references of its methods: paper.tex and references.bib."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from roarbench.benchmark.results.statistics import INTERVAL
from roarbench.reports.kinds.kind import named
from roarbench.reports.kinds.tables import TABLES
from roarbench.reports.paper.bibliography import citations
from roarbench.reports.pictures.drawing import Caption
from roarbench.reports.rows.load import REDUCED, Run
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.style import label, listed, repeated
from roarbench.reports.rows.versions import versions
from roarbench.reports.tables.latex import escape, fitted
from roarbench.reports.tables.table import Table, corrected

TEMPLATES = Path(__file__).parent
NAMES = ("paper.tex", "references.bib")

ACROSS = "Over data sets"
CITED = {
    "roar": "arXiv:1806.10758", "road": "arXiv:2202.00449", "diffroar": "arXiv:2102.12781", "racu": "arXiv:2110.08412",
    "evaluator": "arXiv:2103.01890", "rise": "arXiv:1806.07421", "infidelity": "arXiv:1901.09392",
}  # fmt: skip
"""What the document itself cites, by the names that its template uses."""


MAIN = "main"
FIGURES = (("standing", "leaderboard"), ("beside",))
"""Kinds of the figures of the two pages: of each line the first that a run has. The appendix has the others."""

HALF = r"width=\linewidth,height=.45\textheight,keepaspectratio"
"""Size of a figure that leaves room for text on its page."""

ELSEWHERE = ("pairs", MAIN)
"""Kinds of tables that the appendix leaves out: wider than a page and drawn as figures, or in the two pages."""


class Tex(str):
    """Text that is LaTeX already."""


@dataclass(frozen=True)
class Method:
    """A line of the table of methods."""

    label: Tex
    written: Tex
    reference: Tex
    differs: str


def paper(
    run: Run, tables: Sequence[Table], pictures: Sequence[Caption], folder: Path, shown: Sequence[str]
) -> list[Path]:
    """Writes both files beside the tables and figures, and returns their paths.

    Args:
        pictures: those without a file are left out.
        folder: that of the tables.
        shown: explainers of the table of methods, as written.
    """
    cited = {name: next(iter(citations(text))) for name, text in CITED.items()}
    entries = {key: entry for text in CITED.values() for key, entry in citations(text).items()}
    known = {e: run.cards[e] for e in shown if e in run.cards}
    entries |= {key: entry for card in known.values() for key, entry in citations(str(card["paper"])).items()}
    drawn = [picture for picture in pictures if (folder / f"{picture.name}.pdf").exists()]
    text = _environment().get_template("paper.tex").render(
        interval=INTERVAL, protocol=_protocol(run), kinds={named(table.name) for table in tables}, cite=cited,
        methods=[_method(e, run) for e in shown], cards=bool(known),
        corrected=corrected(tables), sections=list(_sections(tables)), versions=versions(run.costs),
        main=[table.name for table in tables if named(table.name) == MAIN], appendix=run.focus.appendix,
        figures=_foremost(drawn), pictures=drawn,
    )  # fmt: skip
    paths = [folder / name for name in NAMES]
    paths[0].write_text(text, encoding="utf-8")
    paths[1].write_text("\n\n".join(entries[key] for key in sorted(entries)) + "\n", encoding="utf-8")
    return paths


def _foremost(pictures: Sequence[Caption]) -> list[Caption]:
    """The figures of the two pages."""
    by_kind = {named(picture.name): picture for picture in reversed(pictures)}
    chosen = [next((by_kind[kind] for kind in kinds if kind in by_kind), None) for kinds in FIGURES]
    return [picture for picture in chosen if picture]


def _environment() -> Environment:
    """Delimiters that are no LaTeX; all that is filled in is escaped, unless it is LaTeX already."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True,
        block_start_string="<%", block_end_string="%>", variable_start_string="<<", variable_end_string=">>",
        comment_start_string="<#", comment_end_string="#>", trim_blocks=True, lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Tex) else escape(str(value)),
    )  # fmt: skip
    environment.filters["picture"] = lambda name: Tex(fitted(rf"\includegraphics{{{name}.pdf}}"))
    environment.filters["half"] = lambda name: Tex(rf"\includegraphics[{HALF}]{{{name}.pdf}}")
    environment.filters["file"] = Tex
    return environment


def _method(explainer: str, run: Run) -> Method:
    card = run.cards.get(explainer)
    written, called = _breakable(explainer), _breakable(label(explainer))
    if card is None:
        return Method(called, written, Tex("not recorded"), "")
    keys = ",".join(citations(str(card["paper"])))
    return Method(called, written, Tex(rf"\cite{{{keys}}}" if keys else "none"), str(card["differs"]))


def _breakable(text: str) -> Tex:
    """Text that may be broken where a name with parameters has its parts."""
    parts = escape(text).replace(",", r",\allowbreak{}").replace("=", r"=\allowbreak{}")
    return Tex(parts.replace("[", r"[\allowbreak{}").replace(r"\_", r"\_\allowbreak{}"))


def _protocol(run: Run) -> dict[str, object]:
    """What the paragraph about the protocol says."""
    curves = run.frame[run.frame.explainer.notna() & run.frame.probe.isin(REDUCED)]
    inside = sorted({t for t in curves.removal_fraction if 0 < t < 1})
    seen = curves[curves.probe == "image"]
    retrained, fixed = seen[seen.retrain.astype(bool)], seen[~seen.retrain.astype(bool)]
    return {
        "datasets": _listed(run.frame.dataset), "classifiers": _listed(run.frame.classifier),
        "explainers": curves.explainer.nunique(), "fractions": _listed(f"{t:.10g}" for t in inside),
        "fills": _listed(retrained.fill), "fixed": _listed(fixed.fill),
        "judged": _listed(curves[curves.probe == "evaluator"].fill), "foreign": bool((curves.probe == "foreign").any()),
        "orders": set(curves.order), "seeds": repeated(curves.seed.nunique(), "seed"), "covers": covers(curves),
        "recipe": run.matrix.get("recipe") or {},
        "road": fixed.fill.astype(str).str.startswith("noisy_linear").any(),
        "retrained": len(retrained) > 0, "masks": bool((run.frame.probe == "mask").any()),
        "left": int((run.frame.status != "done").sum()), "cells": len(run.frame),
    }  # fmt: skip


def _listed(values: "pd.Series | Iterator[str]") -> str:
    """Different words with an "and".

    >>> _listed(iter("abcb"))
    'a, b and c'
    """
    return listed(list(dict.fromkeys(str(value) for value in values if not pd.isna(value))))


def _sections(tables: Sequence[Table]) -> Iterator[tuple[str, list[tuple[str, str, list[str]]]]]:
    """Data set -> title, sentence and files of every kind of tables about it; those over data sets last."""
    datasets = [name for name in dict.fromkeys(table.dataset for table in tables) if name]
    for dataset in [*datasets, ""]:
        members = [table for table in tables if table.dataset == dataset and named(table.name) not in ELSEWHERE]
        kinds = {kind: [t.name for t in members if named(t.name) == kind.name] for kind in TABLES}
        sections = [(kind.title, kind.sentence, names) for kind, names in kinds.items() if names]
        if sections:
            yield dataset or ACROSS, sections
