"""Tables of Hide-and-Seek: every training, and means over trainings beside the published ones."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from reports.tables import Table

PUBLISHED = Path(__file__).parent / "published_hns.csv"
"""Means over ten trainings, from the authors' TensorBoard logs (github.com/djib2011/hide-and-seek, MIT licence).

The rows "fashion/..." are MNIST, which their code loads under that name; sd is that of the population.
"""

METRICS = {
    "accuracy": "test_accuracy",
    "hidden": "interpretability",
    "nonzero hidden": "test_nonzero_hidden",
    "F": "fidelity",
    "FIR": "fir",
    "FII": "fii",
}
PERCENT = ("accuracy", "hidden", "nonzero hidden")
LEAKS = {
    "mask only": "mask_only",
    "random mask only": "random_mask_only",
    "behind mask": "masked",
    "behind random mask": "random_masked",
}


def load(folder: Path) -> list[dict[str, Any]]:
    """Results of all finished trainings below a folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("result.json"))]


def frame(results: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a training: metrics of its last epoch, `best FII` of the epoch chosen on validation, leaks, restarts."""
    return pd.DataFrame([_record(result) for result in results])


def trainings(results: Iterable[Mapping[str, Any]]) -> Table:
    """A table with a row for every training."""
    found = frame(results)
    index = [f"{row.condition}, seed {row.seed}" for row in found.itertuples()]
    shown = found.drop(columns=["condition", "seed"]).map(_plain).set_axis(index)
    shown.index.name = "training"
    return Table("trainings", "Every training, on the test split.", shown, found)


def summary(results: Iterable[Mapping[str, Any]], published: Mapping[str, str] | None = None) -> Table:
    """Mean and standard deviation over the trainings of each condition, and the published FII.

    Args:
        published: condition -> row of `published_hns.csv`.
    """
    found = frame(results)
    rows = {str(name): _means(group) for name, group in found.groupby("condition", sort=False)}
    shown = pd.DataFrame(rows).T
    theirs = pd.read_csv(PUBLISHED).set_index("row")
    for name, row in (published or {}).items():
        if row and name in shown.index:
            line = theirs.loc[row]
            shown.loc[name, "published FII"] = f"{line.fii:.3f} ± {line.fii_sd:.3f}"
            shown.loc[name, "published best"] = f"{line.best_fii:.3f}"
    shown = shown.fillna("–").rename_axis("condition")
    notes = (
        "Mean ± standard deviation over n trainings, on the test split, after the last epoch; best FII: of the epoch "
        "with the highest FII on the validation split; mask only: accuracy of a classifier that sees only the masks.",
    )
    return Table("summary", "Hide-and-Seek", shown, found, notes)


def report(folder: Path, question: str, published: Mapping[str, str]) -> str:
    """Writes the tables of a study and returns its summary and the paths."""
    results = sorted(load(folder), key=lambda result: (list(published).index(result["name"]), result["seed"]))
    out = folder / "report"
    out.mkdir(parents=True, exist_ok=True)
    tables = [summary(results, published), trainings(results)]
    paths = [path for table in tables for path in table.write(out)]
    return "\n\n".join([question, tables[0].text(), "\n".join(map(str, paths))])


def _record(result: Mapping[str, Any]) -> dict[str, Any]:
    last, best, leak = result["last"], result["best"], result["leak"]
    return {
        "condition": result["name"],
        "seed": result["seed"],
        "baseline": result["baseline"],
        "epochs": last["epoch"],
        **{name: last[key] for name, key in METRICS.items()},
        "best FII": best["fii"],
        **{name: leak[key] for name, key in LEAKS.items()},
        "initially hidden": result["initial_hidden"],
        "restarts": result["restarts"],
        "collapsed": result["collapsed"] or "no",
        "seconds": result["seconds"],
    }


def _means(group: pd.DataFrame) -> dict[str, str]:
    collapsed = int((group["collapsed"] != "no").sum())
    return {
        "n": str(len(group)),
        "epochs": _range(group["epochs"]),
        **{name: _spread(group[name], percent=name in PERCENT) for name in METRICS},
        "best FII": _spread(group["best FII"]),
        "mask only": _spread(group["mask only"], percent=True),
        "collapsed": f"{collapsed} ({int(group['restarts'].sum())} restarts)",
    }


def _spread(values: pd.Series, *, percent: bool = False) -> str:
    scale, decimals = (100, 1) if percent else (1, 3)
    text = f"{scale * values.mean():.{decimals}f}"
    return text if len(values) < 2 else f"{text} ± {scale * values.std():.{decimals}f}"


def _range(values: pd.Series) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low}–{high}"


def _plain(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
