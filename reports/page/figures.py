"""Pictures inside the page: as data, each in a world of its own, for their ids and styles never meet."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from roarbench.reports.kinds.kind import named
from roarbench.reports.pictures.drawing import Caption

BUDGET = 2_200_000
"""Bytes that all pictures of a page may take together; others are named, and lie beside it."""

PLAIN = " !$&'()*+,-./:;=?@[]^_`{|}~"
"""Signs that may stand in a data address; quoting them would only make it longer."""

COORDINATES = re.compile(r'\bd="[^"]*"')
DIGITS = re.compile(r"(\.\d\d)\d+")
COMMENTS = re.compile(r"<!--.*?-->|<metadata>.*?</metadata>|^.*?(?=<svg)", re.DOTALL)
SENTENCES = re.compile(r"(?<=[.;?!]) ")
SHORTEST = 34
"""Characters of a short caption, at least; it ends with a sentence."""

GALLERY = "gallery"
INTERACTIVE = ("leaderboard", "curves")
"""Kinds that the page draws itself: their pictures lie beside it as files."""

FOREMOST, MAIN = "difference", 2
"""The kind of figure that comes first, and how many are printed."""


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
        address: empty where it is too large for the page, or not shown in it.
        files: formats and names of the files beside the page.
    """

    name: str
    caption: str
    alt: str
    address: str
    files: list[tuple[str, str]]

    @property
    def short(self) -> str:
        """The beginning of the caption, which names what is shown."""
        text = ""
        for part in SENTENCES.split(self.caption):
            text = f"{text} {part}".strip()
            if len(text) >= SHORTEST and text.count("(") == text.count(")"):
                break
        return text if text.endswith("?") else text.rstrip(".;") + "."


@dataclass(frozen=True)
class Figures:
    """The pictures of a page, by where it shows them.

    Attributes:
        shown: the most useful first.
        galleries: shown only where the page has no gallery of its own.
        files: kind that the page draws itself -> its pictures, which are files.
    """

    shown: list[Figure]
    galleries: list[Figure]
    files: Mapping[str, list[Figure]]


def figures(folder: Path, pictures: Iterable[Caption], *, gallery: bool = False) -> Figures:
    """All pictures; the smaller are shown first where there are too many.

    Args:
        folder: where the files lie.
        gallery: whether the page draws galleries itself.
    """
    there = [picture for picture in pictures if (folder / f"{picture.name}.svg").exists()]
    own = (*INTERACTIVE, *([GALLERY] if gallery else []))
    shown = [picture for picture in there if named(picture.name) not in own]
    files = {picture.name: (folder / f"{picture.name}.svg").read_text(encoding="utf-8") for picture in shown}
    addresses = _within(BUDGET, {name: address(svg) for name, svg in files.items()})
    by_kind: dict[str, list[Figure]] = {}
    for picture in sorted(there, key=lambda one: named(one.name) != FOREMOST):
        beside = [(path.suffix[1:].upper(), path.name) for path in picture.paths(folder)]
        figure = Figure(picture.name, picture.caption, picture.alt, addresses.get(picture.name, ""), beside)
        by_kind.setdefault(named(picture.name), []).append(figure)
    kinds = [kind for kind in by_kind if kind not in (*own, GALLERY)]
    return Figures(
        [figure for kind in kinds for figure in by_kind[kind]], [] if gallery else by_kind.get(GALLERY, []),
        {kind: by_kind.get(kind, []) for kind in own},
    )  # fmt: skip


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
