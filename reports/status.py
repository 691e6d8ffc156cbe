"""How far a run is, and what failed in it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten

from roarbench.benchmark.results.store import Row, Store
from roarbench.reports.rows.cells import CURVES, SETTING, coordinates, strange
from roarbench.reports.rows.style import repeated, span

ORIGINAL = "original networks"
"""Whose cells those are that have no explainer and remove nothing; `FULL`: those that remove everything."""
FULL = "networks without any feature"

LONGEST = 300
"""Characters of a reason in one line; all of it stands in the traceback."""


@dataclass
class Failure:
    """Cells that failed for the same reason.

    Attributes:
        whose: explainer as written, and data set.
        reason: its first line says it all; the traceback follows.
    """

    whose: str
    reason: str
    status: str = "failed"
    cells: list[Row] = field(default_factory=list)

    def __str__(self) -> str:
        first = shorten(self.reason.partition("\n")[0], LONGEST)
        return f"{self.whose}: {repeated(len(self.cells), 'cell')} {self.status}: {first}"


def status(folder: Path, *, failures: bool = False) -> str:
    """Counts of cells by status, what failed and why, and the time the rest will take, by what each kind took so far.

    Args:
        failures: adds the traceback below every failure.

    Raises:
        ValueError: the folder holds no run.
    """
    rows = _rows(folder)
    counts = {name: sum(_status(row) == name for row in rows) for name in ("done", "failed", "skipped", "to do")}
    lines = [f"{folder}: {repeated(len(rows), 'cell')}"]
    lines += [f"  {number:6} {name}" for name, number in counts.items() if number]
    if added := seed_counts(row.specification for row in rows):
        lines.append("  seeds: " + ", ".join(f"{name} {number}" for name, number in added.items()))
    if left := _left(rows):
        lines.append(f"  {left}")
    for failure in _failures(rows):
        lines += [f"  {failure}", *(_traceback(failure) if failures else ())]
    return "\n".join(lines)


def _left(rows: list[Row]) -> str:
    """Worker-minutes of the cells to do, each as long as the mean of its kind so far; other kinds are counted apart."""
    spent: dict[object, list[float]] = {}
    for row in rows:
        if row.outcome and row.outcome.status == "done":
            spent.setdefault(_kind(row), []).append(row.outcome.seconds)
    to_do = Counter(_kind(row) for row in rows if not row.outcome)
    seconds = [count * sum(spent[kind]) / len(spent[kind]) for kind, count in to_do.items() if kind in spent]
    unknown = sum(count for kind, count in to_do.items() if kind not in spent)
    others = f", and {repeated(unknown, 'cell')} without an estimate yet" if unknown else ""
    return f"about {sum(seconds) / 60:.1f} worker-minutes to go{others}" if seconds else ""


def _kind(row: Row) -> tuple[object, ...]:
    """What cells have in common that take about as long."""
    cell = row.specification
    training = cell["training"]
    return training["dataset"]["name"], training["classifier"]["name"], cell["retrain"] or cell["probe"]


def seed_counts(cells: Iterable[dict]) -> dict[str, str]:
    """Explainer -> its number of seeds, from fewest to most where its curves differ; empty where all have the same."""
    seeds: dict[str, dict[tuple[object, ...], set[object]]] = {}
    for at in (coordinates(cell) for cell in cells if cell["ranking"] and not strange(cell)):
        if at["probe"] in CURVES:
            curves = seeds.setdefault(str(at["explainer"]), {})
            curves.setdefault(tuple(at[column] for column in (*SETTING, "order")), set()).add(at["seed"])
    counts = {name: [len(of_one) for of_one in curves.values()] for name, curves in seeds.items()}
    several = len({count for of_one in counts.values() for count in of_one}) > 1
    return {name: span(of_one) for name, of_one in counts.items()} if several else {}


def failures(folder: Path) -> list[str]:
    """A line for whatever failed in a run: explainer as written, data set, number of cells, reason.

    Raises:
        ValueError: the folder holds no run.
    """
    return [str(failure) for failure in _failures(_rows(folder))]


def skips(folder: Path) -> list[str]:
    """A line for each reason why cells of a run were skipped, as in `failures`.

    Raises:
        ValueError: the folder holds no run.
    """
    return [str(skip) for skip in _failures(_rows(folder), "skipped")]


def _rows(folder: Path) -> list[Row]:
    store = Store(folder)
    try:
        return store.rows()
    finally:
        store.close()


def _status(row: Row) -> str:
    return row.outcome.status if row.outcome else "to do"


def _failures(rows: list[Row], status: str = "failed") -> list[Failure]:
    """Cells that failed, or were skipped, by explainer and the first line of their reason, in the order of the run."""
    several = len({row.specification["training"]["classifier"]["text"] for row in rows}) > 1
    by_reason: dict[tuple[str, str], Failure] = {}
    for row in rows:
        if row.outcome and row.outcome.status == status:
            whose, reason = _whose(row.specification, several=several), row.outcome.reason
            by_reason.setdefault((whose, reason.partition("\n")[0]), Failure(whose, reason, status)).cells.append(row)
    return list(by_reason.values())


def _whose(cell: dict, *, several: bool) -> str:
    """Explainer and data set of a cell, and its classifier where a run has several."""
    ranking, training = cell["ranking"], cell["training"]
    shared = FULL if cell["removal_fraction"] else ORIGINAL
    where = [training["dataset"]["text"], *([training["classifier"]["text"]] if several else [])]
    return f"{ranking['explainer']['text'] if ranking else shared} on {', '.join(where)}"


def _traceback(failure: Failure) -> Iterator[str]:
    """What stands below the first line of a reason, indented."""
    rest = failure.reason.partition("\n")[2].strip("\n")
    yield from (f"    {line}" for line in rest.splitlines())
