"""The report that the site links to: that of the quick matrix where it was run, else of a short one."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUICK = ROOT / "runs" / "quick" / "report"
SHORT = ROOT / ".cache" / "site" / "run"
AXES = (
    "--explainers", "random", "gradient", "integrated_gradients", "smoothgrad[samples=5]",
    "--fractions", "0.3", "0.5", "0.9", "--seeds", "3",
)  # fmt: skip


SHOWN = (".html", ".svg", ".pdf", ".png")
"""Files of a report that its page needs or links to."""


def files() -> dict[str, Path]:
    """Path in the site -> file of the report."""
    return {f"report/{path.name}": path for path in _folder().iterdir() if path.suffix in SHOWN}


def _folder() -> Path:
    """The folder of the report; the short matrix is run in less than a minute, and once."""
    if QUICK.exists():
        return QUICK
    command = [sys.executable, "run_benchmark.py", "run", *AXES, "--out", str(SHORT)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return SHORT / "report"
