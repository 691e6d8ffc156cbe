"""Tables of Hide-and-Seek: every training, and means over trainings beside the published ones."""

import math
from collections.abc import Mapping

import pandas as pd

from roarbench.reports.hns.results import METRICS, Study, published
from roarbench.reports.rows.style import repeated
from roarbench.reports.tables.table import Table

PERCENT = ("accuracy", "hidden", "nonzero hidden")
NOTE = (
    "Mean (and standard deviation, SD) over n trainings, on the test split, after the last epoch. Best FII: FII in "
    "the epoch with the highest validation FII, or in the last epoch without a validation split. Mask only: accuracy "
    "of a classifier that sees nothing but the masks of that epoch. Judge: accuracy behind those masks of a seeker "
    "that was trained behind random masks, without the hider. Gap: accuracy of the seeker, or of a network retrained "
    "behind those masks if it is better, minus the judge's, in points. A large gap means that networks read the "
    "masks as a code. Variation: share of the variance of masks that lies between images. 0 means that all images "
    "have the same mask."
)
OK, LOST = 0.9, 0.2
COMPARED = (
    "Mean (and standard deviation, SD; published: of the population) over n trainings on the test split after the last "
    f"epoch. Peak FII: the highest of any epoch on the test split. Ok: trainings with F and I of at least {OK}; lost: "
    f"with F or I below {LOST}. Gap: see the summary."
)
PUBLISHED_NOTE = (
    "Published FII: mean (and standard deviation of the population, SD) over 10 trainings after the last epoch. "
    "Published peak: the highest test FII in any epoch of any of these trainings."
)


def trainings(finals: pd.DataFrame) -> Table:
    """A row for every training of `results.frame`."""
    index = [f"{row.condition}, seed {row.seed}" for row in finals.itertuples()]
    shown = finals.drop(columns=["dataset", "condition", "seed"]).map(_plain).set_axis(index)
    shown.index.name = "training"
    return Table("trainings", f"Every training on {_datasets(finals)}, on the test split.", shown, finals)


def summary(finals: pd.DataFrame, rows: Mapping[str, str] | None = None) -> Table:
    """Mean and standard deviation over the trainings of each condition, and the published FII.

    Args:
        finals: trainings, from `results.frame`.
        rows: condition -> row of `published.csv`, or "".
    """
    shown = pd.DataFrame({str(name): _means(group) for name, group in finals.groupby("condition", sort=False)}).T
    theirs = published({name: row for name, row in (rows or {}).items() if name in shown.index})
    for name, line in theirs.iterrows():
        shown.loc[name, "published FII"] = _mean_sd(line.fii, line.fii_sd)
        shown.loc[name, "published peak"] = f"{line.best_fii:.3f}"
    notes = (NOTE, PUBLISHED_NOTE) if len(theirs) else (NOTE,)
    caption = f"Hide-and-Seek on {_datasets(finals)}."
    return Table("summary", caption, shown.fillna("–").rename_axis("condition"), finals, notes)


def comparison(study: Study) -> Table:
    """The conditions, then the published ones they are compared with, in the shape of the authors' results."""
    peaks = study.epochs.groupby(["condition", "seed"]).fii.max()
    finals = study.finals.join(peaks.rename("peak FII"), on=["condition", "seed"])
    rows = {str(name): _ours(group) for name, group in finals.groupby("condition", sort=False)}
    rows |= {f"published: {row['row']}": _theirs(row) for _, row in study.published.iterrows()}
    shown = pd.DataFrame(rows).T.rename_axis("condition")
    return Table("comparison", f"Hide-and-Seek on {_datasets(finals)}, beside the paper.", shown, finals, (COMPARED,))


def _ours(group: pd.DataFrame) -> dict[str, str]:
    lost = (group.F < LOST) | (group.hidden < LOST)
    return {
        "n": str(len(group)),
        **{name: _spread(group[name], percent=name in PERCENT) for name in ("accuracy", "hidden", "F", "FII")},
        "FIR": f"{group.FIR.mean():.3f}",
        "gap": _spread(group["gap"], percent=True),
        "mean peak FII": f"{group['peak FII'].mean():.3f}",
        "best peak FII": f"{group['peak FII'].max():.3f}",
        "ok": str(int(((group.F >= OK) & (group.hidden >= OK)).sum())),
        "lost": str(int(lost.sum())),
        "FII of the others": "–" if lost.all() else f"{group.FII[~lost].mean():.3f}",
    }


def _theirs(row: pd.Series) -> dict[str, str]:
    return {
        "n": f"{row.n:.0f}",
        "accuracy": _mean_sd(row.accuracy, row.accuracy_sd, percent=True),
        "hidden": _mean_sd(row.hidden, row.hidden_sd, percent=True),
        "F": _mean_sd(row.fidelity, row.fidelity_sd),
        "FII": _mean_sd(row.fii, row.fii_sd),
        "FIR": f"{row.fir:.3f}",
        "gap": "–",
        "mean peak FII": f"{row.peak_fii:.3f}",
        "best peak FII": f"{row.best_fii:.3f}",
        "ok": f"{row.ok:.0f}",
        "lost": f"{row.collapsed:.0f}",
        "FII of the others": "–" if pd.isna(row.sound_fii) else f"{row.sound_fii:.3f}",
    }


def _datasets(finals: pd.DataFrame) -> str:
    return ", ".join(dict.fromkeys(finals.dataset))


def _means(group: pd.DataFrame) -> dict[str, str]:
    collapsed = int((group["collapsed"] != "no").sum())
    return {
        "n": str(len(group)),
        "epochs": _range(group["epochs"]),
        "last alpha": _range(group["alpha"]),
        **{name: _spread(group[name], percent=name in PERCENT) for name in METRICS},
        "variation": _spread(group["variation"]),
        "best FII": _spread(group["best FII"]),
        **{name: _spread(group[name], percent=True) for name in ("mask only", "judge", "gap")},
        "collapsed": f"{collapsed} ({repeated(int(group['restarts'].sum()), 'restart')})",
    }


def _spread(values: pd.Series, *, percent: bool = False) -> str:
    """Mean and standard deviation of what was measured; a dash where nothing was."""
    if values.isna().all():
        return "–"
    return _mean_sd(values.mean(), values.std(), percent=percent)


def _mean_sd(mean: float, sd: float, *, percent: bool = False) -> str:
    """A mean with its standard deviation: ± is kept for the half-widths of intervals."""
    scale, decimals = (100, 1) if percent else (1, 3)
    text = f"{scale * mean:.{decimals}f}"
    return text if math.isnan(sd) else f"{text} (SD {scale * sd:.{decimals}f})"


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def _plain(value: object) -> str:
    return f"{value:.4f}".replace("nan", "–") if isinstance(value, float) else str(value)
