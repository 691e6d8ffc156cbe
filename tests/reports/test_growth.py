"""What a report does as runs grow."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.reports.rows.load import load
from roarbench.reports.statistics.family import compare
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.summary import summaries
from tests.speed.made_up import drawn


def test_more_explainers_are_compared_at_once_not_more_often(stored: Callable[..., Path], matrix: Matrix) -> None:
    names = ["random", *(f"smoothgrad[samples={n}]" for n in range(2, 13))]
    counts = []
    for number in (6, 12):
        compare.cache_clear()
        frame = load(stored(replace(matrix, explainers=tuple(names[:number])), drawn, name=f"run{number}"))
        assert [*tables(frame), *summaries(frame)]
        counts.append(compare.cache_info().misses)
    assert counts[0] == counts[1] > 0
