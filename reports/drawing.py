"""How figures become files: the same bytes every time."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure


def save(figure: Figure, path: Path) -> list[Path]:
    """Saves a figure as SVG and PNG, laid out once, and returns the paths.

    Args:
        path: without suffix.
    """
    with matplotlib.rc_context({"svg.hashsalt": "roarbench", "svg.fonttype": "none", "figure.dpi": 110}):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for suffix in ("svg", "png"):
            figure.savefig(_file(path, suffix), metadata={"Date": None} if suffix == "svg" else None)
    return [_file(path, "svg"), _file(path, "png")]


def _file(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")
