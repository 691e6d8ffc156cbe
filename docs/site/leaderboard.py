"""The leaderboard of the project: a static site made of the runs that docs/results/boards keeps."""

import shutil
from pathlib import Path

from roarbench.reports.publish.site import compose

ROOT = Path(__file__).parents[2]
BOARDS = ROOT / "docs" / "results" / "boards" / "runs"
MADE = ROOT / ".cache" / "site" / "leaderboard"
SHOWN = (".html", ".json", ".toml")


def files() -> dict[str, Path]:
    """Path in the site -> file of the leaderboard."""
    shutil.rmtree(MADE, ignore_errors=True)
    shutil.copytree(BOARDS, MADE / "runs")
    compose(MADE)
    return {f"leaderboard/{path.relative_to(MADE)}": path for path in MADE.rglob("*") if path.suffix in SHOWN}
