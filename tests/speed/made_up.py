"""Stores of large runs whose numbers are drawn: accuracies that differ by explainer, seed and test image."""

from dataclasses import asdict
from pathlib import Path
from zlib import crc32

import numpy as np

from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.spec import Cell, key
from roarbench.benchmark.results.hits import packed
from roarbench.benchmark.results.store import Outcome, Row, Store

IMAGES = 1000
"""Of the test split."""


def made_up(matrix: Matrix, folder: Path) -> int:
    """Writes a store in which every cell of a matrix is done, and returns their number."""
    all_cells = cells(matrix)
    rows = [Row(key(cell), asdict(cell), drawn(cell)) for cell in all_cells]
    store = Store(folder, create=True)
    store.fill(asdict(matrix), rows)
    store.close()
    return len(rows)


def drawn(cell: Cell) -> Outcome:
    """Accuracy falls with t, by another slope for each explainer; each seed hits test images of its own."""
    random = np.random.default_rng(crc32(key(cell).encode()))
    name = cell.ranking.explainer.text if cell.ranking else ""
    slope = 0.4 + 0.4 * crc32(name.encode()) / 2**32
    hits = random.random(IMAGES) < 0.9 - slope * cell.removal_fraction + random.normal(0, 0.01)
    metrics: dict[str, float | None] = {
        "test_accuracy": float(hits.mean()), "train_accuracy": 1.0, "validation_accuracy": None,
        "share_removed": cell.removal_fraction, "test_examples": float(IMAGES),
    }  # fmt: skip
    provenance = {"commit": "abc", "device": "cpu", "finished": "2026-01-01"}
    return Outcome("done", metrics, "", 2.0, provenance, packed(hits))
