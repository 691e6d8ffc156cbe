"""The examples of the documentation run as they say, once they lie in the current folder."""

import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.results.store import Store
from roarbench.reports import report as reporting
from roarbench.reports.again import KEPT
from roarbench.reports.kinds.kind import made
from roarbench.reports.kinds.tables import TABLES
from roarbench.reports.page import tables as page_tables
from roarbench.reports.paper import paper
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.load import read

pytestmark = pytest.mark.whole

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
PLUGINS = {
    "explainer": ("--explainers", "random", "explainer:Contrast[examples=16]"),
    "data_set": ("--datasets", "data_set:bars[examples=200]"),
    "classifier": ("--classifiers", "classifier:convolutional[channels=2]"),
    "fill": ("--fills", "fill:grain[deviation=0.2]"),
    "measure": ("--measures", "measure:TopShare[share=0.2]"),
}
"""File -> the options by which a run uses it."""
REPORTED = {"table", "figure"}
TINY = {
    "--datasets": ("digits",), "--classifiers": ("mlp[width=8,hidden_layers=1]",),
    "--explainers": ("random", "gradient"), "--seeds": ("1",), "--fractions": ("0.5",), "--orders": ("morf",),
    "--epochs": ("1",), "--evaluator": ("false",), "--mask-fractions": (), "--unretrained-fills": (), "--measures": (),
    "--workers": ("0",), "--out": ("run",),
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A current folder with copies of all examples, whose modules are forgotten afterwards."""
    for file in EXAMPLES.glob("*.py"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in (*PLUGINS, *REPORTED):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in (*PLUGINS, *REPORTED):
        sys.modules.pop(name, None)


def run(*option: str) -> int:
    words = TINY | ({option[0]: option[1:]} if option else {})
    return run_benchmark.main(["run", *(word for name, values in words.items() for word in (name, *values))])


def test_every_example_is_run() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {*PLUGINS, *REPORTED}


@pytest.mark.usefixtures("here", "unillustrated")
@pytest.mark.parametrize("name", PLUGINS)
def test_an_example_of_a_plugin_is_measured(name: str) -> None:
    assert run(*PLUGINS[name]) == 0
    counts = Store(Path("run")).counts()
    assert counts["done"] == counts.total() > 0
    assert f"{name}:" in Path("run/report/rows.csv").read_text(), "it is part of what was measured"


@pytest.mark.usefixtures("here", "unillustrated")
def test_examples_of_tables_and_figures_work_as_scripts_and_in_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["", "run"])
    kinds: dict[str, Any] = {name: runpy.run_path(f"{name}.py", run_name="__main__")["KIND"] for name in REPORTED}
    shown = capsys.readouterr().out
    assert "| Random" in shown and Path("bars-morf.svg").stat().st_size
    for module in (reporting, page_tables, paper):
        monkeypatch.setattr(module, "TABLES", (*TABLES, kinds["table"]))
    (Path("run/report") / KEPT).unlink()  # files of this project are unchanged, so that the report would be, too
    reporting.report(Path("run"), focus=Focus(appendix=True))
    assert Path("run/report/lowest-morf.csv").exists()
    assert [picture.name for picture in made((kinds["figure"],), read(Path("run")), asked=False)] == ["bars-morf"]
    for text in (Path("run/report/index.html").read_text(), Path("run/report/paper.tex").read_text()):
        assert kinds["table"].title in text
