"""A static site with leaderboards."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.plan import Matrix, check
from roarbench.reports.publish.site import compose

Stored = Callable[..., Path]
PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("unillustrated")


def published(folder: Path, site: Path) -> list[dict]:
    """The lines of the first page, once a run is added."""
    assert run_benchmark.main(["report", "--out", str(folder), "--publish", str(site)]) == 0
    return lines_of(site)


def lines_of(site: Path) -> list[dict]:
    text = (site / "index.html").read_text(encoding="utf-8")
    return json.loads(re.search(r"const LINES = (\[.*?\]), WORDS", text, re.DOTALL)[1])  # type: ignore[index]


@pytest.mark.whole
def test_runs_are_added_one_after_another(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    first = published(stored(matrix, name="one"), tmp_path / "site")
    both = published(stored(replace(matrix, seeds=2), name="other"), tmp_path / "site")
    assert {line["run"] for line in first} == {"one"} and {line["run"] for line in both} == {"one", "other"}
    assert {line["specification"] for line in first} == {line["specification"] for line in both}


def test_a_run_has_what_it_takes_to_repeat_it(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    published(stored(matrix, name="one"), tmp_path / "site")
    folder = tmp_path / "site" / "runs" / "one"
    assert presets.load(str(folder / "matrix.toml")) == matrix
    assert {path.name for path in folder.iterdir()} >= {"leaderboard.json", "rows.csv", "index.html"}


def test_nothing_is_loaded_from_elsewhere(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    published(stored(matrix, name="one"), tmp_path / "site")
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", (tmp_path / "site" / "index.html").read_text())


@pytest.mark.whole
def test_a_board_alone_is_enough(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    published(stored(matrix, name="one"), tmp_path / "site")
    for name in ("index.html", "rows.csv"):
        (tmp_path / "site" / "runs" / "one" / name).unlink()
    compose(tmp_path / "site")
    assert lines_of(tmp_path / "site")


@pytest.mark.parametrize("part", [["--print", "roar"], ["--decimals", "2"]])
def test_a_part_is_not_published(part: list[str], stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    assert run_benchmark.main(["report", "--out", str(stored(matrix)), "--publish", str(tmp_path / "s"), *part]) == 2
    assert not (tmp_path / "s").exists()


def test_a_page_of_another_program_stays(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    assert run_benchmark.main(["report", "--out", str(stored(matrix)), "--publish", str(tmp_path)]) == 2
    assert (tmp_path / "index.html").read_text() == "mine"


def test_the_leaderboards_of_the_project_are_one_site(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "docs" / "results" / "boards", tmp_path / "site")
    compose(tmp_path / "site")
    assert {line["run"] for line in lines_of(tmp_path / "site")} == {"digits", "mnist", "fashion_mnist"}
    for matrix in (tmp_path / "site").rglob("matrix.toml"):
        check(presets.load(str(matrix)))


def test_another_run_of_the_same_name_is_refused(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    published(stored(matrix, name="one"), tmp_path / "site")
    other = stored(replace(matrix, seeds=2), name="elsewhere/one")
    before = lines_of(tmp_path / "site")
    assert run_benchmark.main(["report", "--out", str(other), "--publish", str(tmp_path / "site")]) == 2
    assert lines_of(tmp_path / "site") == before
