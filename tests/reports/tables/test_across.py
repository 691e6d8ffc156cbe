"""Ranks over data sets."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.pictures.critical_difference import diagrams
from roarbench.reports.pictures.drawing import write
from roarbench.reports.rows.load import load
from roarbench.reports.tables import across
from roarbench.reports.tables.across import available, ranks
from tests.reports.conftest import outcome

Stored = Callable[..., Path]
FALL = {"random": 0.1, "gradient": 0.3, "sobel": 0.2}
SETS = ("digits", "roar_toy[draw=0]", "roar_toy[draw=1]")


def judge(cell: Cell) -> Outcome:
    """Gradient removes most; on the last data set random and sobel change places."""
    made = outcome(cell)
    fall = FALL[cell.ranking.explainer.name] if cell.ranking else 0.0
    if cell.training.dataset.text == SETS[-1]:
        fall = fall if fall == FALL["gradient"] else 0.3 - fall
    return replace(made, metrics=made.metrics | {"test_accuracy": 0.9 - fall})


@pytest.fixture
def several(matrix: Matrix) -> Matrix:
    return replace(matrix, datasets=SETS, explainers=tuple(FALL), classifiers=("linear",), fractions=(0.0, 0.5))


def test_ranks_over_data_sets_and_their_test(stored: Stored, several: Matrix) -> None:
    roar, kar = ranks(load(stored(several, judge)))
    assert (roar.name, kar.name) == ("friedman-roar", "friedman-kar")
    assert roar.shown.loc["GRAD"].tolist() == ["1.00 [1.00, 2.37]", "1", "1", "1"]
    assert roar.numbers.loc["Random", ("mean rank", "mean")] == pytest.approx(8 / 3)
    assert kar.numbers.loc["GRAD", ("mean rank", "mean")] == 3.0
    assert "chi-squared = 4.67, p = 0.197" in roar.text()
    assert "F(2, 4) = 7.00, p = 0.049" in roar.text()  # 2 * 4.67 / (3 * 2 - 4.67)
    assert "differ by more than 1.91 differ" in roar.text()  # 2.343 * sqrt(3 * 4 / (6 * 3))


def test_mean_ranks_have_intervals_that_end_at_the_first_and_last_rank(stored: Stored, several: Matrix) -> None:
    roar, _ = ranks(load(stored(several, judge)))
    assert roar.numbers.loc["Random", ("mean rank", "n")] == 3
    assert roar.shown.loc["Random", "mean rank"] == "2.67 [1.06, 3.00]"  # 4.30 * sqrt((1 / 3 + 1 / 12) / 3) below
    assert "cut at 1 and 3" in roar.text()


def test_data_sets_that_all_agree_have_no_f(stored: Stored, several: Matrix) -> None:
    def same(cell: Cell) -> Outcome:
        made = outcome(cell)
        fall = FALL[cell.ranking.explainer.name] if cell.ranking else 0.0
        return replace(made, metrics=made.metrics | {"test_accuracy": 0.9 - fall})

    roar, _ = ranks(load(stored(several, same)))
    assert "has a denominator of 0" in roar.text() and "F(" not in roar.text()
    assert "chi-squared = 6.00, p = 0.0" in roar.text()  # 1 of 36 orders
    assert roar.shown.loc["GRAD", "mean rank"] == "1.00 [1.00, 1.72]"  # 4.30 * sqrt(1 / 12 / 3)


def test_explainers_without_all_data_sets_are_named_not_ranked(
    stored: Stored, several: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(cell: Cell) -> Outcome:
        lost = cell.ranking and cell.ranking.explainer.name == "center" and cell.training.dataset.name == "digits"
        return Outcome("failed", reason="x") if lost else judge(cell)

    monkeypatch.setitem(FALL, "center", 0.05)
    made = ranks(load(stored(replace(several, explainers=tuple(FALL)), failing)))[0]
    assert "Center" not in made.shown.index
    assert "Without a whole curve on every data set, hence not ranked: Center." in made.notes


def test_two_data_sets_are_too_few(stored: Stored, several: Matrix) -> None:
    frame = load(stored(replace(several, datasets=SETS[:2]), judge))
    assert ranks(frame) == []


@pytest.mark.skipif(not available(), reason="scikit-posthocs is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_the_diagram_is_drawn(stored: Stored, several: Matrix, tmp_path: Path) -> None:
    pictures = list(diagrams(load(stored(several, judge))))
    assert [picture.name for picture in pictures] == ["critical_difference-roar", "critical_difference-kar"]
    assert "GRAD 1.0" in pictures[0].alt
    paths = write(pictures, tmp_path)
    assert "GRAD" in paths[0].read_text()


def test_without_the_extra_the_table_says_how_to_get_it(
    stored: Stored, several: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(across, "find_spec", lambda _: None)
    frame = load(stored(several, judge))
    assert not list(diagrams(frame))
    assert 'pip install "roarbench[posthocs]"' in ranks(frame)[0].text()
