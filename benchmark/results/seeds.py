"""The cells of a matrix with the seeds that were added to it, decided from what a folder holds."""

import math
from dataclasses import asdict, replace

from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell, key
from roarbench.benchmark.results.adaptive import Point, panel, replicate, rule
from roarbench.benchmark.results.matched import matched
from roarbench.benchmark.results.store import Outcome, Row

Place = tuple[tuple[object, ...], str, int]
"""Panel, explainer and seed of a cell; no explainer where a cell serves all curves."""

Became = dict[Cell, Outcome | None]


def wide(matrix: Matrix, rows: list[Row]) -> list[Cell]:
    """Every cell that a folder has, or may come to have, of a matrix.

    Args:
        rows: what the folder holds.
    """
    return plan.cells(replace(matrix, seeds=_num_seeds(matrix, rows), target_interval=None))


def cells(matrix: Matrix, rows: list[Row], all_cells: list[Cell]) -> list[Cell]:
    """Every cell that a matrix has by now, in canonical order.

    Beside its own seeds these are the seeds that `target_interval` asks for, and those that the folder holds already,
    whole curves of them: whatever a matrix asks for later, a folder never loses a seed. Last come the cells at shares
    that own masks were measured to hide.

    Args:
        rows: what the folder holds.
        all_cells: those that it may come to have: `wide`.
    """
    outcomes = {row.key: row.outcome for row in rows}
    became = {cell: outcomes.get(key(cell)) for cell in all_cells}
    places = _begun(became) | _asked(matrix, became)
    places |= {_place(cell) for cell in all_cells if cell.training.seed < matrix.seeds}
    trainings = {cell.training for cell in all_cells if cell.ranking and _place(cell) in places}
    planned = [
        cell for cell in all_cells if _place(cell) in places or (cell.ranking is None and cell.training in trainings)
    ]
    return [*planned, *matched({cell: became[cell] for cell in planned})]


def _num_seeds(matrix: Matrix, rows: list[Row]) -> int:
    """Seeds that a curve has, or may come to have."""
    counts = (row.specification["training"]["seed"] + 1 for row in rows if _done(row.outcome))
    return max(matrix.seeds, 0 if matrix.target_interval is None else matrix.max_seeds, *counts)


def _begun(became: Became) -> set[Place]:
    """Where a cell is finished."""
    return {_place(cell) for cell, outcome in became.items() if _done(outcome)}


def _asked(matrix: Matrix, became: Became) -> set[Place]:
    """Seeds that the rule of the matrix asks for."""
    stopping_rule = rule(asdict(matrix))
    if stopping_rule is None:
        return set()
    panels: dict[tuple[object, ...], list[Point]] = {}
    for cell, outcome in became.items():
        where, name, seed = _place(cell)
        if _counts(cell, matrix):
            panels.setdefault(where, []).append(Point(name, seed, cell.removal_fraction, _accuracy(outcome)))
    places = {
        (where, name, seed)
        for where, points in panels.items()
        for name, n in replicate(panel(points), stopping_rule).seeds.items()
        for seed in range(n)
    }
    curves = {(*where[:2], name, seed) for where, name, seed in places}
    beside = {_place(cell) for cell in became if cell.ranking and not _counts(cell, matrix)}
    return places | {place for place in beside if (*place[0][:2], *place[1:]) in curves}


def _counts(cell: Cell, matrix: Matrix) -> bool:
    """Whether seeds are added for the sake of a cell; what else is measured of an explainer gets the same seeds."""
    asked = cell.retrain or True not in matrix.retrain
    return cell.ranking is not None and cell.probe == "image" and asked


def _place(cell: Cell) -> Place:
    training, recursive = cell.training, cell.steps is not None
    where = training.dataset, training.classifier, cell.fill, cell.order, cell.retrain, cell.probe, recursive
    return where, cell.ranking.explainer.text if cell.ranking else "", cell.training.seed


def _accuracy(outcome: Outcome | None) -> float | None:
    return None if outcome is None else outcome.metrics["test_accuracy"] if _done(outcome) else math.nan


def _done(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status == "done"
