"""What measures say of themselves: those of the tables, and those that a run brought along."""

import math
from collections.abc import Mapping
from dataclasses import replace

from roarbench.benchmark import MEASURES
from roarbench.benchmark.matrix import described
from roarbench.benchmark.results.store import Card
from roarbench.reports.rows.style import Form, label, percent, probability, share

FORMS: dict[str, Form] = {"number": share, "probability": probability, "percent": percent}
DIRECTIONS = {"low": "lower is better", "high": "higher is better", "": "neither is better"}

Cards = Mapping[str, Card]
"""Name of a measure as written -> what it says of itself."""


def known(stored: Cards = {}) -> Cards:  # noqa: B006  (never changed)
    """All measures of the tables, and those of a run."""
    return {name: described.measure(name) for name in MEASURES} | dict(stored)


def of_attributions(cards: Cards) -> Cards:
    """Those that are measured of attributions themselves."""
    return {name: card for name, card in cards.items() if card["order"] is None}


def of_curves(cards: Cards) -> Cards:
    """Those that are read from the curves of networks that see reduced images."""
    return {name: card for name, card in cards.items() if card["order"] is not None and card["probe"] != "mask"}


def heading(name: str, card: Card) -> str:
    """Heading of the column of a measure, with the parameters that it was written with."""
    shown, bracket, parameters = str(card["label"]), *name.partition("[")[1:]
    return f"{shown}{bracket}{parameters}" if shown else label(name)


def form(card: Card) -> Form:
    """How values are written; intervals are cut at the bounds that the measure declares, and nowhere else."""
    low, high = card["bounds"]
    shown = FORMS[card["form"]]
    return replace(shown, low=-math.inf if low is None else low, high=math.inf if high is None else high)


def sentence(name: str, card: Card) -> str:
    """A measure in words, for the note of a table."""
    said = "; ".join(filter(None, (str(card["summary"]).rstrip("."), DIRECTIONS[card["better"]])))
    return f"{heading(name, card)}: {said}."
