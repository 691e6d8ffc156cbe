"""Explainers with masks of their own (Hide-and-Seek): where these stand, and all others at an equal share hidden."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from reports.indices import INDICES, with_indices
from reports.load import curves
from reports.settings import settings, slug, title
from reports.style import label, share
from reports.table import Table, by_seed, table

HOW = (
    "Own masks: its own seeker against the original network. Explainers: networks retrained on images without their "
    "least relevant pixels, interpolated in straight lines between the measured fractions; "
    "beyond the last of them, {last:.10g}, at that one, hence at a smaller I."
)


def operating_tables(frame: pd.DataFrame) -> list[Table]:
    """A table for every explainer with masks of its own, in every setting where images are retrained."""
    joined = curves(frame)
    return [made for part in settings(joined) for made in _of_setting(part, slug(part, joined))]


def operating_points(rows: pd.DataFrame) -> pd.DataFrame:
    """Share hidden by an explainer's own masks and accuracy of its own seeker.

    Returns:
        Columns explainer, seed, I, accuracy.
    """
    retrained = (rows.probe == "image") & rows.retrain.astype(bool)
    points = rows[rows.own_accuracy.notna() & retrained].drop_duplicates(["explainer", "seed"])
    named = {"explainer": "explainer", "seed": "seed", "own_share_hidden": "I", "own_accuracy": "accuracy"}
    return points[list(named)].rename(columns=named)


def own_masks(explainer: str) -> str:
    """How the row of an explainer's own masks is called."""
    return f"{label(explainer)}, own masks"


def at_own_shares(part: pd.DataFrame, original: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Explainers with masks of their own -> these, and all explainers at the share that they hide.

    Args:
        part: the rows of one setting.
        original: those of intact images.

    Returns:
        Frames with the columns explainer, seed, I, accuracy, F, FIR, FII.
    """
    kept = _kept(part)
    found = {}
    for name, points in operating_points(kept).groupby("explainer", sort=False):
        others = _at_shares(kept[kept.status == "done"], points)
        rows: pd.DataFrame = pd.concat([points.assign(explainer=own_masks(str(name))), others])
        found[str(name)] = with_indices(rows, original, accuracy="accuracy", hidden="I")
    return found


def _kept(part: pd.DataFrame) -> pd.DataFrame:
    return part[(part.order == "lerf") & (part.probe == "image") & (part.retrain.astype(bool))]


def _of_setting(part: pd.DataFrame, ending: str) -> Iterator[Table]:
    kept = _kept(part)
    for name, rows in at_own_shares(part, part[part.removal_fraction == 0]).items():
        common = kept[kept.seed.isin(kept[kept.explainer == name].seed)]
        values = {column: by_seed(rows, column) for column in ("I", *INDICES)}
        caption = f"Operating point: {own_masks(name)}, and all explainers at the same share hidden I. {title(kept)}."
        variant = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
        made = table(f"operating-{variant}{ending}", caption, common, values, share, first=(own_masks(name),))
        how = HOW.format(last=common.removal_fraction.max())
        yield replace(made.noted(how, *_collapses(kept[kept.explainer == name])), printed=True)


def _collapses(rows: pd.DataFrame) -> Iterator[str]:
    """A line for each seed whose training collapsed."""
    for row in rows[rows.own_restarts > 0].drop_duplicates("seed").itertuples():
        outcome = "and collapsed again" if row.own_collapsed else "and succeeded"
        yield f"Seed {row.seed}: collapsed, restarted {row.own_restarts:.0f} times {outcome}."


def _at_shares(kept: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Every explainer and seed at the share hidden of that seed, or the largest measured where that is less."""
    hidden = dict(zip(points.seed, points.I, strict=True))
    found = [
        (name, seed, at, float(np.interp(at, curve.share_removed, curve.test_accuracy)))
        for (name, seed), curve in kept.sort_values("share_removed").groupby(["explainer", "seed"], sort=False)
        if seed in hidden
        for at in [min(hidden[seed], curve.share_removed.max())]
    ]
    return pd.DataFrame(found, columns=["explainer", "seed", "I", "accuracy"])
