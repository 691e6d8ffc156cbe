"""The report of a large run takes seconds and needs no torch."""

import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.plan import cells
from roarbench.benchmark.matrix.spec import key
from roarbench.benchmark.results.store import Row, Store
from tests.reports.conftest import outcome

NUM_ROWS = 10_000
LIMIT = 40.0
"""Seconds of all processes for so many rows."""

IMPORTS = 8
"""Imports of the report that the rest of a quarter of them may take as long as: slow machines are slow at both."""

RENDER = """
import resource, sys
from pathlib import Path
def used():
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in each)
from roarbench.reports.report import report
imported = used()
report(Path(sys.argv[1]))
assert "torch" not in sys.modules
print(imported, used() - imported)
"""


@pytest.mark.slow
def test_ten_thousand_rows_render_in_seconds_without_torch(tmp_path: Path) -> None:
    assert sum(processor_seconds(tmp_path, seeds=12)) < LIMIT


@pytest.mark.whole
def test_a_quarter_of_them_render_in_a_few_times_what_the_import_takes(tmp_path: Path) -> None:
    imported, rendered = processor_seconds(tmp_path, seeds=3)
    assert rendered < IMPORTS * imported


def processor_seconds(folder: Path, *, seeds: int) -> tuple[float, float]:
    """Of the import and of a report of the default matrix: a clock would count the tests that run beside this one."""
    matrix = replace(presets.load("quick"), seeds=seeds)
    rows = [Row(key(cell), asdict(cell), outcome(cell)) for cell in cells(matrix)]
    assert len(rows) > NUM_ROWS * seeds / 12
    store = Store(folder, create=True)
    store.fill(asdict(matrix), rows)
    store.close()
    command = [sys.executable, "-c", RENDER, folder]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    imported, rendered = map(float, ran.stdout.split())
    return imported, rendered
