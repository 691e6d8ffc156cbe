"""Explainers with masks of their own (Hide-and-Seek): where these stand, and all others at an equal share hidden."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from reports.load import curves
from reports.settings import settings, slug, title
from reports.style import label, share
from reports.table import Table, table
from reports.tables import with_indices

HOW = (
    "Own masks: its own seeker against the original network. Explainers: networks retrained on images without their "
    "least relevant pixels, interpolated between the measured fractions; beyond the last of them, {last:.10g}, at that "
    "one, hence at a smaller I."
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


def _of_setting(part: pd.DataFrame, ending: str) -> Iterator[Table]:
    kept = part[(part.order == "lerf") & (part.probe == "image") & (part.retrain.astype(bool))]
    for name, points in operating_points(kept).groupby("explainer", sort=False):
        common = kept[kept.seed.isin(kept[kept.explainer == name].seed)]
        own = f"{label(str(name))}, own masks"
        rows: pd.DataFrame = pd.concat(
            [points.assign(explainer=own), _at_shares(common[common.status == "done"], points)]
        )
        rows = with_indices(rows, part[part.removal_fraction == 0], accuracy="accuracy", hidden="I")
        values = {c: {e: g[c].tolist() for e, g in rows.groupby("explainer")} for c in ("I", "F", "FIR", "FII")}
        caption = f"Operating point: {own}, and all explainers at the same share hidden I. {title(kept)}."
        variant = re.sub("[^a-z0-9]+", "_", str(name).lower()).strip("_")
        made = table(f"operating-{variant}{ending}", caption, common, values, share, first=(own,))
        how = HOW.format(last=common.removal_fraction.max())
        yield replace(made, notes=(*made.notes, how, *_collapses(kept[kept.explainer == name])), printed=True)


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
