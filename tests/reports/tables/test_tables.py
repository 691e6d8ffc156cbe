"""Tables against hand-computed numbers, and honest gaps."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.methods.instruments import Degraded
from roarbench.reports.report import report
from roarbench.reports.rows.load import curves, load
from roarbench.reports.rows.style import FLAG, family, label, labels
from roarbench.reports.status import status
from roarbench.reports.tables.curves import diff_roar, tables
from roarbench.reports.tables.probability import probabilities
from roarbench.reports.tables.summary import summaries
from roarbench.reports.tables.table import Table
from tests.reports.conftest import outcome

pytestmark = pytest.mark.usefixtures("unillustrated")

Stored = Callable[..., Path]


def table(folder: Path, name: str) -> Table:
    return next(table for table in tables(load(folder)) if table.name == name)


def test_roar_holds_means_over_seeds_with_their_interval(stored: Stored, matrix: Matrix) -> None:
    roar = table(stored(matrix), "roar")
    assert list(roar.shown.index) == ["Random", "GRAD"]
    assert list(roar.shown.columns) == ["group", "t=0.5"]
    assert roar.shown.loc["Random"].tolist() == ["a", "51.0 ± 2.5"]
    assert roar.shown.loc["GRAD"].tolist() == ["a", "71.0 ± 2.5"]  # equal differences prove little
    assert "Intact images (t = 0), the same for all: 91.0 ± 2.5 %." in roar.notes
    assert "Everything removed (t = 1), the same for all: 11.0 ± 2.5 %." in roar.notes
    assert roar.numbers["t=1", "mean"].tolist() == pytest.approx([0.11, 0.11])
    assert roar.numbers.loc["Random", ("t=0.5", "mean")] == pytest.approx(0.51)
    assert roar.numbers.loc["Random", ("t=0.5", "n")] == 3


def test_fidelity_is_relative_to_the_original_of_the_same_seed(stored: Stored, matrix: Matrix) -> None:
    numbers = table(stored(matrix), "fidelity").numbers
    expected = sum((0.5 + 0.01 * seed) / (0.9 + 0.01 * seed) for seed in range(3)) / 3
    assert numbers.loc["Random", ("F h=0.5", "mean")] == pytest.approx(expected)
    assert numbers.loc["Random", ("FII h=0.5", "mean")] == pytest.approx(expected * 0.5)
    ratios = [f / (f + 0.5) for f in ((0.5 + 0.01 * seed) / (0.9 + 0.01 * seed) for seed in range(3))]
    assert numbers.loc["Random", ("FIR h=0.5", "mean")] == pytest.approx(sum(ratios) / 3)


def test_interpretability_is_the_share_really_hidden(stored: Stored, matrix: Matrix) -> None:
    def judge(cell: Cell) -> Outcome:
        made = outcome(cell)
        return replace(made, metrics=made.metrics | {"share_removed": 0.9 * cell.removal_fraction})

    numbers = table(stored(matrix, judge), "fidelity").numbers.loc["Random"]
    assert numbers["FII h=0.5", "mean"] == pytest.approx(numbers["F h=0.5", "mean"] * 0.45)


def test_curves_join_the_shared_cells_to_every_explainer_and_order(stored: Stored, matrix: Matrix) -> None:
    joined = curves(load(stored(matrix)))
    assert len(joined) == 2 * 2 * 3 * 3  # explainers x orders x fractions x seeds
    assert (joined.groupby(["explainer", "order", "removal_fraction"]).seed.nunique() == 3).all()


def test_curves_say_what_guessing_achieves(stored: Stored, matrix: Matrix) -> None:
    """Where 97 of 100 images are of one class, an accuracy of 97 % tells nothing."""

    def one_sided(cell: Cell) -> Outcome:
        made = outcome(cell)
        return replace(made, metrics=made.metrics | {"test_accuracy": 0.97, "chance": 0.97})

    said = "Chance, the accuracy of always answering the most frequent class: 97.0 %."
    assert said in table(stored(matrix, one_sided, "imbalanced"), "roar").notes
    assert not any(note.startswith("Chance") for note in table(stored(matrix), "roar").notes)


def test_settings_have_tables_of_their_own(stored: Stored, matrix: Matrix) -> None:
    wider = replace(matrix, fills=("mean", "zero"), mask_fractions=(0.5,), retrain=(True, False))
    names = [t.name for t in tables(load(stored(wider)))]
    assert len(names) == len(set(names))
    assert {"roar", "roar-zero-unretrained", "masks"} <= set(names)
    assert not any(name.startswith("fidelity") and ("mask" in name or "unretrained" in name) for name in names)


def test_cells_to_do_and_failures_show_as_gaps(stored: Stored, matrix: Matrix) -> None:
    def judge(cell: Cell) -> Outcome | None:
        if cell.ranking and cell.ranking.explainer.name == "gradient":
            if cell.training.seed == 0:
                return Outcome("failed", reason="ValueError: too <b>bad</b> & 100 %\n\nTraceback ...")
            return None if cell.removal_fraction == 1 or cell.training.seed == 1 else outcome(cell)
        return outcome(cell)

    roar = table(stored(matrix, judge), "roar")
    assert roar.shown.loc["GRAD", "t=0.5"] == "72.0 (1/3)"
    assert "GRAD: 1 cell failed (ValueError: too <b>bad</b> & 100 %)." in roar.notes
    assert "GRAD: 1 cell to do." in roar.notes


@pytest.mark.parametrize(
    "judge",
    [
        lambda cell: None,
        lambda cell: Outcome("failed", reason="x"),
        lambda cell: outcome(cell) if cell.intact else None,
    ],
)
def test_broken_stores_render(stored: Stored, matrix: Matrix, judge: Callable) -> None:
    assert "ROAR" in report(stored(matrix, judge))


def test_one_seed_renders_without_intervals(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, seeds=1))
    assert table(folder, "roar").shown.loc["Random", "t=0.5"] == "50.0"
    report(folder)


def test_only_one_order_renders(stored: Stored, matrix: Matrix) -> None:
    folder = stored(replace(matrix, orders=("morf",)))
    assert [t.name for t in tables(load(folder))] == ["roar"]
    report(folder)


def test_two_renderings_are_identical(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix)
    files = []
    for _ in range(2):
        report(folder)
        files.append({path.name: path.read_bytes() for path in (folder / "report").iterdir()})
    assert files[0] == files[1]


def test_every_row_is_in_the_tidy_file_and_costs_apart(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix)
    report(folder)
    rows, spent = (pd.read_csv(folder / "report" / name) for name in ("rows.csv", "costs.csv"))
    assert len(rows) == len(spent) == 3 + 3 + 2 * 2 * 3
    assert "seconds" not in rows and "commit" not in rows
    assert {"seconds", "commit"} <= set(spent)


def test_explainers_that_would_read_alike_are_written_in_full() -> None:
    assert labels(["a:Mine", "b:Mine", "vargrad"]) == ["a:Mine", "b:Mine", "VAR-GRAD"]


def test_labels_are_those_of_the_paper() -> None:
    assert label("smoothgrad_squared[base=guided_backprop]") == "SG-SQ-GB"
    assert label("vargrad") == "VAR-GRAD"
    assert label("smoothgrad[base=integrated_gradients[steps=50],samples=5]") == "SG-IG[steps=50][samples=5]"
    assert label("my_file:MyExplainer[strength=2]") == "MyExplainer[strength=2]"
    assert family("smoothgrad") == "SmoothGrad (SG)"
    assert family("my_file:MyExplainer") == "Further methods"


def test_labels_of_instruments_say_what_was_done_to_which_explainer() -> None:
    assert label("blurred") == "GRAD, blurred"
    assert label("blurred[base=smoothgrad_squared,sigma=2.0]") == "SG-SQ-GRAD, blurred[sigma=2.0]"
    assert label("max_filtered[base=integrated_gradients]") == "IG, max-filtered"
    assert label("random_class") == "GRAD of a random class"
    assert label("randomized[base=guided_backprop]") == "GB, random weights"
    assert label("degraded[base=truth]") == f"Truth, {100 * Degraded().noise:g} % noise"
    assert label("degraded[base=truth,noise=0.15]") == "Truth, 15 % noise"
    assert family("degraded[base=truth]") == "Instruments"


@pytest.mark.whole
def test_rendering_never_imports_torch(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix)
    command = ["report", "--out", str(folder)]
    code = f"from roarbench.run_benchmark import *; main({command}); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr


def test_latex_escapes_what_users_name(stored: Stored, matrix: Matrix) -> None:
    latex = table(stored(matrix), "roar").latex()
    assert r"\toprule" in latex and r"\bottomrule" in latex
    assert r"$\pm$" in latex
    assert r"cnn\_small" in latex


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_compiles(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    def judge(cell: Cell) -> Outcome:
        made = outcome(cell)
        return replace(made, metrics=made.metrics | {"chance": 0.1, "test_target_probability": 0.5})

    wide = replace(matrix, retrain=(True, False), mask_fractions=(0.5,))
    frame = load(stored(wide, judge))
    every = [*tables(frame), *summaries(frame), *diff_roar(frame), *probabilities(frame)]
    assert any(FLAG in made.text() for made in every)
    body = "\n".join(made.latex() for made in every)
    (tmp_path / "paper.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}" + body + r"\end{document}"
    )
    done = subprocess.run(["pdflatex", "-halt-on-error", "paper.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_status_counts_and_estimates(stored: Stored, matrix: Matrix) -> None:
    text = status(stored(matrix, lambda cell: outcome(cell) if cell.intact else None))
    assert "3 done" in text
    assert "15 to do" in text
    assert "0.5 worker-minutes" in text


def test_each_kind_of_cell_counts_by_what_it_took(stored: Stored, matrix: Matrix) -> None:
    def half(cell: Cell) -> Outcome | None:
        if cell.training.seed:
            return None
        return replace(outcome(cell), seconds=60.0 if cell.retrain else 3.0)

    text = status(stored(replace(matrix, retrain=(True, False), fractions=(0.5,), seeds=2), half))
    assert "about 5.2 worker-minutes to go" in text  # five networks to train, four scores of networks that are there
