"""The report of a large run takes seconds and needs no torch."""

import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

from benchmark import presets
from benchmark.plan import cells
from benchmark.spec import key
from benchmark.store import Row, Store
from tests.reports.conftest import outcome

NUM_ROWS, SEEDS = 10_000, 12
"""The default matrix has so many rows with so many seeds."""

LIMIT = 20.0
"""Seconds, of two cores."""

RENDER = """
import resource, sys
from pathlib import Path
from reports.report import report
report(Path(sys.argv[1]))
assert "torch" not in sys.modules
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(sum(one.ru_utime + one.ru_stime for one in used))
"""


def test_ten_thousand_rows_render_in_seconds_without_torch(tmp_path: Path) -> None:
    """Processor time, not that of a clock on the wall: other tests run beside this one."""
    matrix = replace(presets.load("quick"), seeds=SEEDS)
    rows = [Row(key(cell), asdict(cell), outcome(cell)) for cell in cells(matrix)]
    assert len(rows) > NUM_ROWS
    store = Store(tmp_path, create=True)
    store.fill(asdict(matrix), rows)
    store.close()
    ran = subprocess.run(
        [sys.executable, "-c", RENDER, tmp_path], cwd=Path(__file__).parents[2], text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 2 * LIMIT
