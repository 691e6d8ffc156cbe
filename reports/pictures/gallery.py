"""Galleries: the same images under all explainers, as they are ranked and as retrained networks see them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.figure import Figure

from roarbench.reports.pictures.drawing import Margins, Picture
from roarbench.reports.rows.load import Run
from roarbench.reports.rows.settings import slug
from roarbench.reports.rows.style import labels

FOLDER = "gallery"
GROUP = ["dataset", "classifier", "unit", "magnitude", "target"]

VIEWS = {
    "ranks": "Ranks of all units, from dark (least relevant) to bright (most relevant)",
    "morf mean": "Without the most relevant {share} (ROAR), filled with the mean",
    "morf noisy_linear": "Without the most relevant {share} (ROAR), filled by noisy linear imputation",
    "lerf mean": "Without the least relevant {share} (KAR), filled with the mean",
}
HEADS = "above each its class; an arrow leads to another predicted class"
GAP = 2
"""Pixels between images."""

CELL_INCHES, LABEL_INCHES = 0.52, 1.35
HEIGHT, SIGNAL_WIDTH = 16, 2.0
"""Pixels that images are high, at least; and how many times as wide as images signals are drawn."""

LONGEST, NAME_INCHES, NAME_SIZE = 12, 0.046, 6
"""Letters of the name of a class that are shown, inches that one takes, and their size in points."""


@dataclass(frozen=True, eq=False)
class Exhibit:
    """What one ranking makes of the images of a gallery; arrays `(m, c, h, w)` by the name of their view."""

    about: dict[str, object]
    arrays: dict[str, np.ndarray]

    @property
    def last(self) -> int:
        """The rank of the least relevant unit."""
        return int(self.about.get("units") or np.prod(self.arrays["ranks"].shape[1:])) - 1  # type: ignore[call-overload]


def galleries(run: Run) -> Iterator[Picture]:
    """A picture for each view, of every data set, classifier and way of ranking; none for runs that kept no images."""
    for part, ending in exhibited(run):
        for view, title in VIEWS.items():
            shown = part[[view in exhibit.arrays for exhibit in part.exhibit]]
            if len(shown):
                yield _picture(shown, view, title.format(share=f"{shown.fraction.iloc[0]:.0%}"), ending)


def exhibited(run: Run) -> Iterator[tuple[pd.DataFrame, str]]:
    """The images that a run kept, by data set, classifier and way of ranking, and the endings of their file names.

    A row for each explainer, in the order of the run; its column `exhibit` holds the `Exhibit`.
    """
    exhibits = {str(exhibit.about): exhibit for exhibit in map(_read, sorted((run.folder / FOLDER).glob("*.npz")))}
    if not exhibits:
        return
    frame = pd.DataFrame([exhibit.about | {"exhibit": exhibit} for exhibit in exhibits.values()])
    order = {name: place for place, name in enumerate(dict.fromkeys(run.frame.explainer.dropna()))}
    frame = frame[frame.explainer.isin(order)].sort_values("explainer", key=lambda names: names.map(order))
    for _, part in frame.groupby(GROUP, sort=False):
        yield part, slug(part, frame, GROUP)


def _read(path: Path) -> Exhibit:
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return Exhibit(json.loads(str(arrays.pop("name"))), arrays)


def _picture(part: pd.DataFrame, view: str, title: str, ending: str) -> Picture:
    first = part.iloc[0]
    arrays = first.exhibit.arrays
    rows = [
        _strip(arrays["images"]),
        *(_strip(exhibit.arrays[view], exhibit.last if view == "ranks" else None) for exhibit in part.exhibit),
    ]
    names = ["Input", *labels(list(part.explainer))]
    right = int((arrays["labels"] == arrays["predicted"]).sum())
    called = list(map(str, arrays.get("class_names", ())))  # older runs kept none
    figure = _mosaic(rows, names, _heads(arrays["labels"], arrays["predicted"], called))
    what = f"{title}. {first.dataset}, {first.classifier}, seed 0"
    wrong = len(arrays["labels"]) - right
    caption = f"{what}: {right} test images that the network classifies right, {wrong} wrong ({HEADS})."
    caption += _in_words(arrays["labels"], arrays["predicted"], called) if called else ""
    alt = f"A grid of images: a row for each of {len(names) - 1} explainers under the input images; {title.lower()}."
    return Picture(f"gallery-{view.replace(' ', '-')}{ending}", caption, alt, figure)


def _strip(images: np.ndarray, last: int | None = None) -> Float[np.ndarray, "h w 3"]:
    """Images side by side, in colour; ranks, of which one is the last, from dark to bright, the first."""
    if last is not None:
        coloured = colormaps["viridis"](1 - images.mean(1) / last)[..., :3]
    else:
        coloured = np.broadcast_to(images.transpose(0, 2, 3, 1) / 255, (*images.shape[:1], *images.shape[2:], 3))
    times = max(1, HEIGHT // coloured.shape[1])
    large = coloured.repeat(times, axis=1).repeat(times, axis=2)
    gap = GAP * max(1, large.shape[2] // large.shape[1])  # of signals, which are long
    padded = np.pad(large, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=1.0)
    return np.concatenate(list(padded), axis=1)[:, :-gap]


def _heads(truth: np.ndarray, predicted: np.ndarray, called: list[str]) -> list[str]:
    """The class of each image, and the predicted one where it is another: in a line, or below where they have names."""
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in called]
    pairs = zip(truth.tolist(), predicted.tolist(), strict=True)
    if short:
        return [short[t] if t == p else f"{short[t]}\n→ {short[p]}" for t, p in pairs]
    return [f"{t}" if t == p else f"{t} → {p}" for t, p in pairs]


def _in_words(truth: np.ndarray, predicted: np.ndarray, called: list[str]) -> str:
    """The classes of all images by their whole names."""
    pairs = zip(truth.tolist(), predicted.tolist(), strict=True)
    words = [called[t] if t == p else f"{called[t]} taken for {called[p]}" for t, p in pairs]
    return f" From the left: {', '.join(words)}."


def _mosaic(rows: list[np.ndarray], names: list[str], heads: list[str]) -> Figure:
    """All rows as one picture; the columns bear the true class, and the predicted one where it is another."""
    padded = [np.pad(row, ((0, GAP), (0, 0), (0, 0)), constant_values=1.0) for row in rows]
    mosaic = np.concatenate(padded, axis=0)[:-GAP]
    margin = Margins(left=LABEL_INCHES).holding(names, "left").left
    tall, wide = len(mosaic) / len(rows), mosaic.shape[1] / len(heads)
    longest = max(len(line) for head in heads for line in head.split("\n"))
    cell, head_inches = max(CELL_INCHES, 0.04 + NAME_INCHES * longest), 0.3 + 0.1 * any("\n" in head for head in heads)
    across = cell * (SIGNAL_WIDTH if wide > SIGNAL_WIDTH * tall else 1)
    height, width = cell * len(rows) + head_inches + 0.05, margin + across * len(heads)
    figure = Figure(figsize=(width, height))
    left, top = margin / width, 1 - head_inches / height
    axis = figure.add_axes((left, 0.02, 0.99 - left, top - 0.02))
    axis.imshow(mosaic, interpolation="nearest", aspect="auto")
    axis.set_yticks([tall * (i + 0.5) for i in range(len(rows))], names, fontsize=7)
    size = 7 if cell == CELL_INCHES else NAME_SIZE
    axis.set_xticks([wide * (i + 0.5) for i in range(len(heads))], heads, fontsize=size)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return figure
