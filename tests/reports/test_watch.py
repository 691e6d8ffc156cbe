"""Rendering while a run goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.results.store import Store
from roarbench.reports.watch import watch
from tests.reports.conftest import outcome


def test_renders_when_cells_were_measured_and_ends_with_the_run(
    stored: Callable[..., Path], matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stored(matrix, lambda cell: None)
    left, naps, renderings = list(cells(matrix)), [], []

    def measure(seconds: float) -> None:
        naps.append(seconds)
        store = Store(folder)
        for _ in range(len(left) if len(naps) > 2 else 1):
            cell = left.pop()
            store.record(cell, outcome(cell))
        store.close()

    monkeypatch.setattr("time.sleep", measure)
    watch(folder, lambda: renderings.append(1), every=7)
    assert naps == [7, 7, 7]
    assert len(renderings) == 4


def test_bad_pace(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="every must be"):
        watch(tmp_path, lambda: None, every=0)
