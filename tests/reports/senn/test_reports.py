"""Tables and figures of SENN, from made-up results."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roarbench.reports.senn.explanations import Explained, explanation_figure, neighbour_figure
from roarbench.reports.senn.plots import sweep_figure
from roarbench.reports.senn.results import MEASURES, frame
from roarbench.reports.senn.tables import measures, sweep


def result(weight: float = 1e-2, *, seed: int = 0, name: str = "residual", dataset: str = "mnist") -> dict[str, Any]:
    """Accuracy 0.9 and a hundredth more for each seed; all other measures are 0.5."""
    settings = {"concepts": "convolutional", "robustness": "residual", "robust_weight": weight, "bias": True}
    test = dict.fromkeys(MEASURES, 0.5) | {"accuracy": 0.9 + 0.01 * seed}
    return {
        "dataset": dataset, "name": name, "seed": seed, "settings": settings, "test": test,
        "best": {"validation_accuracy": 0.8},
    }  # fmt: skip


def explained(*shape: int) -> Explained:
    """Two examples with three concepts."""
    draw = np.random.default_rng(0)
    concepts, (relevances, others) = draw.random((2, 3)), draw.standard_normal((2, 2, 3))
    labels, drops = np.array([0, 1]), draw.random((2, 3))
    return Explained(
        draw.random((2, *shape)), labels, labels, concepts, relevances, 1 - labels, others, drops, ["a", "b", "c"]
    )


def test_measures_are_means_with_intervals_for_each_condition() -> None:
    table = measures(frame([result(seed=0), result(seed=1), result(1.0)]), "title")
    assert list(table.shown.index) == ["residual, lambda 0.01", "residual, lambda 1"]
    assert table.shown.loc["residual, lambda 0.01", "accuracy"] == "90.5 ± 6.4"
    assert table.shown.loc["residual, lambda 1", "accuracy"] == "90.0"
    assert "n = 1–2 trainings" in table.notes[0]


def test_the_sweep_has_the_published_accuracy_beside_each_lambda() -> None:
    table = sweep(frame([result(1e-2), result(1.0), result(7.0), result(1.0, name="probe")]))
    assert table.shown.published.to_dict() == {"0.01": "98.3", "1": "24.4", "7": "–"}
    assert table.shown.probe.to_dict() == {"0.01": "–", "1": "90.0", "7": "–"}


def test_data_of_which_nothing_is_published_have_no_such_column() -> None:
    assert "published" not in sweep(frame([result(dataset="digits")])).shown


def test_other_concepts_have_published_values_of_their_own() -> None:
    made = result(1e-3)
    made["settings"]["concepts"] = "vae"
    assert sweep(frame([made])).shown.published.to_dict() == {"0.001": "98.3"}


def test_data_sets_are_told_apart() -> None:
    table = measures(frame([result(), result(dataset="digits")]), "title")
    assert list(table.shown.index) == ["mnist, residual, lambda 0.01", "digits, residual, lambda 0.01"]


def test_tables_and_the_sweep_are_written(tmp_path: Path) -> None:
    rows = frame([result(weight, seed=seed) for weight in (0.0, 1e-2, 1.0) for seed in range(2)])
    paths = [*measures(rows, "title").write(tmp_path), *sweep(rows).write(tmp_path), *sweep_figure(rows, tmp_path)]
    assert all(path.stat().st_size for path in paths)


@pytest.mark.parametrize(("shape", "columns"), [((1, 6, 6), 6), ((3, 6, 6), 6), ((5,), 5)])
def test_explanations_draw_for_images_and_rows_of_tables(shape: tuple[int, ...], columns: int) -> None:
    figure = explanation_figure(explained(*shape))
    figure.draw_without_rendering()
    assert len(figure.axes) == 2 * columns


def test_neighbours_stand_beside_their_image() -> None:
    figure = neighbour_figure(explained(1, 6, 6), explained(1, 6, 6))
    figure.draw_without_rendering()
    assert len(figure.axes) == 3 * 4
    assert figure.axes[1].get_title() == "1, predicted 1"


def test_classes_are_called_by_their_names() -> None:
    named = replace(explained(1, 6, 6), predicted=np.array([1, 0]), classes=("ant", "bee"))
    titles = [axis.get_title() for axis in explanation_figure(named).axes]
    assert {"class ant,\npredicted bee", "class bee,\npredicted ant"} <= {*titles}
    assert "contribution to class bee,\nsecond highest" in titles
    assert neighbour_figure(named, named).axes[1].get_title() == "bee,\npredicted ant"
