"""Figures of ClaDec draw what they are given."""

from pathlib import Path

import numpy as np
import pytest

from roarbench.reports.cladec import images
from roarbench.reports.cladec.plots import RATIO, _figure, _published, _summary, alpha_figure, position
from roarbench.reports.cladec.results import frame, systems
from roarbench.reports.pictures.tiles import tiles
from tests.reports.cladec.made_up import decoder, sweep


def test_alphas_are_spaced_by_what_is_left_of_them() -> None:
    alphas = [0.0, 0.5, 0.999, 1.0]
    places = [position(alpha, alphas) for alpha in alphas]
    assert places == pytest.approx([0, 0.30103, 3, 4])


def test_errors_are_divided_by_those_of_the_reference_of_the_same_seed() -> None:
    (system,) = systems(frame(sweep()))
    found = _summary(system, ("mnist", "conv"), RATIO, 0.0)
    assert found.mean == pytest.approx((3.0 / 1.0 + 3.1 / 1.1) / 2)
    assert _published(system, ("mnist", "conv"), RATIO, 0.0) == pytest.approx(1.46710 / 0.359455)


def test_a_figure_for_each_system(tmp_path: Path) -> None:
    other = [decoder(alpha, settings={"reduction": "mean"}) for alpha in (0.0, 0.1)]
    paths = alpha_figure(frame([*sweep(), *sweep(dataset="digits"), *other]), tmp_path)
    assert [path.name for path in paths ] == [
        "alpha-made-up-vgg_small-sum.svg", "alpha-made-up-vgg_small-mean.svg",
    ]  # fmt: skip
    assert all(path.stat().st_size > 1000 for path in paths)


def test_metrics_that_nobody_measured_have_no_panel() -> None:
    results = [decoder(alpha) for alpha in (None, 0.0, 0.5)]
    for result in results:
        result["test"]["evaluation_accuracy"] = []
    (system,) = systems(frame(results))
    assert len(_figure(system).axes) == 3


@pytest.mark.parametrize(
    ("dataset", "told"),
    [("digits", []), ("mnist[validation=0]", ["published"]), ("mnist[train=9]", ["published, trained otherwise"])],
)
def test_crosses_are_explained_where_there_are_any(dataset: str, told: list[str]) -> None:
    (system,) = systems(frame(sweep(dataset=dataset)))
    texts = [text.get_text() for text in _figure(system).legends[0].get_texts()]
    assert texts == ["conv", "dense", "RefAE", "classifier on originals", *told]


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_grids_hold_a_tile_for_each_image_on_one_scale(channels: int) -> None:
    draw = np.random.default_rng(0)
    rows = {name: draw.random((3, channels, 6, 6)) / 2 for name in ("original", "RefAE", "alpha 0", "alpha 1")}
    titles = images.captions(np.array([1, 2, 7]), np.array([1, 2, 9]))
    figure = images.alpha_grid(rows, titles, "title")
    figure.draw_without_rendering()
    assert len(figure.axes) == 12
    assert [axis.get_title() for axis in figure.axes[:3]] == ["1", "2", "7, as 9"]
    assert {axis.images[0].get_clim() for axis in figure.axes} == {(0, 1)}


def test_rows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"as many images each, got \[2, 3\]"):
        tiles({"a": np.zeros((2, 1, 4, 4)), "b": np.zeros((3, 1, 4, 4))}, "title")
    with pytest.raises(ValueError, match=r"as many images each, got \[0\]"):
        tiles({"a": np.zeros((0, 1, 4, 4))}, "title")


def test_the_worst_case_of_every_class_has_its_highest_loss() -> None:
    labels, losses = np.array([0, 2, 0, 2, 2]), np.array([1.0, 5.0, 3.0, 2.0, 4.0])
    assert images.worst(labels, losses).tolist() == [2, 1]
    assert images.worst(labels, losses, most=1).tolist() == [1]
    titles = images.scored(labels[[2, 1]], losses[[2, 1]])
    figure = images.alpha_grid({"original": np.zeros((2, 1, 4, 4))}, titles, "title")
    assert [axis.get_title() for axis in figure.axes] == ["0\n3", "2\n5"]


def test_latent_grids_put_the_lowest_codes_at_the_lower_left() -> None:
    grid = np.zeros((3, 3, 1, 4, 4))
    grid[0, 0] = 1  # lowest of both codes
    figure = images.latent_grid(grid, 1.0, "title")
    shown = figure.axes[0].images[0].get_array()
    assert shown is not None and shown.shape == (12, 12)
    assert shown[8:, :4].min() == 1 and shown.sum() == 16
    figure.draw_without_rendering()
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert float(labels[0]) == 1.0  # at the top


def test_triptychs_and_scatters_draw() -> None:
    one = {name: np.zeros((1, 4, 4)) for name in ("original", "RefAE", "ClaDec")}
    images.triptych(one, "title").draw_without_rendering()
    figure = images.latent_scatter(np.random.default_rng(0).random((20, 2)), np.arange(20) % 3, "title")
    figure.draw_without_rendering()
    assert len(figure.axes[0].collections) == 3
