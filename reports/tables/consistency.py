"""How far the ways of measuring agree about which explainer is better: Spearman over explainers, way by way."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import rankdata

from roarbench.reports.rows.load import REDUCED, curves
from roarbench.reports.rows.seeds import repeats
from roarbench.reports.rows.settings import ROAD, ROAD_FILL, measure, slug, title
from roarbench.reports.rows.style import family, innermost
from roarbench.reports.statistics.scores import Seeds
from roarbench.reports.tables.evidence import in_common, means
from roarbench.reports.tables.table import Table

WAY = ["order", "retrain", "fill", "probe"]
COMPARED = ["dataset", "classifier", "unit", "magnitude", "target"]
LEFT_OUT = ("Controls", "Instruments")
LEAST = 5
"""Explainers that a correlation needs."""

LEAST_RESAMPLED = 8
"""Families of explainers from which on a bootstrap of them says something."""

DRAWS, CONFIDENCE = 2000, 0.95
BOUNDS = ("mean", "low", "high")

NOTE = (
    "Spearman correlation between the orders of {n} explainers, without controls and instruments. They are ordered "
    "by accuracy averaged over 0 < t < 1 and {over}. Only explainers with whole curves in all these ways are "
    "compared. 1 means that both ways give the same order. {interval} Rong et al. 2022 (arXiv:2202.00449) report "
    "such correlations of retrained ROAR and KAR on CIFAR-10. They are -0.01 for a fixed fill and 0.61 for noisy "
    "linear imputation."
)
INTERVAL = (
    f"In brackets: 95 % percentile interval of {DRAWS} bootstrap samples of the {{families}} families of these "
    "explainers. Ensembles belong to the family of their base. The interval does not include the noise of seeds."
)
NO_INTERVAL = (
    f"No intervals: resampling needs at least {LEAST_RESAMPLED} families of explainers, and these come from "
    "{families}. Ensembles belong to the family of their base."
)


def consistency_tables(frame: pd.DataFrame) -> list[Table]:
    """A matrix of correlations for every data set and classifier where two ways share five explainers."""
    return [_table(*scored, frame) for scored in _scored(frame)]


def correlations(
    scores: Float[np.ndarray, "explainers ways"], families: Sequence[str], draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spearman of every two ways with the bounds of its bootstrap interval, each `(ways, ways)`.

    Whole families are drawn: an explainer and the ensembles of it are no independent witnesses.

    Args:
        scores: larger is better; ties share their rank.
        families: family of every explainer.
    """
    members = [np.flatnonzero(np.array(families) == name) for name in dict.fromkeys(families)]
    sampled = np.random.default_rng(0).integers(len(members), size=(draws, len(members)))
    matrices = [_spearman(scores[np.concatenate([members[i] for i in drawn])]).ravel() for drawn in sampled]
    bootstrapped = pd.DataFrame(matrices)  # quantiles without NaN
    low, high = (bootstrapped.quantile(q).to_numpy() for q in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    mean = _spearman(scores)
    return mean, low.reshape(mean.shape), high.reshape(mean.shape)


def _unbounded(scores: Float[np.ndarray, "explainers ways"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spearman of every two ways without intervals."""
    mean = _spearman(scores)
    return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)


def _spearman(scores: Float[np.ndarray, "explainers ways"]) -> Float[np.ndarray, "ways ways"]:
    """NaN where a way gives all explainers the same."""
    ranks = rankdata(scores, axis=0)
    centred = ranks - ranks.mean(0)
    products = centred.T @ centred
    size = np.sqrt(np.diagonal(products))
    with np.errstate(invalid="ignore", divide="ignore"):
        return products / (size[:, None] * size)


def _scored(frame: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame, int]]:
    """Scores, explainers by ways, the rows behind them and the number of seeds in each score."""
    joined = curves(frame)
    compared = joined[joined.probe.isin(REDUCED) & ~joined.recursive & ~joined.explainer.map(family).isin(LEFT_OUT)]
    for _, part in compared.groupby(COMPARED, sort=False):
        measured = {way: means(rows) for way, rows in part.groupby(WAY, sort=False)}
        measured = {way: of_way for way, of_way in measured.items() if sum(map(bool, of_way.values())) >= LEAST}
        names, seeds = in_common(list(measured.values()), LEAST)
        if names and len(measured) > 1:
            yield pd.DataFrame({way: _scores(by, way, seeds) for way, by in measured.items()}, names), part, len(seeds)


def _scores(by: Mapping[str, Seeds], way: tuple, seeds: Sequence[int]) -> dict[str, float]:
    """Mean over seeds of every explainer that has them, larger where it is better."""
    turn = 1.0 if way[WAY.index("order")] == "lerf" else -1.0
    return {name: turn * fmean(curve[seed] for seed in seeds) for name, curve in by.items() if set(seeds) <= set(curve)}


def _table(scores: pd.DataFrame, part: pd.DataFrame, num_seeds: int, frame: pd.DataFrame) -> Table:
    families = [innermost(str(name)) for name in scores.index]
    resampled = len(set(families)) >= LEAST_RESAMPLED
    mean, low, high = correlations(scores.to_numpy(), families) if resampled else _unbounded(scores.to_numpy())
    ways = pd.Index([_way(*way) for way in scores.columns], name="way")
    shown = pd.DataFrame(
        [[_cell(mean[i, j], low[i, j], high[i, j]) for j in range(len(ways))] for i in range(len(ways))], ways, ways
    )
    columns = dict(zip(BOUNDS, (mean, low, high), strict=True))
    numbers = pd.DataFrame({(way, k): v[:, j] for j, way in enumerate(ways) for k, v in columns.items()}, ways)
    caption = f"Consistency: do ways of measuring agree about explainers? {part.dataset.iloc[0]}, "
    ending = slug(part, frame[frame.explainer.notna()], COMPARED)
    return Table(
        f"consistency{ending}", caption + title(part).partition(", ")[2].partition(";")[0] + ".",
        shown.rename_axis(None, axis=1), numbers,
        (_note(scores, part, num_seeds, len(set(families))),), printed=True,
        dataset=str(part.dataset.iloc[0]),
    )  # fmt: skip


def _note(scores: pd.DataFrame, part: pd.DataFrame, num_seeds: int, num_families: int) -> str:
    interval = (INTERVAL if num_families >= LEAST_RESAMPLED else NO_INTERVAL).format(families=num_families)
    return NOTE.format(n=len(scores), over=repeats(part, num_seeds), interval=interval)


def _way(order: str, retrain: bool, fill: str, probe: str) -> str:
    """ROAD has one fill, unless it has parameters, and never retrains."""
    name = measure(order, retrain=retrain, fill=fill, probe=probe)
    if name.startswith(ROAD):
        return name if fill == ROAD_FILL else f"{name}, {fill}"
    return ", ".join([name, fill, *([("not " * (not retrain)) + "retrained"] if probe == "image" else [])])


def _cell(mean: float, low: float, high: float) -> str:
    if np.isnan(mean):
        return "–"
    return f"{mean:.2f}" + ("" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]")
