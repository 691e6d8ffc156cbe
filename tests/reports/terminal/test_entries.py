"""All about a name of the command line."""

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.matrix.described import facts
from roarbench.benchmark.matrix.plugins import TABLES
from roarbench.benchmark.matrix.signatures import parameters
from roarbench.methods import EXPLAINERS
from roarbench.reports.terminal.entries import entry


def test_an_explainer_shows_parameters_defaults_paper_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["list", "smoothgrad"]) == 0
    shown = capsys.readouterr().out
    for fact in ("samples=15", "noise=0.15", "base=gradient", "arXiv:1706.03825", "Cost: `samples` times"):
        assert fact in shown


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_says_what_it_costs(name: str) -> None:
    assert facts("explainer", name)["cost"]


@pytest.mark.parametrize("kind", [kind for kind, table in TABLES.items() if table])
def test_parameters_are_read_from_the_source(kind: str) -> None:
    names = {name: [one.name for one in parameters(kind, name)] for name in TABLES[kind]}
    assert any(names.values())


def test_words_of_the_glossary_and_presets_are_explained() -> None:
    assert "Keep And Retrain" in entry("kar")
    assert "[recipe]" in entry("cifar10") and "photographs" in entry("cifar10")
    assert "guided_backprop" in entry("paper")


def test_an_unknown_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["list", "smothgrad"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
