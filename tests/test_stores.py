"""Stores of earlier versions: every identity is what it was, nothing is measured again, tables are the same."""

import sys
from pathlib import Path
from shutil import copy

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.execution import session
from roarbench.benchmark.results.store import Store
from tests.stores import FOLDER, NAMES, rounded, tables, unpack

pytestmark = pytest.mark.usefixtures("unillustrated")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.whole
def test_an_earlier_store_is_finished_and_renders_to_the_same_tables(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(FOLDER / "mine.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    monkeypatch.setattr(session, "execute", lambda *_, **__: pytest.fail("a finished cell would be measured again"))
    folder = unpack(name, tmp_path / name)
    preset = str(FOLDER / name / "matrix.toml")
    assert Store(folder).matrix()["measures"] == ["standard"]
    assert run_benchmark.main(["run", "--config", preset, "--out", str(folder), "--workers", "0"]) == 0
    earlier = (FOLDER / name / "tables.txt").read_text()
    assert tables(folder / "report", earlier) == rounded(earlier)
