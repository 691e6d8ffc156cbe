"""The cells of a matrix with the seeds that were added to it, from what a folder holds."""

from collections.abc import Iterator
from dataclasses import asdict, replace

from benchmark import plan
from benchmark.adaptive import Point, panel, replicate, rule
from benchmark.plan import Matrix
from benchmark.spec import Cell, key
from benchmark.store import Outcome, Row

Curve = tuple[object, ...]
"""A panel and an explainer, by what tells them apart within a matrix; no explainer where a cell serves all curves."""

Became = dict[Cell, Outcome | None]


def cells(matrix: Matrix, rows: list[Row]) -> list[Cell]:
    """Every cell of a matrix by now, in canonical order.

    These are its own seeds, the seeds that `target_interval` asks for, and further seeds that the folder holds: a curve
    that has a finished cell of a seed is given the others too. Hence a folder never loses a seed, whatever its matrix
    asks for later.
    """
    wide = plan.cells(replace(matrix, seeds=_num_seeds(matrix, rows), target_interval=None))
    outcomes = {row.key: row.outcome for row in rows}
    became = {cell: outcomes.get(key(cell)) for cell in wide}
    wanted = _begun(became) | _asked(matrix, became)
    trained = {cell.training for cell in wide if (_curve(cell), cell.training.seed) in wanted}
    return [
        cell
        for cell in wide
        if cell.training.seed < matrix.seeds
        or (_curve(cell), cell.training.seed) in wanted
        or (cell.ranking is None and cell.training in trained)
    ]


def within_reach(matrix: Matrix) -> list[Cell]:
    """All cells that `target_interval` might ask for; none where it is not given."""
    return [] if matrix.target_interval is None else plan.cells(replace(matrix, seeds=matrix.max_seeds))


def _num_seeds(matrix: Matrix, rows: list[Row]) -> int:
    """Seeds that any curve has or may get."""
    held = (row.specification["training"]["seed"] + 1 for row in rows if _done(row.outcome))
    return max(matrix.seeds, 0 if matrix.target_interval is None else matrix.max_seeds, *held)


def _begun(became: Became) -> set[tuple[Curve, int]]:
    """Curves and seeds with a finished cell."""
    return {(_curve(cell), cell.training.seed) for cell, outcome in became.items() if _done(outcome)}


def _asked(matrix: Matrix, became: Became) -> set[tuple[Curve, int]]:
    """Curves and seeds that the rule of the matrix asks for."""
    ruled = rule(asdict(matrix))
    if ruled is None:
        return set()
    panels: dict[Curve, list[Point]] = {}
    for cell, outcome in became.items():
        if cell.ranking:
            panels.setdefault(_panel(cell), []).append(_point(cell, outcome))
    return set(_grown(panels, ...))


def _panel(cell: Cell) -> Curve:
    return cell.training.dataset, cell.training.classifier, cell.fill, cell.order, cell.retrain, cell.probe


def _curve(cell: Cell) -> Curve:
    return *_panel(cell), cell.ranking.explainer if cell.ranking else None


def _done(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status == "done"
