"""Scores of single test images, from the hits that a store keeps."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

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
    images = _unpacked(done[HITS].tolist(), done.test_examples.astype(int).tolist())
    places: dict[str, dict[int, list[int]]] = {}
    for place, (explainer, seed) in enumerate(zip(done.explainer.tolist(), done.seed.tolist(), strict=True)):
        places.setdefault(str(explainer), {}).setdefault(seed, []).append(place)
    return {e: {seed: _mean(images, at) for seed, at in seeds.items()} for e, seeds in places.items()}


def _unpacked(hits: list[bytes], counts: list[int]) -> Sequence[Images] | Float[np.ndarray, "rows m"]:
    """For each row 1 for every test image that was classified right, else 0; all at once where they are as many."""
    if len(set(counts)) > 1 or len(set(map(len, hits))) > 1:
        return [unpacked(one, count).astype(np.float32) for one, count in zip(hits, counts, strict=True)]
    unpacked(hits[0], counts[0])  # which says what is wrong
    rows = np.frombuffer(b"".join(hits), np.uint8).reshape(len(hits), -1)
    return np.unpackbits(rows, axis=1, count=counts[0]).astype(np.float32)


def _mean(images: Sequence[Images] | Float[np.ndarray, "rows m"], at: list[int]) -> Images:
    """The mean of some rows; of a single one it would take longer than to read it."""
    return np.mean([images[place] for place in at], axis=0) if len(at) > 1 else images[at[0]]
