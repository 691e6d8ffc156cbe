"""What a run that goes on can tell: a table in the terminal, and the page where the rest takes minutes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from roarbench.reports.again import REPORT
from roarbench.reports.glance import glance

WORTHWHILE = 180.0
"""Seconds that must be left for a page to be rendered beside the work."""

LEAST_URGENT = 19
"""Priority of that: whatever else computes goes first."""


def so_far(folder: Path, seconds_left: float | None) -> Iterator[str]:
    """The table of what is measured so far, then where its page lies; never fails, for the run must go on.

    Args:
        seconds_left: until the run ends, as far as is known.

    Yields:
        Lines of text; nothing where nothing is known yet.
    """
    try:
        if table := glance(folder):
            yield table
            if (seconds_left or 0.0) > WORTHWHILE:
                yield _page(folder)
    except Exception as error:
        yield f"no table yet: {type(error).__name__}"


def _page(folder: Path) -> str:
    """Renders the report in a process of its own, which takes what the run leaves over, and says where it lies."""
    command = [sys.executable, "-m", "roarbench.run_benchmark", "report", "--out", str(folder)]
    rendering = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, rendering.pid, LEAST_URGENT)
    _, errors = rendering.communicate()
    if rendering.returncode:
        return f"no page yet: {errors.decode(errors='replace').strip().rpartition(chr(10))[2]}"
    from roarbench.reports.page.page import FILE  # takes most of a second: whatever renders has it

    return f"page so far: {folder / REPORT / FILE}"
