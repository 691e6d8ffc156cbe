"""A report is made again only where something changed that it is made of, and only what changed is drawn."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.results.store import Store
from roarbench.reports import again
from roarbench.reports import report as reporting
from roarbench.reports.again import Asked, earlier, remembered, unchanged
from roarbench.reports.pictures import drawing
from roarbench.reports.report import report
from roarbench.reports.rows.focus import Focus
from tests.reports.conftest import outcome

Stored = Callable[..., Path]


def asked(folder: Path) -> Asked:
    return Asked(folder, False, Focus())


def failed(folder: Path) -> None:
    store = Store(folder)
    with store._database:
        store._database.execute("UPDATE cells SET status = 'failed' WHERE position = 0")
    store.close()


@pytest.fixture
def folder(stored: Stored, matrix: Matrix) -> Path:
    """A run with its report."""
    made = stored(matrix)
    report(made)
    return made


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that pictures are written to."""
    names: list[str] = []
    save = drawing.save

    def noted(figure: object, path: Path, formats: list[str]) -> list[Path]:
        names.extend(f"{path.name}.{suffix}" for suffix in formats)
        return save(figure, path, formats)

    monkeypatch.setattr(drawing, "save", noted)
    return names


def test_a_second_report_of_an_unchanged_run_makes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "report").iterdir()}
    first = unchanged(asked(folder))
    monkeypatch.setattr(reporting, "read", None)
    assert first is not None and report(folder) == first
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "report").iterdir()} == before


CHANGES: list[Callable[[Path], object]] = [
    failed,
    lambda folder: (folder / "report" / "roar.csv").write_text("mine"),
    lambda folder: (folder / "report" / "roar.csv").unlink(),
    lambda folder: (folder / "report" / ".written").unlink(),
    lambda folder: (folder / "report" / again.KEPT).write_text("{"),
    lambda folder: (folder / "gallery").mkdir() or (folder / "gallery" / "a.npz").write_bytes(b""),
]


def test_whatever_has_changed_is_made_again(folder: Path) -> None:
    as_made = folder.with_name("as made")
    shutil.copytree(folder, as_made)
    for change in CHANGES:
        assert unchanged(asked(folder)) is not None
        change(folder)
        assert unchanged(asked(folder)) is None
        shutil.rmtree(folder)
        shutil.copytree(as_made, folder)


def test_another_question_is_another_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unchanged(asked(folder)) is not None
    assert unchanged(Asked(folder, True, Focus())) is None
    assert unchanged(Asked(folder, False, Focus(margin=2))) is None
    monkeypatch.setattr(again, "code", lambda: "other")
    assert unchanged(asked(folder)) is None


def test_pictures_stay_where_only_other_tables_are_asked_for(folder: Path, saved: list[str]) -> None:
    report(folder, reference=True)
    assert (folder / "report" / "claims.csv").exists()
    assert not saved


@pytest.mark.whole
@pytest.mark.usefixtures("all_formats")
def test_of_a_run_that_grew_only_new_pictures_are_drawn_in_all_formats(
    stored: Stored, matrix: Matrix, saved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "FIGURES", [kind for kind in reporting.FIGURES if kind.name == "curves"])
    other = "squares"
    wide = replace(matrix, datasets=("digits", "blocks", other))
    folder = stored(wide, judge=lambda cell: None if cell.training.dataset.name == other else outcome(cell))
    report(folder)
    first = {path.name: path.stat().st_mtime_ns for path in (folder / "report").glob("curves*.png")}
    saved.clear()
    _measure(folder, wide, other)
    report(folder)
    now = {path.name: path.stat().st_mtime_ns for path in (folder / "report").glob("curves*.png")}
    kept = [name for name, at in first.items() if now.get(name) == at]
    assert sorted(kept) == ["curves-blocks.png", "curves-digits.png"]
    assert "curves-squares.png" in saved and "curves-digits.svg" in saved


def _measure(folder: Path, matrix: Matrix, dataset: str) -> None:
    """Measures what was left to do."""
    store = Store(folder)
    for cell in cells(matrix):
        if cell.training.dataset.name == dataset:
            store.record(cell, outcome(cell))
    store.close()


def test_what_other_code_drew_is_drawn_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert earlier(asked(folder)).files
    monkeypatch.setattr(again, "code", lambda: "other")
    assert not earlier(asked(folder)).files


def test_labels_and_baseline_stay_until_others_are_asked_for(folder: Path) -> None:
    report(folder, focus=Focus(baseline="random", label=("gradient=Ours",), highlight=("gradient",)))
    assert remembered(folder).labels == {"gradient": "Ours"} and remembered(folder).baseline == "random"
    assert run_benchmark.main(["report", "--out", str(folder)]) == 0
    assert "Ours" in (folder / "report" / "roar.md").read_text()
    assert run_benchmark.main(["report", "--out", str(folder), "--baseline", "gradient"]) == 0
    assert "Ours" not in (folder / "report" / "roar.md").read_text()
