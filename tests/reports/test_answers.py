"""The answer of a finished run is given again only while nothing has changed that it is made of."""

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import PlugIn
from roarbench.benchmark.results.store import FILE, Store
from roarbench.reports import answers
from roarbench.reports.answers import Answer, Question, keep, recall
from roarbench.reports.manifest import MANIFEST, tidied
from roarbench.reports.rows.focus import Focus

ANSWER = Answer("table", ["78 done of 78 cells"], 0)
CODE = "def mine():\n    return 1\n"


@pytest.fixture
def question(stored: Callable[..., Path], matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Question:
    """A question of a run with an explainer and a file of the user's own, whose answer is kept."""
    monkeypatch.chdir(tmp_path)
    Path("my_code.py").write_text(CODE)
    importlib.invalidate_caches()
    Path("weights.txt").write_text("1 2 3")
    folder = stored(matrix)
    with_report(folder)
    question = Question(folder, matrix, Focus(), "auto")
    named = PlugIn("my_code:mine", 1, source=answers.own_code("my_code:mine"))
    of_file = PlugIn("trained", 1, (("weights", answers.fingerprint(Path("weights.txt"))),))
    nested = replace(of_file, parameters=(("base", named), *of_file.parameters), handling=(("weights", "weights.txt"),))
    keep(question, ANSWER, [nested])
    return question


def with_report(folder: Path) -> None:
    (folder / "report").mkdir()
    with tidied(folder / "report") as written:
        written.append(folder / "report" / "roar.csv")
        written[0].write_text("1,2")


def failed(folder: Path) -> None:
    store = Store(folder)
    with store._database:
        store._database.execute("UPDATE cells SET status = 'failed' WHERE position = 0")
    store.close()


def test_an_unchanged_folder_gives_the_answer_again(question: Question) -> None:
    assert recall(question) == recall(question) == ANSWER


def test_comments_change_no_answer(question: Question) -> None:
    Path("my_code.py").write_text(CODE + "# a remark")
    assert recall(question) == ANSWER


@pytest.mark.parametrize(
    "change",
    [
        {"folder": Path("other")},
        {"matrix": Matrix(explainers=("random",))},
        {"focus": Focus(margin=2)},
        {"device": "cuda"},
    ],
)
def test_another_question_has_no_answer(change: dict, question: Question) -> None:
    assert recall(replace(question, **change)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: Path("my_code.py").write_text(CODE.replace("1", "2")),
        lambda folder: Path("weights.txt").write_text("1 2 4"),
        lambda folder: Path("weights.txt").unlink(),
        lambda folder: (folder / "report" / "roar.csv").unlink(),
        lambda folder: (folder / "report" / MANIFEST).unlink(),
        lambda folder: (folder / FILE).unlink(),
        lambda folder: (folder / answers.FILE).write_text("{"),
        failed,
    ],
)
def test_what_has_changed_is_looked_at_anew(change: Callable[[Path], object], question: Question) -> None:
    change(question.folder)
    assert recall(question) is None


def test_another_version_of_the_code_looks_anew(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "code", lambda: "other")
    assert recall(question) is None


def test_installed_plug_ins_are_looked_at_every_time(question: Question) -> None:
    for source in ("0123", ""):
        keep(question, ANSWER, [PlugIn("json:dumps", 1, source=source)])
        assert recall(question) is None


def test_without_a_report_nothing_is_kept(stored: Callable[..., Path], matrix: Matrix) -> None:
    folder = stored(matrix)
    keep(Question(folder, matrix, Focus(), "auto"), ANSWER, [])
    assert not (folder / answers.FILE).exists()


def test_what_is_kept_is_plain_text(question: Question) -> None:
    assert json.loads((question.folder / answers.FILE).read_text())["answer"]["report"] == "table"
