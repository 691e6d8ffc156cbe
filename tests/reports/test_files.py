"""A report removes what an earlier one wrote, and never a file or folder of the user."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.reports.manifest import MANIFEST, tidied
from roarbench.reports.report import report

pytestmark = pytest.mark.usefixtures("unillustrated")

Stored = Callable[..., Path]
MINE = ("paper.pdf", "paper.aux", "roar-notes.md", "rows_mine.xlsx", "index_old.html", "comparison-mine.csv")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(stored: Stored, matrix: Matrix) -> Path:
    return stored(matrix)


def test_files_and_folders_of_the_user_survive_a_second_report(folder: Path) -> None:
    out = folder / "report"
    report(folder)
    for name in MINE:
        (out / name).write_text("mine")
    (out / "paper_figures").mkdir()
    (out / "paper_figures" / "roar.csv").write_text("mine")
    before = bytes_of(out)
    report(folder)
    assert bytes_of(out) == before


def test_what_only_the_earlier_report_wrote_is_removed(folder: Path) -> None:
    report(folder, reference=True)
    assert list((folder / "report").glob("claims*"))
    report(folder)
    assert not list((folder / "report").glob("claims*"))
    assert (folder / "report" / "roar.csv").exists()


def test_what_somebody_changed_since_is_kept(folder: Path) -> None:
    report(folder, reference=True)
    (folder / "report" / "claims.md").write_text("my words")
    report(folder)
    assert [path.name for path in (folder / "report").glob("claims*")] == ["claims.md"]


def test_what_somebody_changed_makes_way_for_a_new_one_and_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report(folder)
    out = folder / "report"
    paper = (out / "paper.tex").read_text()
    for words, kept in (("mine", "paper.changed.tex"), ("mine again", "paper.changed-2.tex")):
        (out / "paper.tex").write_text(words)
        report(folder)
        assert ((out / "paper.tex").read_text(), (out / kept).read_text()) == (paper, words)
        assert f"that version is now {out / kept}" in capsys.readouterr().err


def test_a_report_of_an_older_version_loses_nothing(folder: Path) -> None:
    report(folder, reference=True)
    (folder / "report" / MANIFEST).unlink()
    report(folder)
    assert (folder / "report" / "claims.csv").exists()


def test_a_manifest_reaches_nothing_outside_its_folder(tmp_path: Path) -> None:
    inside, other = tmp_path / "report", tmp_path / "other.csv"
    inside.mkdir()
    other.write_text("")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (inside / MANIFEST).write_text(f"{empty}  ../other.csv\n{empty}  {other}\nnonsense\n")
    with tidied(inside):
        pass
    assert other.exists()


VIEWS = (["--decimals", "3"], ["--columns", "0.5"], ["--explainers", "GRAD"])


@pytest.mark.parametrize("options", VIEWS, ids=lambda options: options[0])
def test_a_view_leaves_the_full_report_byte_for_byte(
    folder: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    report(folder)
    before = bytes_of(folder / "report")
    assert run_benchmark.main(["report", "--out", str(folder), *options]) == 0
    assert bytes_of(folder / "report") == before
    assert "was not changed" in capsys.readouterr().out
    assert (folder / "report-view" / "roar.tex").exists()


def test_a_view_of_fewer_tables_replaces_the_last_one(folder: Path) -> None:
    assert run_benchmark.main(["report", "--out", str(folder), "--reference", "--decimals", "3"]) == 0
    assert (folder / "report-view" / "claims.csv").exists()
    assert run_benchmark.main(["report", "--out", str(folder), "--explainers", "GRAD"]) == 0
    assert not (folder / "report-view" / "claims.csv").exists()


MANY = ("random", "gradient", "guided_backprop", "integrated_gradients", "deep_lift", "lrp", "occlusion")


def test_a_run_of_road_alone_prints_its_tables_and_calls_them_so(stored: Stored, matrix: Matrix) -> None:
    road = replace(matrix, explainers=MANY, retrain=(False,), fills=("noisy_linear",))
    printed = report(stored(road, name="road"))
    assert "**ROAD (Rong et al. 2022): removed most relevant first" in printed
    assert "**Summary. ROAD" in printed
    consistency = next(part for part in printed.split("\n\n") if part.startswith("| way"))
    assert "ROAD, most relevant first" in consistency and "ROAR" not in consistency
