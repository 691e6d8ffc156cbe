"""Who adds a plug-in, a kind of table or a kind of figure adds it in its place, and no list of the tests changes."""

from pathlib import Path

import pytest

from roarbench.benchmark import CLASSIFIERS, FILLS, MEASURES
from roarbench.datasets import DATASETS
from roarbench.datasets.base import Dataset
from roarbench.methods import EXPLAINERS
from roarbench.reports.kinds.figures import FIGURES
from roarbench.reports.kinds.kind import Kind, OfDrawable
from roarbench.reports.kinds.tables import TABLES
from roarbench.reports.report import report
from roarbench.reports.rows.focus import Focus
from tests import dummies
from tests.benchmark.attribution import test_passes as passes
from tests.benchmark.matrix import test_plugins as plugins
from tests.benchmark.measures import test_contract as measures
from tests.benchmark.networks import test_classifiers as classifiers
from tests.benchmark.networks import test_contract as networks
from tests.benchmark.removal import test_fills as fills
from tests.datasets import test_contract as datasets
from tests.methods import test_contract as explainers
from tests.methods.cladec import test_layers as layers
from tests.methods.cladec import test_model as decoders
from tests.methods.test_spellings import RULES
from tests.reports.conftest import matrix, stored

__all__ = ["matrix", "stored"]  # fixtures

OF_PAIRS = (
    explainers.test_attributions_are_finite_detached_floats_of_the_shape_of_the_inputs,
    explainers.test_no_example_of_a_batch_comes_out_empty_or_equal_to_another,
    explainers.test_classifier_and_inputs_come_back_unchanged,
    explainers.test_attributions_depend_on_the_seed_of_torch_alone,
    explainers.test_an_example_does_not_see_the_others_in_its_batch,
    explainers.test_every_target_gets_its_own_attributions,
)
OF_NAMES = (
    explainers.test_an_explainer_applies_somewhere_and_says_why_where_it_does_not,
    explainers.test_explainers_are_frozen_hashable_and_know_what_they_explain,
    explainers.test_every_field_is_part_of_the_identity,
    explainers.test_every_numeric_field_refuses_nonsense_by_name,
    explainers.test_docstrings_name_the_paper_and_the_differences,
    passes.test_passes_that_are_measured_are_those_that_a_dry_run_reports,
)


def named(kind: str, name: str) -> None:
    """The laws of names and parameters."""
    plugins.test_every_parameter_of_every_plug_in_changes_its_key(kind, name)
    plugins.test_every_plug_in_says_what_it_is(kind, name)


@pytest.mark.parametrize(("name", "made"), [("my_jitter", "Jittered"), ("my_half", "Halved")])
def test_an_explainer_is_tested_once_it_is_in_the_table(name: str, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXPLAINERS, name, f"tests.dummies:{made}")
    for law in OF_NAMES:
        law(name)
    for law in OF_PAIRS:
        for case in explainers.CASES:
            law(name, case)
    if made == "Halved":
        explainers.test_a_view_is_the_reduction_of_its_source(name)
    assert explainers.skipped(name, "tabular") == ("jitter needs images" if made == "Jittered" else "")
    assert explainers.stochastic(name, "grey") is (made == "Jittered")
    named("explainer", name)


