"""Which curves the page shows at first."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.page.chart import MOST_CURVES, panels, series
from roarbench.reports.rows.load import curves, read

Stored = Callable[..., Path]

NAMES = (
    "random",
    "gradient",
    "integrated_gradients",
    "sobel",
    "center",
    "deviation",
    "input_x_gradient",
    "guided_backprop",
)
"""From the worst to the best."""


def falling(cell: Cell) -> Outcome:
    """Under ROAR accuracy falls faster, and under KAR slower, the later the explainer comes in the list."""
    place = NAMES.index(cell.ranking.explainer.name) if cell.ranking else 0
    turn = 1 if cell.order == "morf" else -1
    accuracy = 0.5 - turn * 0.05 * place * cell.removal_fraction + 0.001 * cell.training.seed
    return Outcome("done", {"test_accuracy": accuracy, "chance": 0.1})


def first(folder: Path, highlight: tuple[str, ...] = (), baseline: str | None = None) -> list[list[str]]:
    """The explainers whose curves each panel shows at first."""
    frame = read(folder).frame
    drawn = series(frame, highlight)
    shown = panels(curves(frame), drawn, baseline)
    return [[drawn[number].explainer for number in panel.first] for panel in shown]


def test_random_and_the_five_best_are_shown_first(stored: Stored, wide: Matrix) -> None:
    (shown,) = first(stored(replace(wide, explainers=NAMES, mask_fractions=()), falling))
    assert len(shown) == MOST_CURVES == 6
    assert shown == ["random", *NAMES[:2:-1]]


def test_what_stands_out_and_the_baseline_are_shown_wherever_they_stand(stored: Stored, wide: Matrix) -> None:
    (shown,) = first(stored(replace(wide, explainers=NAMES, mask_fractions=()), falling), ("gradient",), "sobel")
    assert len(shown) == MOST_CURVES
    assert shown == ["random", "gradient", "sobel", *NAMES[:4:-1]]


def test_each_panel_has_its_own_best(stored: Stored, wide: Matrix) -> None:
    def turned(cell: Cell) -> Outcome:
        outcome = falling(cell)
        accuracy = outcome.metrics["test_accuracy"] or 0.0
        fooled = cell.fill is not None and cell.fill.name == "noisy_linear"
        return replace(outcome, metrics=outcome.metrics | {"test_accuracy": 1 - accuracy if fooled else accuracy})

    names = [name for name in NAMES if name != "random"]
    matrix = replace(wide, explainers=("random", *names), fills=("mean", "noisy_linear"), mask_fractions=())
    mean, noisy = first(stored(matrix, turned))
    assert mean[1] == names[-1] and noisy[1] == names[0]


def test_without_measured_curves_none_is_shown(stored: Stored, wide: Matrix) -> None:
    assert first(stored(replace(wide, explainers=NAMES, mask_fractions=()), lambda cell: None)) == [[]]
