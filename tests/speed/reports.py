"""Reports of large made-up stores: the whole, drawn anew, and once more where nothing has changed."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.methods import GROUPS
from tests.speed.made_up import made_up

TURNS = 3
FIFTEEN = (*(name for name in GROUPS["paper"] if not name.startswith("squared")), "lrp")
WIDE = Matrix(
    datasets=("digits", "squares"),
    explainers=FIFTEEN,
    fractions=(0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0),
    fills=("mean", "noisy_linear"),
    retrain=(True, False),
    seeds=5,
    evaluator=False,
    unretrained_fills=(),
    mask_fractions=(),
    measures=("standard", "saco", "mcal", "f_fidelity_plus"),
)
"""Of many settings, each with pictures of its own."""

REPORT = "import sys; from pathlib import Path; from roarbench.reports.report import report; report(Path(sys.argv[1]))"


def matrices() -> dict[str, Matrix]:
    """Words -> a matrix whose report is timed."""
    deep = replace(presets.load("quick"), seeds=12)
    return {"the default matrix with 12 seeds": deep, "2 data sets, 15 explainers, 8 settings, 5 seeds": WIDE}


def seconds(folder: Path) -> float:
    """Of `report` by the clock, the start of its process included."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", REPORT, folder], check=True, capture_output=True)
    return time.perf_counter() - started


def reports(turns: int = TURNS) -> Iterator[tuple[str, str]]:
    """What is reported, and seconds of the first report of a folder and of the second: medians and ends."""
    for name, matrix in matrices().items():
        with tempfile.TemporaryDirectory() as parent:
            folders = [Path(parent, str(turn)) for turn in range(turns)]
            rows = max(made_up(matrix, folder) for folder in folders)
            both = [(seconds(folder), seconds(folder)) for folder in folders]
            pictures = len(list((folders[0] / "report").glob("*.svg")))
        first, again = (_words(timed) for timed in zip(*both, strict=True))
        yield f"report of {name}: {rows} rows, {pictures} pictures", f"{first}; unchanged {again}"


def _words(timed: tuple[float, ...]) -> str:
    return f"{median(timed):.1f} s ({min(timed):.1f} to {max(timed):.1f})"
