"""What a run would take, as text for the terminal."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from roarbench.benchmark.cost.costs import Absent, Cost, Line, costs, row_bytes, spelt
from roarbench.benchmark.execution.executor import ROOM
from roarbench.benchmark.execution.session import Resources, num_workers, workplace
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.work import counted
from roarbench.benchmark.networks.precision import settled
from roarbench.benchmark.results.matched import expected
from roarbench.benchmark.results.provenance import provenance

SMALL = 0.01
"""Rankings that take a smaller share of the time of all rankings are told in one line."""

CARD, CARD_RATE, ATTAINED = "NVIDIA A100", 312e12, 0.1
"""A card that many have, its bfloat16 operations a second, and the share of them that small networks may attain."""

REMEDY = (
    "provide the data, or plan with generated images of their size: "
    '--datasets "noise[train=...,test=...,size=...,channels=...,classes=...]"'
)


def forecast(matrix: Matrix, resources: Resources) -> str:
    """Counts, bytes and hours of a matrix; takes about a minute, writes and downloads nothing.

    Raises:
        ValueError: a matrix that makes no sense, a device that is not there, a classifier that does not fit the data.
    """
    place = workplace(Path(), resources)
    if resources.cluster:
        resources.cluster.check()
    cells = plan.cells(replace(matrix, recipe=settled(matrix.recipe, place.device)))
    cells += expected(cells)
    workers = num_workers(resources.workers, place.device)
    parts = costs(cells, place)
    cost_parts = [part for part in parts if isinstance(part, Cost)]
    lines = [counted(cells)]
    if matrix.target_interval is not None:
        lines.append(f"  more may follow: up to {matrix.max_seeds} seeds where intervals are too wide")
    for part in parts:
        lines += ["", *(_cost(part) if isinstance(part, Cost) else [f"{part.title}", f"  {_absent(part)}"])]
    if cost_parts:
        keeps_ranks = any(cell.probe == "own_mask" for cell in cells)
        here = None if resources.cluster else workers
        lines += [
            "",
            *_disk(cost_parts, row_bytes(cells, place.device), None if here is None else max(1, here), keeps_ranks),
        ]
        lines += ["", *_hours(cost_parts, place.device, here)]
    return "\n".join(lines)


def _absent(part: Absent) -> str:
    return f"neither bytes nor hours, for {part.reason}; {REMEDY}"


def _cost(cost: Cost) -> Iterator[str]:
    yield cost.title
    if cost.skipped:
        yield f"  {cost.skipped:,} of its cells are skipped, for they would repeat others"
    yield (
        f"  {spelt(cost.passes)} of the classifier for each image, all explainers of one network; "
        f"{cost.alone:,.4g} if each worked alone"
    )
    lines = [*cost.trainings, *_gathered(cost.rankings)]
    width = max(len(line.what) for line in lines)
    yield f"  {'':{width}}{'count':>8}{'seconds each':>15}{'hours':>14}"
    yield from (_line(line, width) for line in lines)


def _gathered(lines: tuple[Line, ...]) -> Iterator[Line]:
    """The lines, those that take almost nothing as one."""
    least = SMALL * sum(line.total for line in lines)
    main = [line for line in lines if line.total >= least or line.note]
    rest = [line for line in lines if line not in main]
    yield from main
    if rest:
        count = sum(line.count for line in rest)
        yield Line(f"{len(rest)} others, less than {SMALL:.0%} each", count, sum(line.total for line in rest) / count)


def _line(line: Line, width: int) -> str:
    if line.seconds is None:
        return f"  {line.what:{width}}{line.count:8,}  {line.note}"
    note = f"  {line.note}" if line.note else ""
    return f"  {line.what:{width}}{line.count:8,}{_number(line.seconds):>15}{_number(line.total / 3600):>14}{note}"


def _disk(cost_parts: list[Cost], rows: int, workers: int | None, keeps_ranks: bool) -> Iterator[str]:
    """Rank maps lie on the disk from their pass to their last cell.

    Where there is room for all, all passes come first. Otherwise a worker begins a pass only when no cell waits that is
    ready: never more passes than workers are open.

    Args:
        keeps_ranks: all lie there until the end, for own masks tell only then at which shares others are compared.
    """
    ranks = sorted((size for cost in cost_parts for size in cost.ranks), reverse=True)
    most = f", at most {_bytes(sum(ranks[:workers]))} at one time with {workers} at work" if workers else ""
    together = sum(ranks) < ROOM * shutil.disk_usage(Path()).free
    how = ", until the end" if keeps_ranks else ", all at one time" if together else f", one after the other{most}"
    yield "disk"
    yield f"  {_bytes(sum(ranks)):>10}  rank maps{how}"
    yield f"  {_bytes(sum(cost.weights for cost in cost_parts)):>10}  weights of original networks"
    yield f"  {_bytes(rows):>10}  rows"


def _hours(cost_parts: list[Cost], device: str, workers: int | None) -> Iterator[str]:
    lines = [line for cost in cost_parts for line in cost.lines]
    total = sum(line.total for line in lines) / 3600
    longest = max((line.seconds or 0) * line.together for line in lines) / 3600
    least = "at least " if any(line.note.startswith(("at least", "not measured")) for line in lines) else ""
    yield f"{least}{_number(total)} device-hours; a device is {_device(device)}"
    if workers is not None:
        abreast = max(1, workers) if device == "cpu" else 1
        clock = _number(max(total / abreast, longest))
        by = f"with {workers} workers" if workers else "in one process"
        yield f"{clock} hours by the clock {by}; the longest piece of work takes {_number(longest)}"
    if device == "cpu":
        operations = sum(line.total * cost.rate for cost in cost_parts for line in cost.lines)
        hours = _number(operations / (ATTAINED * CARD_RATE) / 3600)
        reckoned = f"{operations:.2g} operations at {ATTAINED:.0%} of its peak; not measured"
        yield f"on one {CARD} perhaps {hours} hours: {reckoned}"
    yield "measured on a sample in memory; reading images from disk and other work beside it make it longer"


def _device(device: str) -> str:
    hardware = provenance(device)["hardware"]
    return f"one core of {hardware}" if device == "cpu" else hardware


def _number(value: float) -> str:
    """Three significant digits."""
    if 0 < value < 0.001:
        return "<0.001"
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} PB"
