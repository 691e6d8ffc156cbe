"""What a run that goes on can tell: first a table, then where its page lies; whatever fails, the run goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.results.store import Outcome
from roarbench.reports import so_far as module
from roarbench.reports.so_far import WORTHWHILE, so_far


def test_a_page_is_rendered_only_where_minutes_are_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "glance", lambda _: "table")
    monkeypatch.setattr(module, "_page", lambda _: "page")
    assert list(so_far(tmp_path, WORTHWHILE + 1)) == ["table", "page"]
    assert list(so_far(tmp_path, WORTHWHILE - 1)) == list(so_far(tmp_path, None)) == ["table"]


def test_nothing_is_told_before_anything_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "glance", lambda _: "")
    assert list(so_far(tmp_path, 2 * WORTHWHILE)) == []


def test_what_fails_is_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "glance", lambda _: 1 / 0)
    assert list(so_far(tmp_path, None)) == ["no table yet: ZeroDivisionError"]


@pytest.mark.whole
def test_the_page_of_a_run_that_goes_on(stored: Callable[..., Path], matrix: Matrix) -> None:
    folder = stored(matrix, lambda cell: Outcome("done", {"test_accuracy": 0.5}) if cell.intact else None)
    assert module._page(folder) == f"page so far: {folder / 'report' / 'index.html'}"
    assert (folder / "report" / "index.html").exists()


@pytest.mark.whole
def test_a_page_that_cannot_be_rendered_says_why(tmp_path: Path) -> None:
    assert "no page yet: error: " in module._page(tmp_path / "none")
