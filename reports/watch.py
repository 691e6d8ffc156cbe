"""Renders a report again and again while its run goes on."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from roarbench.benchmark.results.store import Store
from roarbench.reports.rows.style import repeated


def watch(folder: Path, render: Callable[[], str], every: float) -> str:
    """Renders now, then whenever cells were measured, until none is left to do; returns the last text.

    Args:
        every: seconds between two looks at the store.

    Raises:
        ValueError: the folder holds no run, or `every` is not positive.
    """
    if every <= 0:
        raise ValueError(f"every must be a positive number of seconds, got {every:g}")
    before: Counter[str] | None = None
    text = ""
    while (counts := _counts(folder)) != before:
        text = render()
        left = counts["to do"]
        print(
            f"{time.strftime('%H:%M:%S')} {folder}: rendered, {repeated(left, 'cell')} to do",
            file=sys.stderr,
            flush=True,
        )
        before = counts
        while left and _counts(folder) == before:
            time.sleep(every)
    return text


def _counts(folder: Path) -> Counter[str]:
    store = Store(folder)
    counts = store.counts()
    store.close()
    return counts
