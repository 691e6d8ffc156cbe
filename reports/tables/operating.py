"""Explainers with masks of their own (Hide-and-Seek): where these stand, and all others at an equal share hidden."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from roarbench.reports.rows.load import SETTING, curves
from roarbench.reports.rows.settings import settings, slug, title
from roarbench.reports.rows.style import Form, label, probability, repeated, share
from roarbench.reports.statistics.indices import highest, with_indices
from roarbench.reports.tables.lines import Columns, Lines
from roarbench.reports.tables.table import Table, by_seed, table

POINT = ["explainer", "seed", "I", "accuracy"]

HOW = (
    "I: hidden share of the test features. Own masks: accuracy of its own seeker, against the original network. Own "
    "masks, retrained: a classifier retrained behind the same masks, with the recipe and fill of all others. "
    "Explainers: networks retrained without the least relevant features, at the share that the own masks of that "
    "seed hide. That share is rounded to whole units."
)
MISSING = (
    "–: no network was retrained at that share (skipped, failed or still to do), and nothing is interpolated. Run "
    "the same command again for cells that are still to do."
)


def forms(part: pd.DataFrame) -> dict[str, Form]:
    """How the indices of one setting are written, with the bounds that its original networks set."""
    bounded = replace(share, high=highest(part[part.removal_fraction == 0]))
    return {"I": probability, "F": bounded, "FIR": probability, "FII": bounded}


def operating_tables(frame: pd.DataFrame) -> list[Table]:
    """A table for every explainer with masks of its own, in every setting where images are retrained."""
    joined = curves(frame)
    return [table for part in settings(joined) for table in _of_setting(part, frame, slug(part, joined))]


def operating_points(rows: pd.DataFrame) -> pd.DataFrame:
    """Share hidden by an explainer's own masks and accuracy of its own seeker.

    Returns:
        Columns explainer, seed, I, accuracy.
    """
    retrained = (rows.probe == "image") & rows.retrain.astype(bool)
    points = rows[rows.own_accuracy.notna() & retrained].drop_duplicates(["explainer", "seed"])
    return points.rename(columns={"own_share_hidden": "I", "own_accuracy": "accuracy"})[POINT]


def own_rows(explainer: str) -> tuple[str, str]:
    """What the rows of an explainer's own masks are called: by its own seeker, and by a retrained classifier."""
    return f"{label(explainer)}, own masks", f"{label(explainer)}, own masks, retrained"


def at_own_shares(part: pd.DataFrame, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Explainers with masks of their own -> these, and all explainers retrained at the share that they hide.

    Args:
        part: the curves of one setting.
        frame: all cells of the run, as `load.Run.frame`.

    Returns:
        Frames with the columns explainer, seed, I, accuracy, F, FIR, FII.
    """
    original = part[part.removal_fraction == 0]
    behind, matched = (_measured(part, frame, probe) for probe in ("own_mask", "matched"))
    points = {}
    for name, seeker in operating_points(_lerf(part)).groupby("explainer", sort=False):
        seeker_row, retrained_row = own_rows(str(name))
        masks = behind[behind.explainer == name]
        at_share = matched.merge(_shares(masks), on=["seed", "removal_fraction"])
        rows = pd.concat(
            [seeker.assign(explainer=seeker_row), masks.assign(explainer=retrained_row)[POINT], at_share[POINT]]
        )
        points[str(name)] = with_indices(rows, original, accuracy="accuracy", hidden="I")
    return points


def _measured(part: pd.DataFrame, frame: pd.DataFrame, probe: str) -> pd.DataFrame:
    """Cells of a probe under the conditions of a part; I and accuracy are those of the test images."""
    done = frame[(frame.probe == probe) & (frame.status == "done") & (not part.recursive.iloc[0])]
    same = (done[SETTING] == part[SETTING].iloc[0]).drop(columns="probe").all(axis=1)
    return done[same].rename(columns={"share_removed": "I", "test_accuracy": "accuracy"})


def _shares(masks: pd.DataFrame) -> pd.DataFrame:
    """Seed and removal fraction of the cells that were matched with masks."""
    return pd.DataFrame({"seed": masks.seed, "removal_fraction": masks.I.round(10)}).drop_duplicates()


def _lerf(part: pd.DataFrame) -> pd.DataFrame:
    return part[(part.order == "lerf") & (part.probe == "image") & (part.retrain.astype(bool))]


def _of_setting(part: pd.DataFrame, frame: pd.DataFrame, ending: str) -> Iterator[Table]:
    lerf = _lerf(part)
    for name, rows in at_own_shares(part, frame).items():
        seeker = lerf[lerf.explainer == name]
        common = lerf[lerf.seed.isin(seeker.seed)]
        written = forms(part)
        values = {column: by_seed(rows, column) for column in written}
        caption = f"Operating point: {own_rows(name)[0]}, and all explainers at the same share hidden I. {title(lerf)}."
        variant = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
        lines = Lines(common, own_rows(name))
        operating = table(f"operating-{variant}{ending}", caption, lines, Columns(values, written))
        without = operating.numbers[("I", "n")] == 0
        operating.shown.loc[without.to_numpy()] = "–"
        notes = (HOW, *([MISSING] if without.any() else []), *_collapses(seeker))
        yield replace(operating.noted(*notes), printed=True)


def _collapses(rows: pd.DataFrame) -> Iterator[str]:
    """A line for each seed whose training collapsed."""
    for _, row in rows[rows.own_restarts > 0].drop_duplicates("seed").iterrows():
        outcome = "and collapsed again" if row.own_collapsed else "and succeeded"
        yield f"Seed {row.seed}: collapsed, restarted {repeated(round(row.own_restarts), 'time')} {outcome}."
