"""Bold only where the best differs significantly from every other; underlined are those without such a difference."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.rows.load import load
from roarbench.reports.statistics.family import compare
from roarbench.reports.statistics.groups import Better, Mark, groups
from roarbench.reports.statistics.groups import marks as marks_of
from roarbench.reports.statistics.scores import Scores, Seeds
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.table import MARKED, UNMARKED
from tests.reports.conftest import outcome

NOISE = (0.0, 0.01, -0.01, 0.005)


def seeds(mean: float) -> dict[int, float]:
    """Four seeds, whose noise differs from mean to mean."""
    return {seed: mean + mean * shift for seed, shift in enumerate(NOISE)}


def marks(values: dict[str, Seeds], better: Better) -> dict[str, Mark]:
    return marks_of(compare(Scores(values)), better)


def test_the_best_is_bold_where_it_stands_alone() -> None:
    values = {"x": seeds(0.1), "y": seeds(0.8), "z": seeds(0.5)}
    assert marks(values, "low") == {"x": "best"}
    assert marks(values, "high") == {"y": "best"}


def test_those_not_told_apart_from_the_best_are_a_group() -> None:
    values = {"x": seeds(0.1), "y": {0: 0.102, 1: 0.099, 2: 0.101, 3: 0.1}, "z": seeds(0.9), "w": seeds(0.7)}
    assert marks(values, "low") == {"x": "group", "y": "group"}
    assert marks(values, "high") == {"z": "best"}


def test_marks_never_cover_more_than_half_of_a_column() -> None:
    values = {"x": seeds(0.1), "y": {0: 0.102, 1: 0.099, 2: 0.101, 3: 0.1}, "z": seeds(0.9)}
    assert marks(values, "low") == {} and marks(values, "high") == {"z": "best"}


def test_where_nobody_is_told_apart_nothing_is_marked() -> None:
    values = {"x": {0: 0.1, 1: 0.3, 2: 0.2}, "y": {0: 0.3, 1: 0.2, 2: 0.1}}
    assert marks(values, "low") == {}


def test_an_explainer_of_too_few_seeds_is_told_apart_from_nobody() -> None:
    values = {"x": seeds(0.1), "y": seeds(0.8), "few": {0: 0.5, 1: 0.5}}
    values |= {"z": seeds(0.7)}
    assert marks(values, "low") == {"x": "group", "few": "group"}
    assert marks({"x": {0: 0.1}, "y": {0: 0.9}}, "low") == {}
    assert marks({"x": seeds(0.1), "nothing": {}}, "low") == {}


def test_marks_agree_with_the_letters_of_the_same_values() -> None:
    values = {name: seeds(mean) for name, mean in (("u", 0.1), ("v", 0.3), ("w", 0.32), ("x", 0.8))}
    assert groups(compare(Scores(values))).letters["u"] == "a" and marks(values, "low") == {"u": "best"}


def apart(cell: Cell) -> Outcome:
    made = outcome(cell)
    shift = 0.01 * (cell.training.seed % 2) * bool(cell.ranking and cell.ranking.explainer.name == "gradient")
    return replace(made, metrics=made.metrics | {"test_accuracy": made.metrics["test_accuracy"] + shift})


def test_tables_show_marks_in_latex_and_markdown_and_never_in_csv(
    stored: Callable[..., Path], matrix: Matrix, tmp_path: Path
) -> None:
    roar = next(t for t in tables(load(stored(replace(matrix, seeds=4), apart))) if t.name == "roar")
    assert roar.marks is not None and roar.marks.shape == roar.shown.shape
    assert roar.marks["t=0.5"].tolist() == ["best", ""]
    assert not roar.marks.drop(columns="t=0.5").to_numpy().any()  # t = 0 and t = 1 are shared by all
    text = roar.shown.loc["Random", "t=0.5"]
    assert f"**{text}**" in roar.text()
    assert rf"\textbf{{{text.replace('±', '$' + chr(92) + 'pm$')}}}" in roar.latex()
    assert MARKED in roar.notes
    csv = roar.write(tmp_path)[0].read_text()
    assert "**" not in csv and "textbf" not in csv


def test_a_group_is_underlined(stored: Callable[..., Path], matrix: Matrix) -> None:
    roar = next(t for t in tables(load(stored(matrix))) if t.name == "roar")
    assert roar.marks is not None
    made = replace(roar, marks=roar.marks.assign(**{"t=0.5": "group"}))
    assert "<u>" in made.text() and r"\underline{" in made.latex()


@pytest.mark.parametrize(("count", "said"), [(2, False), (3, True)])
def test_tables_say_when_nothing_is_marked(stored: Callable[..., Path], matrix: Matrix, count: int, said: bool) -> None:
    roar = next(t for t in tables(load(stored(replace(matrix, seeds=count)))) if t.name == "roar")
    assert (UNMARKED in roar.notes) == said and MARKED not in roar.notes
