"""How far the ways of measuring agree about which explainer is better: Spearman over explainers, way by way."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.stats import rankdata
from seaborn import heatmap

from reports.drawing import save
from reports.load import curves
from reports.settings import slug, title
from reports.style import ORDERS, family
from reports.table import Table

WAY = ["order", "retrain", "fill"]
COMPARED = ["dataset", "classifier", "unit", "magnitude", "target"]
LEFT_OUT = ("Controls", "Instruments")
LEAST = 5
"""Explainers that a correlation needs."""

DRAWS, CONFIDENCE = 2000, 0.95

NOTE = (
    "Spearman correlation of the orders of {n} explainers, controls left out, by accuracy averaged over 0 < t < 1 and "
    "seeds; 1 where both ways put them in the same order, best first. In brackets the 95 % percentile interval of "
    "{draws} bootstrap samples of the explainers; the noise of seeds is not in it. Rong et al. 2022 "
    "(arXiv:2202.00449) report ROAR against KAR, retrained, as -0.01 for a fixed fill and 0.61 for noisy linear "
    "imputation, on CIFAR-10."
)


def consistency_tables(frame: pd.DataFrame) -> list[Table]:
    """A matrix of correlations for every data set and classifier where two ways share five explainers."""
    return [_table(scores, part, frame) for scores, part in _scored(frame)]


def heat_maps(frame: pd.DataFrame, folder: Path) -> list[Path]:
    """Draws each matrix and returns the paths."""
    return [path for table in consistency_tables(frame) for path in save(_heat_map(table), folder / table.name)]


def correlations(
    scores: Float[np.ndarray, "explainers ways"], draws: int = DRAWS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spearman of every two ways with the bounds of its bootstrap interval, each `(ways, ways)`.

    Args:
        scores: larger is better; ties share their rank.
    """
    n = len(scores)
    sampled = np.random.default_rng(0).integers(n, size=(draws, n))
    bootstrapped = pd.DataFrame(_spearman(scores[sampled]).reshape(draws, -1))  # quantiles without NaN
    low, high = (bootstrapped.quantile(q).to_numpy() for q in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    mean = _spearman(scores[None])[0]
    return mean, low.reshape(mean.shape), high.reshape(mean.shape)


def _spearman(scores: Float[np.ndarray, "b explainers ways"]) -> Float[np.ndarray, "b ways ways"]:
    """NaN where a way does not tell any two apart."""
    ranks = rankdata(scores, axis=1)
    centred = ranks - ranks.mean(1, keepdims=True)
    products = centred.swapaxes(1, 2) @ centred
    size = np.sqrt(np.diagonal(products, axis1=1, axis2=2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return products / (size[:, :, None] * size[:, None, :])


def _scored(frame: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Scores, explainers by ways, and the rows behind them."""
    joined = curves(frame)
    compared = joined[(joined.probe == "image") & ~joined.recursive & ~joined.explainer.map(family).isin(LEFT_OUT)]
    inner = compared[(compared.removal_fraction > 0) & (compared.removal_fraction < 1) & (compared.status == "done")]
    for _, part in inner.groupby(COMPARED, sort=False):
        better = part.assign(score=part.test_accuracy.where(part.order == "lerf", -part.test_accuracy))
        scores = better.pivot_table("score", "explainer", WAY, sort=False).dropna()
        if len(scores) >= LEAST and scores.shape[1] > 1:
            yield scores, part


def _table(scores: pd.DataFrame, part: pd.DataFrame, frame: pd.DataFrame) -> Table:
    found = dict(zip(("mean", "low", "high"), correlations(scores.to_numpy()), strict=True))
    ways = pd.Index([_way(*way) for way in scores.columns], name="way")
    shown = pd.DataFrame(
        [[_cell(*(found[k][i, j] for k in found)) for j in range(len(ways))] for i in range(len(ways))], ways, ways
    )
    numbers = pd.DataFrame({(way, k): v[:, j] for j, way in enumerate(ways) for k, v in found.items()}, ways)
    caption = f"Consistency: do ways of measuring agree about explainers? {part.dataset.iloc[0]}, "
    ending = slug(part, frame[frame.explainer.notna()], COMPARED)
    return Table(
        f"consistency{ending}", caption + title(part).partition(", ")[2].partition(";")[0] + ".",
        shown.rename_axis(None, axis=1), numbers,
        (NOTE.format(n=len(scores), draws=DRAWS),), printed=True,
    )  # fmt: skip


def _heat_map(table: Table) -> Figure:
    means = table.numbers.xs("mean", axis=1, level=1)
    size = 2.4 + 0.7 * len(means)
    figure = Figure(figsize=(size + 1.5, size), layout="constrained")
    axis = figure.subplots()
    heatmap(means, vmin=-1, vmax=1, cmap="vlag", annot=True, fmt=".2f", square=True, cbar=False, ax=axis)
    axis.set(xlabel="", ylabel="")
    axis.set_title(table.caption.replace("? ", "?\n"), fontsize=8)
    return figure


def _way(order: str, retrain: bool, fill: str) -> str:
    return f"{ORDERS[order]}, {fill}, {'retrained' if retrain else 'not retrained'}"


def _cell(mean: float, low: float, high: float) -> str:
    return "–" if np.isnan(mean) else f"{mean:.2f} [{low:.2f}, {high:.2f}]"
