"""The report of a large run takes seconds and needs no torch."""

import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmark import presets
from benchmark.plan import cells
from benchmark.spec import key
from benchmark.store import Row, Store
from tests.reports.conftest import outcome

NUM_ROWS = 10_000
LIMIT = 20.0
"""Seconds, of two cores, for so many rows."""

RENDER = """
import resource, sys
from pathlib import Path
from reports.report import report
report(Path(sys.argv[1]))
assert "torch" not in sys.modules
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(sum(one.ru_utime + one.ru_stime for one in used))
"""


@pytest.mark.slow
def test_ten_thousand_rows_render_in_seconds_without_torch(tmp_path: Path) -> None:
    assert processor_seconds(tmp_path, seeds=12) < 2 * LIMIT


def test_a_quarter_of_them_render_in_half_the_time(tmp_path: Path) -> None:
    assert processor_seconds(tmp_path, seeds=3) < LIMIT


def processor_seconds(folder: Path, *, seeds: int) -> float:
    """Of a report of the default matrix; not those of a clock on the wall, since other tests run beside this one."""
    matrix = replace(presets.load("quick"), seeds=seeds)
    rows = [Row(key(cell), asdict(cell), outcome(cell)) for cell in cells(matrix)]
    assert len(rows) > NUM_ROWS * seeds / 12
    store = Store(folder, create=True)
    store.fill(asdict(matrix), rows)
    store.close()
    command = [sys.executable, "-c", RENDER, folder]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return float(ran.stdout)
