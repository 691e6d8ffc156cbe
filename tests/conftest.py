"""Fixtures used across the test folders."""

from pathlib import Path

import pytest
import torch

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """One thread, as in the worker processes: sums are bit-equal and small tests run faster."""
    torch.set_num_threads(1)


@pytest.fixture
def real_data() -> Path:
    """Folder with the real MNIST, Fashion-MNIST, CIFAR-10 and COMPAS files."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"real data sets are not at {REAL_DATA}")
    return REAL_DATA


@pytest.fixture
def unillustrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without pictures, which take longer than small runs: for tests that look at everything else."""
    monkeypatch.setattr("roarbench.reports.report.writing", lambda *_: list)
    monkeypatch.setattr("roarbench.reports.hns.report.study_figures", lambda *_: [])
