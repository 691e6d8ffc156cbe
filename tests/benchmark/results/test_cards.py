"""What plug-ins say of themselves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from roarbench.benchmark.execution.session import Resources, run
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.results.cards import card
from roarbench.benchmark.results.store import Store
from tests.values import ABLE


def test_parts_of_a_docstring() -> None:
    found = card(plugin("integrated_gradients[steps=50]", "explainer"), "explainer")
    assert found["summary"].startswith("Gradients averaged along")
    assert "arXiv:1703.01365" in found["paper"]
    assert found["differs"].startswith("nowhere")
    assert found["parameters"] == {"steps": "50"}
    assert found["meanings"]["steps"].startswith("points on the line")


@pytest.mark.parametrize("name", ABLE)
def test_every_explainer_names_its_paper_and_what_differs(name: str) -> None:
    found = card(plugin(name, "explainer"), "explainer")
    assert found["summary"] and found["paper"] and found["differs"]


def test_a_run_keeps_the_cards_of_its_explainers(small_matrix: Callable[..., Matrix], tmp_path: Path) -> None:
    run(small_matrix(explainers=("random", "squared")), tmp_path, Resources(tmp_path, workers=0))
    store = Store(tmp_path)
    assert list(store.cards("explainer")) == ["random", "squared"]
    assert store.cards("fill")["mean"]["summary"]
    store.close()
