"""Rows of a run for other programs: a file, or a run of an experiment tracker (extras parquet, mlflow and wandb)."""

import importlib
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd

from roarbench.reports.rows.load import CLOCKED, HITS, Run, curves
from roarbench.reports.rows.settings import images, protocol
from roarbench.reports.rows.style import label
from roarbench.reports.tables.evidence import scores

UNKNOWN = re.compile(r"[^\w\-. /:]")
"""Signs that names of MLflow may not have."""


def sent(run: Run, target: str) -> str:
    """Writes all rows of a run to a file, or logs them with the scores of all explainers as one run of a tracker.

    Args:
        target: a file that ends in .parquet or .csv; "mlflow:EXPERIMENT", at the tracking address of the environment;
            or "wandb:PROJECT".

    Returns:
        Where the rows are now.

    Raises:
        ValueError: another target, or a package that is not installed.
    """
    kind, _, name = target.partition(":")
    if name and kind in TRACKERS:
        return TRACKERS[kind](run, name)
    suffix = Path(target).suffix
    if suffix not in (".parquet", ".csv"):
        raise ValueError(f"target must be a .parquet or .csv file, mlflow:EXPERIMENT or wandb:PROJECT, got {target!r}")
    if not Path(target).parent.is_dir():
        raise ValueError(f"the folder {Path(target).parent} of {target} does not exist; make it first")
    return str(_written(run, Path(target)))


def named_scores(run: Run) -> dict[str, float]:
    """Way of measuring and explainer -> mean accuracy over 0 < t < 1 and seeds, of whole curves."""
    named: dict[str, float] = {}
    for rows, order, ending in images(curves(run.frame)):
        known = scores(rows)
        for explainer in known.finite:
            name = f"{protocol(rows, order)}{ending}/{label(explainer)}"
            named[UNKNOWN.sub("_", name)] = known.summary(explainer).mean
    return named


def _rows(run: Run) -> pd.DataFrame:
    """All rows, in columns of one type each."""
    rows = run.frame.drop(columns=[*CLOCKED, HITS])
    mixed = [column for column in rows if rows[column].dtype == object]
    return rows.assign(**{c: rows[c].map(str, na_action="ignore").astype("string") for c in mixed})


def _written(run: Run, path: Path) -> Path:
    if path.suffix == ".csv":
        _rows(run).to_csv(path, index=False)
    else:
        _package("pyarrow", "parquet")
        _rows(run).to_parquet(path, index=False)
    return path


def _mlflow(run: Run, name: str) -> str:
    mlflow = _package("mlflow", "mlflow")
    mlflow.set_experiment(name)
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run(run_name=run.folder.name) as logged:
        mlflow.log_params({key: str(value)[:500] for key, value in run.matrix.items()})
        mlflow.log_metrics(named_scores(run))
        mlflow.log_artifact(str(_written(run, Path(folder) / "rows.csv")))
    return f"{mlflow.get_tracking_uri()}, run {logged.info.run_id}"


def _wandb(run: Run, name: str) -> str:
    wandb = _package("wandb", "wandb")
    rows = _rows(run).astype(object)
    rows = rows.where(rows.notna(), None)
    with wandb.init(project=name, name=run.folder.name, config=run.matrix) as logged:
        logged.log({"rows": wandb.Table(dataframe=rows)})
        logged.summary.update(named_scores(run))
    return str(logged.url or logged.dir)


TRACKERS: dict[str, Callable[[Run, str], str]] = {"mlflow": _mlflow, "wandb": _wandb}


def _package(name: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ValueError(f"{name} is not installed; pip install roarbench[{extra}]") from error
