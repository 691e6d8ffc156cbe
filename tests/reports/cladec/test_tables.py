"""The evaluation table of ClaDec against hand-computed numbers and the published ones."""

from pathlib import Path

import pandas as pd
import pytest

from roarbench.reports.cladec.results import PUBLISHED, frame
from roarbench.reports.cladec.tables import evaluation
from roarbench.reports.tables.table import Table
from tests.reports.cladec.made_up import ALPHAS, classifier, decoder, sweep


def only(results: list) -> Table:
    (table,) = evaluation(frame(results))
    return table


def test_columns_are_those_of_the_published_table() -> None:
    assert list(only(sweep()).shown) == ["classifier", "RefAE", "0", "0.5", "0.99", "1"]


def test_alphas_that_hardly_differ_have_columns_of_their_own() -> None:
    close = [decoder(alpha) for alpha in (None, 0.9999999, 1.0)]
    assert list(only(close).shown) == ["classifier", "RefAE", "0.9999999", "1"]


def test_cells_are_means_with_intervals_over_trainings() -> None:
    shown = only(sweep()).shown
    # 3.0 and 3.1: the standard error is 0.05, the quantile of one degree of freedom 12.706
    assert shown.loc["mnist, conv, reconstruction", "0"] == "3.050 ± 0.635"
    assert shown.loc["mnist, conv, evaluation accuracy", "0"] == "97.50 [91.15, 100.00]"
    assert shown.loc["mnist, dense, frozen accuracy", "classifier"] == "99.05 ± 0.64"
    assert shown.loc["mnist, conv, classification", "RefAE"] == "–"


def test_a_single_training_has_the_interval_of_its_evaluators() -> None:
    shown = only(sweep(seeds=1)).shown
    assert shown.loc["mnist, conv, evaluation accuracy", "0"] == "97.00 [84.29, 100.00]"
    assert shown.loc["mnist, conv, reconstruction", "0"] == "3.000"


def test_published_values_stand_below_ours() -> None:
    shown = only(sweep()).shown
    names = shown.index.to_list()
    assert names[names.index("mnist, conv, total") + 1] == "mnist, conv, total, published"
    row = shown.loc["mnist, conv, reconstruction, published"]
    assert row.tolist() == ["–", "0.359", "1.467", "1.460", "2.784", "153.482"]
    assert shown.loc["mnist, conv, evaluation accuracy, published", "classifier"] == "99.03"
    assert "mnist, conv, agreement, published" not in names


def test_nothing_published_beside_other_classifiers_trainings_or_data() -> None:
    others = (
        {"classifier": "small_cnn"}, {"settings": {"reduction": "mean"}}, {"settings": {"variational": True}},
        {"settings": {"target": "predicted"}}, {"dataset": "digits"},
    )  # fmt: skip
    for more in others:
        assert not [name for name in only(sweep(**more)).shown.index if "published" in name]


def test_a_note_tells_what_was_trained_otherwise_than_published() -> None:
    full = {"dataset": "mnist[validation=0]", "settings": {"reduction": "sum", "decoder": "published", "epochs": 10}}
    assert not [note for note in only(sweep(**full)).notes if "in brackets the published" in note]
    other = {"dataset": "mnist[train=9]", "settings": {"reduction": "sum", "decoder": "generated", "epochs": 3}}
    (note,) = [note for note in only(sweep(**other)).notes if "in brackets the published" in note]
    for text in (
        "mnist[train=9] (mnist[validation=0])",
        "generated for layer dense (published_dense)",
        "epochs 3 (10)",
    ):
        assert text in note
    other = full | {"recipe": {"epochs": 10, "learning_rate": 0.003}}
    (note,) = [note for note in only(sweep(**other)).notes if "in brackets the published" in note]
    assert "recipe.learning_rate 0.003 (0.001)" in note


@pytest.mark.parametrize("change", [{"settings": {"reduction": "sum", "epochs": 2}}, {"recipe": {"epochs": 2}}])
def test_trainings_of_one_layer_with_other_settings_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match="two experiments named made up"):
        evaluation(frame([decoder(0.0), decoder(0.5, **change)]))


def test_reductions_never_share_a_table() -> None:
    means = [decoder(alpha, settings={"reduction": "mean"}) for alpha in ALPHAS]
    first, second = evaluation(frame([*sweep(), *means]))
    assert "sum of squared errors" in first.caption and "mean of squared errors" in second.caption
    assert first.name != second.name
    assert any("do not compare" in note for note in second.notes)
    assert second.shown.loc["mnist, conv, frozen accuracy", "classifier"] == "99.05 ± 0.64"


@pytest.mark.parametrize("settings", [{"variational": True}, {"target": "predicted"}])
def test_variational_systems_and_predicted_targets_have_tables_of_their_own(settings: dict) -> None:
    first, second = evaluation(frame([*sweep(), *sweep(settings=settings)]))
    word = next(iter(settings)) if "variational" in settings else "predicted"
    assert first.name == "evaluation-made-up-vgg_small-sum" and second.name == f"{first.name}-{word}"
    assert word in second.caption and word not in first.caption
    assert second.shown.columns[1] == ("RefVAE" if word == "variational" else "RefAE") and "RefAE" in first.shown
    assert "mnist, conv, total, published" in first.shown.index
    assert "mnist, conv, total, published" not in second.shown.index


def test_metrics_that_nobody_measured_have_no_row() -> None:
    bare = decoder(0.0)
    bare["test"] = {**bare["test"], "evaluation_accuracy": []}
    names = only([bare]).shown.index
    assert "mnist, conv, reconstruction" in names
    assert "mnist, conv, evaluation accuracy" not in names


def test_tables_are_written_in_all_formats(tmp_path: Path) -> None:
    paths = only(sweep()).write(tmp_path)
    assert [path.suffix for path in paths] == [".csv", ".md", ".tex"]
    assert "n = 2 trainings" in paths[1].read_text()


def test_the_published_table_is_complete_and_obeys_its_definitions() -> None:
    rows = pd.read_csv(PUBLISHED)
    assert len(rows) == 4 * (12 + 11 + 11 + 12)
    wide = rows[rows.kind == "cladec"].pivot(index=["dataset", "layer", "alpha"], columns="metric", values="value")
    alpha = wide.index.get_level_values("alpha")
    total = (1 - alpha) * wide.reconstruction + alpha * wide.classification
    assert len(wide) == 40
    pd.testing.assert_series_equal(total, wide.total, rtol=2e-3, check_names=False)
    assert rows[rows.metric == "evaluation_accuracy"].value.between(0, 1).all()


def test_a_classifier_tells_of_original_images_once_a_seed() -> None:
    rows = frame([classifier(), classifier(name="again"), *sweep(1)])
    (table,) = evaluation(rows)
    assert table.numbers[("classifier", "n")].max() == 1
    assert rows.iloc[0].evaluation_accuracy == pytest.approx(0.99)


def test_classifiers_of_other_recipes_do_not_count() -> None:
    others = [classifier(recipe={"epochs": 1}, test={"accuracy": 0.5, "cross_entropy": 1.0}), *sweep(1)]
    assert only(others).shown.loc["mnist, conv, frozen accuracy", "classifier"] == "99.00"


def test_two_experiments_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="run holds two experiments named made up"):
        evaluation(frame([*sweep(), *sweep()]))
