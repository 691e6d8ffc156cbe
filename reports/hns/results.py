"""Results of Hide-and-Seek trainings as frames: what is in their folders, and the published numbers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PUBLISHED = Path(__file__).parent / "published.csv"
"""Ten trainings a row, from the authors' TensorBoard logs (github.com/djib2011/hide-and-seek, MIT licence).

Means and standard deviations (of the population) after the last epoch; `peak_fii` is the mean of the highest FII of
each training, `best_fii` the highest of all; `ok` counts F and I of at least 0.9, `collapsed` F or I below 0.2, and
`sound_...` are means of the others. The rows "fashion/..." are MNIST, which their code loads by that name.
"""

METRICS = {
    "accuracy": "test_accuracy",
    "hidden": "interpretability",
    "nonzero hidden": "test_nonzero_hidden",
    "F": "fidelity",
    "FIR": "fir",
    "FII": "fii",
}
LEAKS = {
    "mask only": "mask_only",
    "random mask only": "random_mask_only",
    "behind mask": "masked",
    "behind random mask": "random_masked",
}
JUDGES = {"judge": "judge", "judge foreign": "judge_foreign", "judge random": "judge_random", "gap": "gap"}
"""Columns that trainings of earlier versions lack."""


WINDOW, POINTS = 50, 200
"""Steps in a rolling mean, and steps that are drawn of a training: files stay small."""


def by_folder(folder: Path) -> dict[Path, dict[str, Any]]:
    """Results of all finished trainings below a folder, by the folder of each."""
    return {path.parent: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("result.json"))}


def frame(results: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a training: metrics of its last epoch, and restarts.

    `best FII`, leaks and judges are of the epoch chosen on validation.
    """
    return pd.DataFrame([_record(result) for result in results]).astype(
        dict.fromkeys(("chance", "variation", *JUDGES), float)
    )


def published(rows: Mapping[str, str]) -> pd.DataFrame:
    """The published rows of some conditions, by condition.

    Args:
        rows: condition -> row of `published.csv`, or "" where there is none.

    Raises:
        ValueError: a row that was not published.
    """
    table = pd.read_csv(PUBLISHED).set_index("row", drop=False)
    names = {name: row for name, row in rows.items() if row}
    for name, row in names.items():
        if row not in table.index:
            raise ValueError(f"published of {name!r} must be a row of {PUBLISHED.name}, got {row!r}")
    return table.loc[[*names.values()]].set_axis([*names])


@dataclass(frozen=True)
class Study:
    """The finished trainings of a study.

    Attributes:
        order: all conditions, those without trainings as well.
        finals: rows of `reports.hns.frame`, and the data set.
        epochs: a row for each training and epoch, see `padded`.
        steps: a row for each training and some of the steps, see `resampled`.
        published: rows of `published.csv` by condition.
    """

    order: list[str]
    finals: pd.DataFrame
    epochs: pd.DataFrame
    steps: pd.DataFrame
    published: pd.DataFrame

    @property
    def baseline(self) -> float:
        """Mean accuracy on intact images."""
        return float(self.finals.baseline.mean())

    @property
    def chance(self) -> float | None:
        """Accuracy of guessing, where the results hold it."""
        chance = self.finals.chance.max()
        return None if np.isnan(chance) else float(chance)


def read(folder: Path, rows: Mapping[str, str]) -> Study | None:
    """The finished trainings below a folder, if there are any."""
    results = by_folder(folder)
    if not results:
        return None
    finals = frame(results.values())
    epochs = {place: pd.read_csv(place / "epochs.csv") for place in results}
    num_epochs, num_steps = (int(max(table[column].max() for table in epochs.values())) for column in ("epoch", "step"))
    grid = np.unique(np.linspace(1, num_steps, POINTS).round())
    measured = {name: row for name, row in rows.items() if name in set(finals.condition)}
    return Study(
        list(dict.fromkeys([*rows, *finals.condition])),
        finals,
        _joined(results, (padded(table, num_epochs) for table in epochs.values())),
        _joined(results, (resampled(table, _steps(place, table), grid) for place, table in epochs.items())),
        published(measured),
    )


def padded(epochs: pd.DataFrame, num_epochs: int) -> pd.DataFrame:
    """Rows for epochs 1 to `num_epochs`: a training that ended early keeps its last one, as in the published plots."""
    return epochs.set_index("epoch").reindex(range(1, num_epochs + 1), method="ffill").reset_index()


def resampled(epochs: pd.DataFrame, steps: pd.DataFrame, grid: np.ndarray) -> pd.DataFrame:
    """Test accuracy, share hidden, alpha and total loss at the steps of a grid; the last values are kept.

    Args:
        steps: columns step, alpha, hidden, total_loss.
    """
    curves = {name: np.interp(grid, steps.step, steps[name], left=np.nan) for name in ("hidden", "alpha", "total_loss")}
    return pd.DataFrame(
        {"step": grid, "accuracy": np.interp(grid, epochs.step, epochs.test_accuracy, left=np.nan)} | curves
    )


def _steps(place: Path, epochs: pd.DataFrame) -> pd.DataFrame:
    """Steps of a training, share hidden and loss smoothed; its epochs where steps were not kept."""
    if not (place / "steps.csv").exists():
        return epochs[["step", "alpha"]].assign(hidden=epochs.train_hidden, total_loss=epochs.train_total_loss)
    rows = pd.read_csv(place / "steps.csv")
    smooth = rows.rolling(WINDOW, min_periods=1).mean()
    return rows[["step", "alpha"]].assign(hidden=1 - smooth.mask_loss, total_loss=smooth.total_loss)


def _joined(results: Mapping[Path, Mapping[str, Any]], parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    named = zip(results.values(), parts, strict=True)
    return pd.concat([part.assign(condition=result["name"], seed=result["seed"]) for result, part in named])


def _record(result: Mapping[str, Any]) -> dict[str, Any]:
    last, best, leak = result["last"], result["best"], result["leak"]
    return {
        "dataset": result["dataset"],
        "condition": result["name"],
        "seed": result["seed"],
        "baseline": result["baseline"],
        "chance": last.get("test_chance"),
        "epochs": int(last["epoch"]),
        "alpha": last["alpha"],
        **{name: last[key] for name, key in METRICS.items()},
        "variation": last.get("test_variation"),
        "best FII": best["fii"],
        **{name: leak[key] for name, key in LEAKS.items()},
        **{name: result.get(key) for name, key in JUDGES.items()},
        "initially hidden": result["initial_hidden"],
        "restarts": result["restarts"],
        "collapsed": result["collapsed"] or "no",
        "seconds": result["seconds"],
    }
