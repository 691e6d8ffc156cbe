"""The leaderboard and the hashes of what its rows measured."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.reports.rows.load import read
from roarbench.reports.tables.leaderboard import write_leaderboard

Stored = Callable[..., Path]


def boards(folder: Path) -> list[dict]:
    return json.loads(write_leaderboard(read(folder), folder)[0].read_text())


def hashes(folder: Path) -> list[str]:
    return [row["specification"] for board in boards(folder) for row in board["rows"]]


def test_the_best_comes_first(stored: Stored, matrix: Matrix) -> None:
    roar, kar = boards(stored(matrix))
    assert [row["explainer"] for row in roar["rows"]] == ["random", "gradient"]
    assert [row["explainer"] for row in kar["rows"]] == ["gradient", "random"]
    assert roar["rows"][0]["accuracy"] < roar["rows"][1]["accuracy"]
    assert [row["place"] for row in roar["rows"]] == [1, 2]
    assert roar["rows"][0]["gain"] is None  # random is not compared with itself


def test_hashes_stay_with_more_seeds_and_change_with_all_else(stored: Stored, matrix: Matrix) -> None:
    first = hashes(stored(matrix, name="first"))
    assert len(set(first)) == 4
    assert hashes(stored(replace(matrix, seeds=5), name="seeds")) == first
    changes: list[dict] = [{"recipe": Recipe(epochs=99)}, {"fractions": (0.0, 0.3, 1.0)}, {"fills": ("zero",)}]
    for number, change in enumerate(changes):
        assert not set(first) & set(hashes(stored(replace(matrix, **change), name=str(number))))


def test_unfinished_runs_have_boards_of_what_is_there(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix, lambda cell: None)
    assert boards(folder) == []
    assert "# Leaderboard" in (folder / "leaderboard.md").read_text()
