"""Tables of Hide-and-Seek against hand-computed numbers and the published ones."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from roarbench.reports.hns.report import report
from roarbench.reports.hns.results import PUBLISHED, by_folder, frame, read
from roarbench.reports.hns.tables import comparison, summary, trainings

MARKUP = r"$\alpha_1$ <b>&amp;</b> 100 % _{x}^2"
"""A name that Markdown, LaTeX, SVG and matplotlib could all misread."""


def result(name: str = "ST1", seed: int = 0, **changes: Any) -> dict[str, Any]:
    """What a training leaves behind: accuracy 0.8 + seed / 10, 90 % hidden, baseline 1."""
    accuracy, hidden = 0.8 + 0.1 * seed, 0.9
    last = {
        "epoch": 3, "step": 30, "alpha": 0.1, "test_accuracy": accuracy, "test_nonzero_hidden": 0.5,
        "interpretability": hidden, "test_chance": 0.1, "fidelity": accuracy,
        "fir": accuracy / (accuracy + hidden), "fii": accuracy * hidden,
    }  # fmt: skip
    leak = {"mask_only": 0.3 + 0.1 * seed, "random_mask_only": 0.1, "random_masked": 0.2, "masked": 0.7}
    made = {
        "name": name, "dataset": "mnist", "seed": seed, "baseline": 1.0, "settings": {"alpha": None}, "last": last,
        "best": {**last, "fii": 0.95}, "leak": leak, "initial_hidden": 0.1, "restarts": 0, "collapsed": None,
        "seconds": 1.5, "judge": 0.6 + 0.1 * seed, "judge_foreign": 0.2, "judge_random": 0.25, "gap": 0.2,
    }  # fmt: skip
    return made | changes


def place_of(folder: Path, found: Mapping[str, Any]) -> Path:
    """Folder of a training."""
    return folder / "".join(c if c.isalnum() else "-" for c in found["name"]) / str(found["seed"])


def store(folder: Path, *results: Mapping[str, Any]) -> Path:
    """Writes results as a study does."""
    for found in results:
        place = place_of(folder, found)
        place.mkdir(parents=True)
        (place / "result.json").write_text(json.dumps(found))
        row = found["last"] | {"alpha": 1.0, "train_total_loss": 1.0, "train_hidden": 0.9}
        pd.DataFrame([row]).to_csv(place / "epochs.csv", index=False)
    return folder


def test_summaries_are_means_and_sample_deviations_over_trainings() -> None:
    row = summary(frame([result(seed=0), result(seed=1)])).shown.loc["ST1"]
    assert row["n"] == "2"
    assert row["accuracy"] == "85.0 (SD 7.1)"  # sd of 0.8 and 0.9 with n - 1: 0.1 / sqrt(2)
    assert row["hidden"] == "90.0 (SD 0.0)"
    assert row["FII"] == "0.765 (SD 0.064)"
    assert row["FIR"] == f"{(8 / 17 + 0.5) / 2:.3f} (SD {(0.5 - 8 / 17) / math.sqrt(2):.3f})"
    assert row["mask only"] == "35.0 (SD 7.1)"
    assert row["best FII"] == "0.950 (SD 0.000)"


def test_the_judge_and_the_gap_stand_beside_the_probe(tmp_path: Path) -> None:
    finals = frame([result(seed=0), result(seed=1)])
    shown = summary(finals).shown
    assert shown.loc["ST1", ["mask only", "judge", "gap"]].tolist() == [
        "35.0 (SD 7.1)", "65.0 (SD 7.1)", "20.0 (SD 0.0)",
    ]  # fmt: skip
    assert trainings(finals).shown[["judge", "judge foreign", "judge random", "gap"]].iloc[0].tolist() == [
        "0.6000", "0.2000", "0.2500", "0.2000",
    ]  # fmt: skip
    study = read(store(tmp_path, result()), {"ST1": "mnist/st1"})
    assert study
    assert comparison(study).shown["gap"].tolist() == ["20.0", "–"]


def test_trainings_of_earlier_versions_have_no_judge() -> None:
    """Beside one that has, they count in no mean of it."""
    older = result("older")
    for name in ("judge", "judge_foreign", "judge_random", "gap"):
        del older[name]
    shown = summary(frame([older])).shown.loc["older"]
    assert (shown["judge"], shown["gap"], shown["mask only"]) == ("–", "–", "30.0")
    assert trainings(frame([older])).shown.loc["older, seed 0", "judge"] == "–"
    assert summary(frame([older, result("older", seed=1)])).shown.loc["older", "judge"] == "70.0"


def test_one_training_has_no_deviation() -> None:
    row = summary(frame([result()])).shown.loc["ST1"]
    assert (row["n"], row["accuracy"], row["FII"]) == ("1", "80.0", "0.720")


def test_epochs_are_a_range_and_collapses_and_restarts_are_counted() -> None:
    short = result(seed=1, collapsed="hides everything", restarts=2)
    short["last"] = short["last"] | {"epoch": 2}
    row = summary(frame([result(seed=0), short])).shown.loc["ST1"]
    assert row["epochs"] == "2–3"
    assert row["collapsed"] == "1 (2 restarts)"


def test_published_numbers_stand_beside_their_condition_only() -> None:
    rows = {"ST1": "mnist/st1", "mine": "", "not yet": "mnist/st2"}
    shown = summary(frame([result("mine"), result("ST1")]), rows).shown
    assert shown.loc["ST1", ["published FII", "published peak"]].tolist() == ["0.834 (SD 0.243)", "0.980"]
    assert shown.loc["mine", ["published FII", "published peak"]].tolist() == ["–", "–"]
    assert list(shown.index) == ["mine", "ST1"]


def test_published_rows_obey_the_definitions_within_their_rounding() -> None:
    rows = pd.read_csv(PUBLISHED)
    assert rows.row.is_unique and len(rows) == 30
    assert (rows.n == 10).all()
    baselines = (rows.accuracy / rows.fidelity).groupby(rows.row.str.partition("/")[0])
    assert (baselines.max() - baselines.min() < 2e-3).all()  # one baseline a data set
    shares = ["accuracy", "hidden", "fir", "fii", "peak_fii", "best_fii"]
    assert rows[shares].stack().between(0, 1).all()
    assert (rows.fii <= rows.peak_fii + 1e-9).all() and (rows.peak_fii <= rows.best_fii).all()


def test_every_training_has_a_row() -> None:
    table = trainings(frame([result(seed=1), result("mine", seed=0)]))
    assert list(table.shown.index) == ["ST1, seed 1", "mine, seed 0"]
    assert table.shown.loc["ST1, seed 1", "F"] == "0.9000"
    assert table.shown.loc["ST1, seed 1", "collapsed"] == "no"
    assert table.numbers["mask only"].tolist() == pytest.approx([0.4, 0.3])


def test_frames_name_the_probes_as_they_are_explained() -> None:
    row = frame([result()]).iloc[0]
    probes = ["mask only", "random mask only", "behind random mask", "behind mask"]
    assert row[probes].tolist() == pytest.approx([0.3, 0.1, 0.2, 0.7])


@pytest.mark.usefixtures("unillustrated")
def test_reports_follow_the_order_of_the_study_and_of_seeds(tmp_path: Path) -> None:
    folder = store(tmp_path, *(result(name, seed) for name in ("B", "A", "C") for seed in (10, 9)))
    assert len(by_folder(folder)) == 6
    report(folder, "?", {"C": "", "A": "", "B": ""})
    written = pd.read_csv(folder / "report" / "trainings.csv")
    assert written.condition.tolist() == ["C", "C", "A", "A", "B", "B"]
    assert written.seed.tolist() == [9, 10] * 3


@pytest.mark.usefixtures("unillustrated")
def test_reports_name_their_question_and_files_and_repeat_themselves(tmp_path: Path) -> None:
    folder = store(tmp_path, result(seed=0), result(seed=1))
    texts = [report(folder, "Which is best?", {"ST1": "mnist/st1"}) for _ in range(2)]
    assert texts[0] == texts[1]
    assert texts[0].startswith("Which is best?")
    assert all((folder / "report" / f"summary.{suffix}").is_file() for suffix in ("csv", "md", "tex"))


@pytest.mark.usefixtures("unillustrated")
def test_markup_in_names_is_harmless(tmp_path: Path) -> None:
    folder = store(tmp_path, result(MARKUP))
    report(folder, "?", {MARKUP: ""})
    latex = (folder / "report" / "summary.tex").read_text()
    assert r"\$\textbackslash{}alpha\_1\$" in latex
    assert MARKUP.replace("<", r"\<") in (folder / "report" / "summary.md").read_text()


def test_studies_without_a_finished_training_or_with_a_misspelled_row_say_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no finished training"):
        report(tmp_path, "?", {"ST1": ""})
    with pytest.raises(ValueError, match="got 'mnist/st3'"):
        report(store(tmp_path, result()), "?", {"ST1": "mnist/st3"})


@pytest.mark.usefixtures("unillustrated")
def test_conditions_that_a_study_no_longer_has_come_last(tmp_path: Path) -> None:
    report(store(tmp_path, result("old"), result("new")), "?", {"new": ""})
    assert pd.read_csv(tmp_path / "report" / "trainings.csv").condition.tolist() == ["new", "old"]


def test_a_bar_in_a_name_stays_in_its_cell() -> None:
    assert r"| a\|b " in summary(frame([result("a|b")])).text()


def test_comparisons_have_the_shape_of_the_published_results(tmp_path: Path) -> None:
    """Seed 0: F 0.8, I 0.9, FII 0.72. Seed 1: F 0.9, I 0.9, FII 0.81. Seed 2 hides nothing and is lost."""
    nothing = result(seed=2)
    nothing["last"] |= {"interpretability": 0.0, "fidelity": 1.0, "fir": 1.0, "fii": 0.0}
    study = read(store(tmp_path, result(seed=0), result(seed=1), nothing), {"ST1": "mnist/st1"})
    assert study
    shown = comparison(study).shown
    ours, theirs = shown.loc["ST1"], shown.loc["published: mnist/st1"]
    assert (ours["ok"], ours["lost"], ours["FII of the others"]) == ("1", "1", f"{(0.72 + 0.81) / 2:.3f}")
    assert (ours["mean peak FII"], ours["best peak FII"]) == ("0.510", "0.810")
    assert theirs[["n", "FII", "best peak FII", "ok", "lost", "FII of the others"]].tolist() == [
        "10", "0.834 (SD 0.243)", "0.980", "6", "1", "0.914",
    ]  # fmt: skip
