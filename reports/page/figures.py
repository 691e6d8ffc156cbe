"""Pictures inside the page: as data, each in a world of its own, for their ids and styles never meet."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from roarbench.reports.pictures.drawing import Caption

BUDGET = 3_000_000
"""Bytes that all pictures of a page may take together; others are named, and lie beside it."""

PLAIN = " !$&'()*+,-./:;=?@[]^_`{|}~"
"""Signs that may stand in a data address; quoting them would only make it longer."""

COORDINATES = re.compile(r'\bd="[^"]*"')
DIGITS = re.compile(r"(\.\d\d)\d+")
COMMENTS = re.compile(r"<!--.*?-->|<metadata>.*?</metadata>|^.*?(?=<svg)", re.DOTALL)
GALLERY = "gallery"


@dataclass(frozen=True)
class Figure:
    """A picture with its address; empty where it is too large for the page."""

    name: str
    caption: str
    alt: str
    address: str


def figures(folder: Path, pictures: Iterable[Caption]) -> tuple[list[Figure], list[Figure]]:
    """The figures and the galleries among some pictures; the smaller go first where there are too many.

    Args:
        folder: where the files lie.
    """
    pairs = [(picture, folder / f"{picture.name}.svg") for picture in pictures]
    files = {picture.name: path.read_text(encoding="utf-8") for picture, path in pairs if path.exists()}
    addresses = _within(BUDGET, {name: address(svg) for name, svg in files.items()})
    drawings = [Figure(p.name, p.caption, p.alt, addresses.get(p.name, "")) for p, path in pairs if path.exists()]
    return _of(drawings, gallery=False), _of(drawings, gallery=True)


def address(svg: str) -> str:
    """A drawing as an address that holds it; coordinates to a hundredth of a point, without comments."""
    small = COORDINATES.sub(lambda match: DIGITS.sub(r"\1", match[0]), COMMENTS.sub("", svg))
    return "data:image/svg+xml," + quote(" ".join(small.split()), safe=PLAIN)


def _within(budget: int, addresses: dict[str, str]) -> dict[str, str]:
    selection: dict[str, str] = {}
    for name, text in sorted(addresses.items(), key=lambda one: (len(one[1]), one[0])):
        budget -= len(text)
        if budget < 0:
            break
        selection[name] = text
    return selection


def _of(drawings: Sequence[Figure], *, gallery: bool) -> list[Figure]:
    return [figure for figure in drawings if figure.name.startswith(GALLERY) == gallery]
