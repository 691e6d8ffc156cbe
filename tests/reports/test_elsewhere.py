"""Rows for other programs."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from roarbench import run_benchmark
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.reports.publish.elsewhere import named_scores, sent
from roarbench.reports.rows.load import read

Stored = Callable[..., Path]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_has_every_row(suffix: str, stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    folder, file = stored(matrix), tmp_path / f"rows.{suffix}"
    assert run_benchmark.main(["rows", str(file), "--out", str(folder)]) == 0
    rows = pd.read_csv(file) if suffix == "csv" else pd.read_parquet(file)
    assert len(rows) == len(read(folder).frame) and rows.test_accuracy.notna().all()


def test_scores_are_means_between_the_ends(stored: Stored, matrix: Matrix) -> None:
    found = named_scores(read(stored(matrix)))
    assert found["ROAR/Random"] == pytest.approx(0.51) and found["KAR/GRAD"] == pytest.approx(0.71)


def test_another_target_is_one_line(stored: Stored, matrix: Matrix, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["rows", "rows.xlsx", "--out", str(stored(matrix))]) == 2
    assert "target must be" in capsys.readouterr().err


def test_mlflow_has_scores_and_rows(
    stored: Stored, matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs mlflow, an extra of this project")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "tracked").as_uri())
    run_id = sent(read(stored(matrix)), "mlflow:tries").rpartition(" ")[2]
    logged = mlflow.get_run(run_id)
    assert logged.data.metrics["ROAR/Random"] == pytest.approx(0.51)
    assert [one.path for one in mlflow.MlflowClient().list_artifacts(run_id)] == ["rows.csv"]


def test_wandb_has_scores_and_rows(
    stored: Stored, matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="needs wandb, an extra of this project")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    assert Path(sent(read(stored(matrix)), "wandb:tries")).exists()
