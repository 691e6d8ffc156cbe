"""The gallery of the page: images and the ranks of their pixels as plain data, which scripts draw as heat maps."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from jaxtyping import Int, Shaped

from roarbench.reports.page.chart import Series
from roarbench.reports.pictures.gallery import Exhibit, exhibited
from roarbench.reports.rows.load import Run

EXACT = 1024
"""Pixels of an image up to which ranks are kept as they are; of larger ones in 256 levels."""

MOST_PIXELS = 4096
"""Of an image that the page shows; larger ones lose every other row or column until they are as small."""

BUDGET = 1_500_000
"""Characters that all images and ranks of a page may take together."""

LEVELS = 256
TWO_BYTES = ">u2"
"""Ranks of more levels than a byte has take two, the higher first."""


@dataclass(frozen=True)
class Wall:
    """The images of one data set, classifier and way of ranking, as scripts draw them.

    Attributes:
        where: data set, classifier and way of ranking.
        levels: of ranks; level 0 is the most relevant.
        images, explainers: in base64; of explainers their number and the levels of all pixels.
        titles: label and prediction of each image.
        wrong: whether the network classifies it wrong.
    """

    where: str
    height: int
    width: int
    channels: int
    levels: int
    images: str
    titles: list[str]
    wrong: list[bool]
    explainers: list[tuple[int, str]]

    @property
    def data(self) -> dict[str, object]:
        """All of it as plain data."""
        return asdict(self)

    @property
    def size(self) -> int:
        """Characters that it takes."""
        return len(self.images) + sum(len(ranks) for _, ranks in self.explainers)


def walls(run: Run, drawn: Mapping[str, Series]) -> list[Wall]:
    """The walls of a page, as many as fit; the others are in the files beside it.

    Args:
        drawn: explainer -> how it is drawn.
    """
    left, shown = BUDGET, []
    for wall in _walls(run, drawn):
        left -= wall.size
        shown += [wall] if left >= 0 else []
    return shown


def _walls(run: Run, drawn: Mapping[str, Series]) -> Iterator[Wall]:
    for part, _ in exhibited(run):
        known = part[[e in drawn and "ranks" in x.arrays for e, x in zip(part.explainer, part.exhibit, strict=True)]]
        if len(known):
            yield _wall(known, drawn)


def _wall(part: pd.DataFrame, drawn: Mapping[str, Series]) -> Wall:
    first = part.iloc[0]
    exhibit: Exhibit = first.exhibit
    images = _thinned(exhibit.arrays["images"])
    units = exhibit.last + 1
    levels = units if units <= LEVELS or images.shape[2] * images.shape[3] <= EXACT else LEVELS
    ranking = f"{first.unit}s by {'magnitude' if first.magnitude else 'signed value'}, {first.target} class"
    explainers = [
        (drawn[e].number, _text(_coded(x.arrays["ranks"], units, levels)))
        for e, x in zip(part.explainer, part.exhibit, strict=True)
    ]
    return Wall(
        f"{first.dataset}, {first.classifier}; {ranking}", images.shape[2], images.shape[3], images.shape[1], levels,
        _text(images.astype(np.uint8)), _titles(exhibit), _wrong(exhibit), explainers,
    )  # fmt: skip


def _titles(exhibit: Exhibit) -> list[str]:
    """What stands beside each image: its label and the predicted class."""
    names = list(map(str, exhibit.arrays.get("class_names", ())))
    pairs = zip(exhibit.arrays["labels"].tolist(), exhibit.arrays["predicted"].tolist(), strict=True)
    return [f"label {names[t]}, predicted {names[p]}" if names else f"label {t}, predicted {p}" for t, p in pairs]


def _wrong(exhibit: Exhibit) -> list[bool]:
    return (exhibit.arrays["labels"] != exhibit.arrays["predicted"]).tolist()


def _coded(ranks: Int[np.ndarray, "m k h w"], units: int, levels: int) -> Shaped[np.ndarray, "m h w"]:
    """Ranks in so many levels, 0 the most relevant; of several channels their mean."""
    scaled = _thinned(ranks).mean(1) * levels // units
    return scaled.astype(np.uint8 if levels <= LEVELS else TWO_BYTES)


def _thinned(maps: Shaped[np.ndarray, "m k h w"]) -> Shaped[np.ndarray, "m k h w"]:
    """Maps without every other row or column, the longer side first, until they are small enough."""
    while maps.shape[2] * maps.shape[3] > MOST_PIXELS:
        maps = maps[:, :, ::2] if maps.shape[2] > maps.shape[3] else maps[..., ::2]
    return maps


def _text(array: Shaped[np.ndarray, "..."]) -> str:
    return b64encode(np.ascontiguousarray(array).tobytes()).decode()
