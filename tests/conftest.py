"""Fixtures used across the test folders."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def hugging_face() -> Any:
    """Hugging Face's package, which is called as a folder of the checkout is."""
    try:
        return importlib.import_module("datasets")
    except ImportError:
        pytest.skip("needs datasets, an extra of this project")


def only(patch: pytest.MonkeyPatch, formats: dict[str, Any]) -> None:
    """Pictures are written in these formats alone."""
    from roarbench.reports.pictures import drawing  # not before tests are collected, which checks of tensors wait for

    patch.setattr(drawing, "NAMELESS", formats)
    patch.setattr(drawing.save.__wrapped__, "__defaults__", (tuple(formats),))


@pytest.fixture(autouse=True, scope="session")
def vectors() -> Iterator[dict[str, Any]]:
    """Pictures are written as SVG alone: all three formats, which it gives, take three times as long."""
    from roarbench.reports.pictures import drawing

    formats = dict(drawing.NAMELESS)
    with pytest.MonkeyPatch.context() as patch:
        only(patch, {"svg": formats["svg"]})
        yield formats


@pytest.fixture
def all_formats(monkeypatch: pytest.MonkeyPatch, vectors: dict[str, Any]) -> None:
    """Pictures in every format, as a user gets them: for tests of what is written."""
    only(monkeypatch, vectors)


def without_pictures(patch: pytest.MonkeyPatch) -> None:
    """Reports that draw nothing."""
    patch.setattr("roarbench.reports.report.writing", lambda *_: list)
    patch.setattr("roarbench.reports.hns.report.study_figures", lambda *_: [])


@pytest.fixture
def unillustrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without pictures, which take longer than small runs: for tests that look at everything else."""
    without_pictures(monkeypatch)


@pytest.fixture
def unreported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that end without a report: for laws of what is measured and kept, which `outcomes` tells."""
    monkeypatch.setattr("roarbench.reports.report.report", lambda *_, **__: "")


def outcomes(folder: Path) -> dict[str, str]:
    """What a run measured: key of a cell -> status and numbers, without what depends on the clock."""
    from roarbench.benchmark.results.store import Store

    store = Store(folder)
    rows = {row.key: row.outcome for row in store.rows()}
    store.close()
    return {key: f"{kept.status} {sorted(kept.metrics.items())}" if kept else "to do" for key, kept in rows.items()}
