"""What a run says at its end."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from roarbench import run_benchmark
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.report import report
from roarbench.reports.rows.load import read
from roarbench.reports.terminal.closing import closing
from tests.reports.conftest import outcome

Stored = Callable[..., Path]
CODES = re.compile(r"\x1b\[[0-9;]*m")
MARKUP = re.compile(r"</?[a-z]+>|\*\*|\\[a-z|]")
COLUMNS = 80

pytestmark = pytest.mark.usefixtures("unillustrated")


def judge(cell: Cell) -> Outcome:
    """Seeds that do not agree exactly, and Integrated Gradients better than random."""
    made = outcome(cell)
    if not cell.ranking or not 0 < cell.removal_fraction < 1:
        return made
    name, accuracy = cell.ranking.explainer.name, made.metrics["test_accuracy"]
    assert accuracy is not None
    accuracy += 0.001 * len(name) * cell.training.seed**2 - 0.3 * (name == "integrated_gradients")
    return replace(made, metrics=made.metrics | {"test_accuracy": accuracy})


@pytest.fixture
def folder(stored: Stored, matrix: Matrix) -> Path:
    return stored(replace(matrix, explainers=("random", "gradient", "integrated_gradients")), judge)


@pytest.fixture
def lines(folder: Path) -> list[str]:
    return CODES.sub("", closing(read(folder), [], folder / "report" / "index.html")).splitlines()


def test_no_line_but_the_address_is_wider_than_a_terminal(lines: list[str]) -> None:
    assert all(cell_len(line) <= COLUMNS for line in lines if not line.startswith("file://"))


def test_a_terminal_sees_no_markup(lines: list[str]) -> None:
    assert not MARKUP.search("\n".join(lines))


def test_the_answer_comes_first_and_the_address_of_the_page_last(lines: list[str], folder: Path) -> None:
    assert "significantly better than Random" in lines[1]
    assert lines[-1] == (folder / "report" / "index.html").resolve().as_uri()
    assert sum(line.startswith("file://") for line in lines) == 1


def test_explainers_are_sorted_by_their_score(lines: list[str]) -> None:
    names = [line.split()[0] for line in lines if re.match(r"(IG|Random|GRAD) +\d", line)]
    assert names == ["IG", "Random", "GRAD"]


def test_a_file_gets_no_control_codes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["report", "--out", str(folder)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_any_table_is_printed_and_nothing_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["report", "--out", str(folder), "--print", "roar", "--columns", "0.5"]) == 0
    shown = capsys.readouterr().out
    assert "t=0.5" in shown and "t=1" not in shown.partition("\n\n")[0] and not MARKUP.search(shown)
    assert not (folder / "report").exists() and not (folder / "report-view").exists()


def test_a_table_that_is_not_there_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["report", "--out", str(folder), "--print", "raor"]) == 2
    assert "did you mean 'roar'?" in capsys.readouterr().err


def test_a_run_without_retraining_is_judged_by_what_it_measured(stored: Stored, matrix: Matrix) -> None:
    assert "Deletion" in report(stored(replace(matrix, retrain=(False,)), judge))


def test_one_seed_without_random_is_counted_and_not_tested(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, explainers=("gradient", "integrated_gradients"), seeds=1), judge)
    text = " ".join(CODES.sub("", report(folder)).split())
    assert "n = 1 seed." in text and "corrected" not in text and "assume" not in text


def test_the_name_of_a_table_is_not_that_of_its_neighbours(
    stored: Stored, matrix: Matrix, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stored(replace(matrix, retrain=(True, False)), judge)
    assert run_benchmark.main(["report", "--out", str(folder), "--print", "roar"]) == 0
    assert "without retraining" not in capsys.readouterr().out
