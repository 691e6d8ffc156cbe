"""What is chosen to be shown changes nothing that is computed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.reports.rows.load import load
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.table import Table
from roarbench.reports.tables.view import View, chosen, shown

pytestmark = pytest.mark.usefixtures("unillustrated")

EXPLAINERS = ["random", "gradient", "smoothgrad"]


@pytest.fixture
def folder(stored: Callable[..., Path], matrix: Matrix) -> Path:
    return stored(replace(matrix, explainers=tuple(EXPLAINERS)))


def roar(folder: Path, view: View) -> Table:
    return next(table for table in shown(view, tables(load(folder)), EXPLAINERS) if table.name == "roar")


def test_nothing_chosen_changes_nothing(folder: Path) -> None:
    whole = next(tables for tables in tables(load(folder)) if tables.name == "roar")
    assert roar(folder, View()).text() == whole.text()


def test_decimals_are_those_of_percent_and_shares_have_one_more(folder: Path) -> None:
    made = {table.name: table for table in shown(View(decimals=2), tables(load(folder)), EXPLAINERS)}
    assert made["roar"].shown.loc["Random", "t=0.5"] == "51.00 ± 2.48"
    assert made["fidelity"].shown.loc["Random", "FII h=0.5"].startswith("0.280")
    assert roar(folder, View(decimals=0)).shown.loc["Random", "t=0.5"] == "51 ± 2"


def test_columns_are_fractions_or_names(folder: Path) -> None:
    made = roar(folder, View(columns=("0.5", "group")))
    assert list(made.shown) == ["group", "t=0.5"]
    assert {*made.numbers.columns.get_level_values(0)} == {"t=0.5", "group"}
    assert "Columns not shown: group." in roar(folder, View(columns=("0.5",))).notes


def test_a_table_without_a_chosen_column_stays_whole(folder: Path) -> None:
    assert list(roar(folder, View(columns=("FIR",))).shown) == ["group", "t=0.5"]


@pytest.mark.parametrize("word", ["gradient", "GRAD"])
def test_explainers_are_named_as_written_or_by_label(folder: Path, word: str) -> None:
    made = roar(folder, View(explainers=(word,)))
    assert list(made.shown.index) == list(made.numbers.index) == ["GRAD"]
    assert made.shown.loc["GRAD", "group"] == roar(folder, View()).shown.loc["GRAD", "group"]
    assert any("Shown: 1 of 3 rows" in note for note in made.notes)


def test_defaults_may_be_written_out() -> None:
    assert chosen(View(explainers=("smoothgrad[base=gradient]",)), EXPLAINERS) == ["smoothgrad"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--explainers", "gradeint"], "did you mean 'gradient'?"),
        (["--columns", "grop"], "did you mean 'group'?"),
        (["--columns", "0.4"], "columns must be removal fractions or names, got '0.4'"),
        (["--decimals", "-1"], "decimals must lie in [0, 6], got -1"),
    ],
)
def test_what_is_not_there_is_one_line_and_no_table_is_touched(
    folder: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_benchmark.main(["report", "--out", str(folder), *options]) == 2
    message = capsys.readouterr().err
    assert said in message and message.startswith("error: ") and message.count("\n") == 1
    assert not [*(folder / "report").glob("*.csv"), *(folder / "report-view").glob("*")]


def test_the_options_choose_tables(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--explainers", "GRAD", "--columns", "0.5", "--decimals", "3"]
    assert run_benchmark.main(["report", "--out", str(folder), *options]) == 0
    assert "71.000 ± 2.484" in capsys.readouterr().out
    assert (folder / "report-view" / "roar.md").read_text().count("\n| ") == 2
