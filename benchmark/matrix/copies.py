"""Explainers that rank exactly as another of the same matrix: measured once, so that tests count them once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from roarbench.benchmark.matrix.plugins import monotone
from roarbench.benchmark.matrix.spec import Cell, PlugIn, Ranking
from roarbench.benchmark.matrix.units import unit_shape

REASON = "same ranking as {base}: the magnitudes of single values keep their order"


def copies(cells: Iterable[Cell], shapes: Mapping[PlugIn, tuple[int, ...]]) -> dict[Cell, str]:
    """Cells that would repeat the cells of another explainer up to ties, and why each is skipped.

    Attributions themselves differ, and are measured.

    Args:
        cells: planned cells; only a base that is among them makes a copy.
        shapes: data set -> shape of one example, `(c, h, w)` or `(d,)`; cells of other data sets are no copies.
    """
    all_cells = list(cells)
    rankings = {cell.ranking for cell in all_cells if cell.ranking}
    bases = {ranking: base for ranking in rankings if (base := _base(ranking, shapes)) in rankings}
    return {
        cell: REASON.format(base=bases[cell.ranking].explainer.text)
        for cell in all_cells
        if cell.ranking in bases and cell.probe != "attribution"
    }


def _base(ranking: Ranking, shapes: Mapping[PlugIn, tuple[int, ...]]) -> Ranking | None:
    """The ranking that this one repeats, where it does."""
    shape = shapes.get(ranking.training.dataset)
    if shape is None or not ranking.magnitude or not monotone(ranking.explainer):
        return None
    if unit_shape(shape, ranking.unit) != shape:
        return None  # the features of a unit are summed
    base = dict(ranking.explainer.parameters)["base"]
    assert isinstance(base, PlugIn)
    return replace(ranking, explainer=base)
