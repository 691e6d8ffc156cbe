"""Scores of single test images, from the hits that a store keeps."""

import re

import numpy as np
import pandas as pd

from roarbench.benchmark.results.hits import unpacked
from roarbench.reports.rows.load import HITS
from roarbench.reports.statistics.scores import Images

DRAWN = re.compile(r"=seed[,\]]")
"""In the name of a data set that is drawn anew for every seed, as in "squares[draw=seed]"."""


def redrawn(rows: pd.DataFrame) -> bool:
    """Whether every seed has data of its own."""
    return any(DRAWN.search(str(name)) for name in rows.dataset.unique())


def known(rows: pd.DataFrame) -> bool:
    """Whether it is known of each test image how often it was classified right, the same images under all seeds."""
    if HITS not in rows:
        return False
    done = rows[rows.status == "done"]
    return len(done) > 0 and bool(done[HITS].notna().all() and (done.test_examples > 1).all()) and not redrawn(rows)


def by_image(rows: pd.DataFrame) -> dict[str, dict[int, Images]]:
    """Explainer -> seed -> share of the rows of these in which each test image was classified right.

    Empty where that is not known of all.
    """
    if not known(rows):
        return {}
    done = rows[rows.status == "done"]
    sums: dict[str, dict[int, list[Images]]] = {}
    columns = (done[column].tolist() for column in ("explainer", "seed", HITS, "test_examples"))
    for explainer, seed, hits, num_images in zip(*columns, strict=True):
        images = unpacked(hits, int(num_images)).astype(np.float32)
        sums.setdefault(str(explainer), {}).setdefault(seed, []).append(images)
    return {e: {seed: _mean(of) for seed, of in seeds.items()} for e, seeds in sums.items()}


def _mean(of: list[Images]) -> Images:
    """The mean of some scores; of a single one it would take longer than to read it."""
    return np.mean(of, axis=0) if len(of) > 1 else of[0]
