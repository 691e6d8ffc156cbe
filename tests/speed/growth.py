"""How seconds and memory grow with explainers, shares, seeds, images and workers: slopes of logarithms, and a figure.

Each number comes from a process of its own, forked once everything is imported. A slope of 1 is linear.
"""

import contextlib
import gc
import io
import math
import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.datasets.base import Split
from tests.speed import pieces
from tests.speed.growth_figure import figure
from tests.speed.memory import peak
from tests.speed.pieces import Size

FOLDER = Path("docs/results")
COUNTS, FEW = (2, 5, 10, 20, 40), (2, 5, 10)
IMAGES = (1_000, 4_000, 15_000, 60_000)
LINES: dict[str, dict[str, Sequence[int]]] = {
    "explainers": {
        "planning": COUNTS, "storing": COUNTS, "ranking": COUNTS, "reporting": COUNTS, "telling": COUNTS,
        "running": FEW,
    },
    "shares": {
        "planning": COUNTS, "storing": COUNTS, "removing": COUNTS, "scoring": COUNTS, "retraining": FEW,
        "reporting": COUNTS, "telling": COUNTS, "running": FEW,
    },
    "seeds": {"planning": COUNTS, "storing": COUNTS, "reporting": COUNTS[:4], "telling": COUNTS, "running": FEW},
    "images": dict.fromkeys(("ranking", "removing", "scoring", "retraining"), IMAGES),
    "workers": {"running": (1, 2)},
}  # fmt: skip
"""What is varied -> piece -> its sizes."""

BASE = {"workers": Size(explainers=6, seeds=3)}
"""Sizes of what is not varied, where they are not those of `Size`."""

RESETS_PEAK = "5"
"""What Linux is told in `clear_refs` so that the peak begins anew."""


@dataclass(frozen=True)
class Point:
    """What one piece of one size takes.

    Attributes:
        seconds: of processors, which other programs do not lengthen; of a whole run by the clock.
        megabytes: at its peak, beyond what was there before; of a whole run all that its largest process holds.
    """

    piece: str
    axis: str
    size: int
    seconds: float
    megabytes: float


def growth(data_root: Path, lines: dict[str, dict[str, Sequence[int]]] = LINES) -> Iterator[Point]:
    """All points, one after the other."""
    images = build(plugin("mnist[validation=0]", "dataset"), "dataset")(data_root).train
    gc.freeze()  # what is imported is no garbage: forked processes need not copy it to look
    for axis, of in lines.items():
        for piece, sizes in of.items():
            for size in sizes:
                with ProcessPoolExecutor(1, mp_context=get_context("fork")) as process:
                    yield process.submit(measured, piece, axis, size, images).result()
    gc.unfreeze()


def measured(piece: str, axis: str, size: int, images: Split) -> Point:
    """Seconds and memory of one piece of work, what it needs aside."""
    torch.set_num_threads(1)
    sizes = replace(BASE.get(axis, Size()), **{axis: size})
    work = getattr(pieces, piece)(sizes, images.at(torch.arange(sizes.images)))
    Path("/proc/self/clear_refs").write_text(RESETS_PEAK)
    before, started, clock = peak(), _processor(), time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        work()
    if piece == "running":
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return Point(piece, axis, size, time.perf_counter() - clock, largest)
    return Point(piece, axis, size, _processor() - started, peak() - before)


def _processor() -> float:
    """Seconds of processors that this process and those that it waited for have taken."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def slopes(points: Sequence[Point]) -> Iterator[str]:
    """A row of Markdown for each line: its ends, its slope, and that of the last step, which fixed costs hide least."""
    yield "| varied | piece | sizes | seconds | slope | last step | megabytes | slope |"
    yield "|:--|:--|--:|--:|--:|--:|--:|--:|"
    for axis, piece in dict.fromkeys((p.axis, p.piece) for p in points):
        line = [p for p in points if (p.axis, p.piece) == (axis, piece)]
        seconds, megabytes = ([getattr(p, column) for p in line] for column in ("seconds", "megabytes"))
        sizes = [p.size for p in line]
        numbers = slope(sizes, seconds), slope(sizes[-2:], seconds[-2:]), slope(sizes, megabytes)
        of_time, last, of_memory = (f"{number:.2f}" for number in numbers)
        yield (
            f"| {axis} | {piece} | {sizes[0]:,} to {sizes[-1]:,} | {seconds[0]:.3g} to {seconds[-1]:.3g} | {of_time} "
            f"| {last} | {megabytes[0]:.0f} to {megabytes[-1]:.0f} | {of_memory} |"
        )


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Of the logarithms, by least squares; NaN where nothing was taken."""
    if min(values) <= 0:
        return math.nan
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def growths(data_root: Path, folder: Path = FOLDER) -> Iterator[str]:
    """The table of slopes, once the figure is written."""
    points = list(growth(data_root))
    figure(points, folder)
    yield from slopes(points)
