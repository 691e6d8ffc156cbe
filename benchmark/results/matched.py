"""Cells at the share that an explainer hides by masks of its own: what all others keep where as much is hidden."""

from collections.abc import Mapping
from dataclasses import dataclass

from roarbench.benchmark.matrix.spec import Cell, Original, PlugIn, Ranking
from roarbench.benchmark.results.store import Outcome

ASSUMED = 0.95
"""Share hidden by masks that are not known yet: only for the forecast, where it changes no cost."""

Became = Mapping[Cell, Outcome | None]


@dataclass(frozen=True)
class _Comparison:
    """What explainers must have in common with own masks to be compared with them."""

    training: Original
    fill: PlugIn | None


def matched(became: Became) -> list[Cell]:
    """A cell for each explainer that was retrained, at the share of features that own masks hide, seed by seed.

    Own masks hide more than the largest removal fraction that is usually measured. Accuracy falls steeply there, so
    that only a network retrained at the same share compares; nothing is interpolated.

    Args:
        became: cell -> its outcome so far, None while it is to do.

    Returns:
        KAR cells whose probe is "matched"; none for shares that are not measured yet.
    """
    shares: dict[_Comparison, set[float]] = {}
    for cell, outcome in became.items():
        if cell.probe == "own_mask" and outcome is not None and outcome.status == "done":
            share = outcome.metrics["share_removed"]
            assert share is not None
            shares.setdefault(_Comparison(cell.training, cell.fill), set()).add(round(share, 10))
    retrained = {cell: outcome for cell, outcome in became.items() if outcome is not None and outcome.status == "done"}
    return [
        Cell(comparison.training, ranking, comparison.fill, "lerf", share, probe="matched")
        for comparison, ranking in _compared(retrained)
        for share in sorted(shares.get(comparison, ()))
    ]


def expected(cells: list[Cell]) -> list[Cell]:
    """The matched cells that planned cells will ask for, at a made-up share."""
    own = [cell for cell in cells if cell.probe == "own_mask"]
    return [
        Cell(cell.training, ranking, cell.fill, "lerf", ASSUMED, probe="matched")
        for comparison, ranking in _compared(dict.fromkeys(cells))
        for cell in own
        if _Comparison(cell.training, cell.fill) == comparison
    ]


def _compared(cells: Mapping[Cell, object]) -> list[tuple[_Comparison, Ranking]]:
    """Each ranking by which images are reduced and networks retrained, once for each training and fill."""
    curves = (cell for cell in cells if cell.probe == "image" and cell.retrain and cell.order == "lerf")
    plain = (cell for cell in curves if cell.ranking is not None and cell.steps is None)
    return list(dict.fromkeys((_Comparison(c.training, c.fill), c.ranking) for c in plain if c.ranking))
