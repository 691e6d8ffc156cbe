"""Cards of the explainers: what each says of itself, and what it costs here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from roarbench.benchmark.results.statistics import summarise
from roarbench.benchmark.results.store import Card
from roarbench.reports.page.chart import Series
from roarbench.reports.tables.attributions import count, milliseconds

CITED = re.compile(r"(arXiv:\d{4}\.\d{4,5}|doi:10\.\d{4,9}/[^\s;,]*[^\s;,.)])")
HOSTS = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}

Pieces = list[tuple[str, str]]
"""Text, and where it leads; empty where it leads nowhere."""


@dataclass(frozen=True)
class Method:
    """A card; parts that are not known are empty.

    Attributes:
        parameters: name, value and meaning of each.
        costs: data set and classifier, and what it takes there to explain an image.
    """

    series: Series
    summary: Pieces
    paper: Pieces
    differs: Pieces
    parameters: list[tuple[str, str, str]]
    costs: list[tuple[str, str]]


def methods(frame: pd.DataFrame, cards: Mapping[str, Card], drawn: list[Series]) -> list[Method]:
    """A card for every explainer of a run."""
    costs = _costs(frame)
    return [_method(one, cards.get(one.explainer, {}), costs.get(one.explainer, [])) for one in drawn]


def cited(text: str) -> Pieces:
    """Text with the papers in it as addresses.

    >>> cited("A 2017, arXiv:1703.01365, eq. 3")[1]
    ('arXiv:1703.01365', 'https://arxiv.org/abs/1703.01365')
    """
    pieces = [piece for piece in CITED.split(text) if piece]
    return [(piece, _address(piece) if CITED.fullmatch(piece) else "") for piece in pieces]


def _address(piece: str) -> str:
    kind, _, name = piece.partition(":")
    return HOSTS[kind] + name


def _method(series: Series, card: Card, costs: list[tuple[str, str]]) -> Method:
    meanings = card.get("meanings", {})
    parameters = [(str(k), str(v), str(meanings.get(k, ""))) for k, v in card.get("parameters", {}).items()]
    summary, paper, differs = (cited(str(card.get(part, ""))) for part in ("summary", "paper", "differs"))
    return Method(series, summary, paper, differs, parameters, costs)


def _costs(frame: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Explainer -> what it took under every data set and classifier where that was measured."""
    costs: dict[str, list[tuple[str, str]]] = {}
    measured = frame[(frame.probe == "attribution") & (frame.status == "done")]
    for (e, dataset, classifier), rows in measured.groupby(["explainer", "dataset", "classifier"], sort=False):
        through, clock = summarise(rows.passes), summarise(rows.seconds_per_image)
        images = count(through, through.n)
        parts = [f"{images} forward pass{'es' * (images != '1')}"] * bool(through.n)
        parts += [f"{milliseconds(clock, clock.n)} ms"] * bool(clock.n)
        if parts:
            costs.setdefault(str(e), []).append((f"{dataset}, {classifier}", ", ".join(parts)))
    return costs