@pytest.mark.parametrize("broken", ["blind", "untargeted", "vandal"])
def test_an_explainer_that_breaks_a_law_is_caught(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(self: object, classifier, train):  # type: ignore[no-untyped-def]
        attribute = dummies.Gradient().prepare(classifier, train)
        spoiled = {
            "blind": lambda inputs, targets: train.inputs[:1].expand_as(inputs).clone(),
            "untargeted": lambda inputs, targets: attribute(inputs, 0 * targets),
            "vandal": lambda inputs, targets: inputs.mul_(0.5).clone(),
        }
        return spoiled[broken]

    law = {
        "blind": explainers.test_no_example_of_a_batch_comes_out_empty_or_equal_to_another,
        "untargeted": explainers.test_every_target_gets_its_own_attributions,
        "vandal": explainers.test_classifier_and_inputs_come_back_unchanged,
    }[broken]
    monkeypatch.setattr(dummies.Jittered, "prepare", prepare)
    monkeypatch.setitem(EXPLAINERS, f"my_{broken}", "tests.dummies:Jittered")
    with pytest.raises(AssertionError):
        law(f"my_{broken}", "grey")


def test_a_data_set_is_tested_once_it_is_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "my_stripes", "tests.dummies:stripes")

    def load(**parameters: object) -> Dataset:
        return datasets.function("my_stripes")(tmp_path, **(datasets.small("my_stripes") | parameters))

    for name, law in vars(datasets).items():
        if name.startswith("test_"):
            given = {"name": "my_stripes", "load": load, "load_afresh": load}
            law(**{key: value for key, value in given.items() if key in law.__annotations__})
    named("dataset", "my_stripes")


def test_a_classifier_is_tested_once_it_is_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CLASSIFIERS, "my_narrow", "tests.dummies:narrow")
    classifiers.test_logits_have_one_column_a_class("my_narrow")
    classifiers.test_standardisation_comes_first_and_uses_the_training_inputs("my_narrow")
    classifiers.test_tabular_rows_work_or_are_refused_in_one_line("my_narrow")
    for method in RULES:
        classifiers.test_rules_on_classifiers_and_their_copies_are_those_of_hooks_bit_for_bit("my_narrow", method)
    networks.test_the_classifiers_of_the_table_keep_the_contract("my_narrow")
    layers.test_nothing_that_the_classifier_learned_is_left_in_an_encoder("my_narrow")
    decoders.test_every_layer_of_every_classifier_is_decoded_to_the_shape_of_its_images("my_narrow")
    named("classifier", "my_narrow")


@pytest.mark.parametrize("units", [1, 3])
def test_a_fill_is_tested_once_it_is_in_the_table(units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FILLS, "my_half", "tests.dummies:half")
    fills.test_every_fill_leaves_what_is_kept_and_treats_examples_by_themselves("my_half", units)
    named("fill", "my_half")


def test_a_measure_is_tested_once_it_is_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MEASURES, "my_peak", "tests.dummies:Peak")
    measures.test_a_measure_says_what_it_is("my_peak")
    measures.test_labels_differ()
    measures.test_a_measure_gives_numbers_within_its_bounds_and_repeats_itself("my_peak")
    measures.test_the_group_gives_what_its_members_give_alone("my_peak")
    measures.test_nonsense_is_refused_by_name("my_peak")
    named("measure", "my_peak")


@pytest.mark.usefixtures("all_formats")
def test_own_kinds_of_tables_and_figures_are_written_and_are_on_the_page_and_in_the_paper(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = request.getfixturevalue("stored")(request.getfixturevalue("matrix"))
    tables = (Kind("mine", "My tables", "What I wanted to know.", dummies.counts), *TABLES)
    figures = (Kind("mine", "My figures", "What I wanted to see.", OfDrawable(dummies.bars)), *FIGURES)
    for module in ("roarbench.reports.report", "roarbench.reports.page.tables", "roarbench.reports.paper.paper"):
        monkeypatch.setattr(f"{module}.TABLES", tables)
    monkeypatch.setattr("roarbench.reports.report.FIGURES", figures)
    report(folder, focus=Focus(appendix=True))
    out = folder / "report"
    assert all((out / f"mine-counts.{suffix}").exists() for suffix in ("md", "csv", "tex"))
    assert (out / "mine.svg").exists()
    page, paper = (out / "index.html").read_text(), (out / "paper.tex").read_text()
    for word in ("My tables", "What I wanted to know.", "My own table: cells by explainer", "My own figure"):
        assert word in page
    for word in ("My tables", "What I wanted to know.", r"\input{mine-counts.tex}", "My own figure"):
        assert word in paper
