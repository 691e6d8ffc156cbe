"""Figures of the checkpoints of Hide-and-Seek: example images behind their masks, and scores against alpha."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from roarbench.reports.hns.plots import STYLE, legend, lines, looks_of, plain, save, trainings
from roarbench.reports.pictures.tiles import tiles

HIT, MISS = (sns.color_palette("colorblind")[i] for i in (0, 3))
SIZE = 0.7
"""Of an image, in inches."""

SCORES = {"accuracy": "accuracy", "hidden": "share hidden", "fii": "FII"}


def images(
    inputs: np.ndarray, masks: np.ndarray, predicted: Sequence[object], labels: Sequence[object], path: Path
) -> Path:
    """Draws examples of one checkpoint in columns: image, mask, masked image; titles mark hits and misses.

    Args:
        inputs: (b, c, h, w) in [0, 1]; three channels are RGB, other numbers of them are averaged.
        masks: (b, 1, h, w) or (b, c, h, w) in [0, 1], 1 = kept = white.
        predicted: class of each masked image.
        labels: true class of each.

    Raises:
        ValueError: shapes or lengths that do not fit.
    """
    if not len(predicted) == len(labels) == len(inputs):
        raise ValueError(f"needs {len(inputs)} predictions and labels, got {len(predicted)} and {len(labels)}")
    with matplotlib.rc_context(STYLE):
        rows = {"image": inputs, "mask": masks, "masked image": _masked(inputs, masks)}
        pairs = list(zip(predicted, labels, strict=True))
        titles = [plain(f"{guess} / {true}") for guess, true in pairs]
        figure = tiles(rows, "predicted / true, misses in bold orange", titles, size=SIZE)
        for axis, (guess, true) in zip(figure.axes, pairs, strict=False):
            axis.title.set(color=HIT if guess == true else MISS, weight="normal" if guess == true else "bold")
        return save(figure, path)


def alpha_grid(inputs: np.ndarray, masks: Mapping[float, np.ndarray], path: Path) -> Path:
    """Draws the same examples behind the masks of several checkpoints, a row for each, alpha falling downwards.

    Args:
        inputs: as in `images`.
        masks: alpha -> masks of these examples, as in `images`; rows name the share that these masks hide.

    Raises:
        ValueError: shapes that do not fit.
    """
    rows = {
        f"alpha {alpha:.2f}\n{1 - masks[alpha].mean():.1%} hidden": _masked(inputs, masks[alpha])
        for alpha in sorted(masks, reverse=True)
    }
    with matplotlib.rc_context(STYLE):
        return save(tiles({"image": inputs} | rows, size=SIZE), path)


def alphas(frame: pd.DataFrame, path: Path) -> Path:
    """Draws accuracy, share hidden and FII of checkpoints against alpha, which falls from left to right.

    Args:
        frame: columns condition, seed, alpha, accuracy, hidden, fii; a row for each checkpoint.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.4, 2.8), layout="constrained")
        looks = looks_of(frame, frame.condition)
        for axis, (column, name) in zip(figure.subplots(1, len(SCORES)), SCORES.items(), strict=True):
            lines(axis, frame, ("alpha", column), looks)
            axis.set(title=name, xlabel="alpha", ylim=(0, 1.05 * axis.get_ylim()[1]))
            axis.invert_xaxis()
        legend(figure, looks)
        figure.suptitle(f"checkpoints at each alpha, {trainings(frame)}: mean, and band from lowest to highest")
        return save(figure, path)


def _masked(inputs: np.ndarray, masks: np.ndarray) -> np.ndarray:
    channels = inputs.shape[1:2]
    if inputs.ndim != 4 or masks.shape not in {(len(inputs), c, *inputs.shape[2:]) for c in (1, *channels)}:
        raise ValueError(
            f"images must be (b, c, h, w) and masks (b, 1 or c, h, w), got {inputs.shape} and {masks.shape}"
        )
    return inputs * masks
