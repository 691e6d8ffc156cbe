"""What moved between two runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.methods.gradient import Gradient
from roarbench.reports.rows.load import read
from roarbench.reports.tables.comparison import compare_runs, comparison

Stored = Callable[..., Path]


def shifted(by: float) -> Callable[[Cell], Outcome]:
    """Accuracy 0.6 for all, and for gradient a shift more, noisy by a thousandth."""

    def judge(cell: Cell) -> Outcome:
        shift = by if cell.ranking and cell.ranking.explainer.name == "gradient" else 0.0
        return Outcome("done", {"test_accuracy": 0.6 + shift + 0.001 * cell.training.seed * (1 if shift else -1)})

    return judge


def test_only_what_changed_has_moved(stored: Stored, matrix: Matrix) -> None:
    one, other = stored(matrix, shifted(0.0), "one"), stored(matrix, shifted(0.1), "other")
    roar, kar = comparison(read(one), read(other))
    assert (roar.name, kar.name) == ("comparison-roar", "comparison-kar")
    assert roar.shown.moved.to_dict() == {"Random": "–", "GRAD": "yes"}
    assert roar.numbers["B - A"]["mean"]["GRAD"] == pytest.approx(0.1 + 0.002)
    assert roar.numbers["B - A"]["mean"]["Random"] == 0


def test_seeds_and_fractions_in_common_are_compared(stored: Stored, matrix: Matrix) -> None:
    more = replace(matrix, seeds=5, fractions=(0.0, 0.3, 0.5, 1.0))
    one, other = stored(matrix, name="one"), stored(more, name="other")
    roar, _ = comparison(read(one), read(other))
    assert set(roar.shown.n) == {"3"}
    assert (roar.numbers["B - A"]["mean"].abs() < 1e-12).all()


def test_the_tables_lie_in_the_second_run(stored: Stored, matrix: Matrix) -> None:
    one, other = stored(matrix, name="one"), stored(matrix, name="other")
    assert "B - A" in compare_runs(one, other)[0].shown
    assert (other / "report" / "comparison-roar.tex").exists()


def test_other_epochs_are_no_secret(stored: Stored, matrix: Matrix) -> None:
    longer = replace(matrix, recipe=replace(matrix.recipe, epochs=8, precision="bf16"))
    one, other = stored(matrix, name="one"), stored(longer, name="other")
    said = "A and B do not measure the same: recipe.epochs 10 (A) and 8 (B), recipe.precision auto (A) and bf16 (B)."
    assert all(table.notes[0].startswith(said) for table in compare_runs(one, other))


def test_maps_of_other_networks_are_no_secret(stored: Stored, matrix: Matrix) -> None:
    one, other = stored(matrix, name="one"), stored(replace(matrix, attribution_folds=3), name="other")
    said = "A and B do not measure the same: attribution_folds 1 (A) and 3 (B)."
    assert compare_runs(one, other)[0].notes[0].startswith(said)


def test_another_version_under_the_same_name_is_no_secret(
    stored: Stored, matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stored(matrix, name="one")
    monkeypatch.setattr(Gradient, "version", 99, raising=False)
    other = stored(matrix, name="other")
    said = "do not measure the same"
    assert f"{said}: GRAD in another version" in compare_runs(one, other)[0].notes[0]
    assert not any(said in note for table in compare_runs(one, one) for note in table.notes)


def test_a_run_beside_itself_promises_no_power(stored: Stored, matrix: Matrix) -> None:
    one = stored(matrix, name="one")
    text = " ".join(note for table in compare_runs(one, one) for note in table.notes)
    assert "Detectable" not in text and "0.0 points" not in text


def test_one_seed_says_nothing_of_significance(stored: Stored, matrix: Matrix) -> None:
    alone = replace(matrix, seeds=1)
    one, other = stored(alone, name="one"), stored(alone, shifted(0.1), "other")
    roar, _ = comparison(read(one), read(other))
    assert any("seed" in note and "significance" in note for note in roar.notes)
    assert set(roar.shown.moved) == {"–"}


def test_runs_without_a_common_curve(stored: Stored, matrix: Matrix) -> None:
    one = stored(replace(matrix, explainers=("random",)), name="one")
    other = stored(replace(matrix, explainers=("sobel",)), name="other")
    with pytest.raises(ValueError, match="share none"):
        comparison(read(one), read(other))
