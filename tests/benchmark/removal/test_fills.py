"""What fills put in the place of what is removed, by hand, and the noise that belongs to an example."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from roarbench.benchmark import FILLS
from roarbench.benchmark.execution import runner, workplace
from roarbench.benchmark.execution.session import Resources, run
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.randomness import generator, normal
from roarbench.benchmark.removal import fills
from roarbench.benchmark.removal.imputation import impute
from roarbench.benchmark.removal.ranks import remove
from roarbench.benchmark.removal.reduction import reduced, stored
from roarbench.benchmark.results.store import Store
from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.statistics import channel_mean
from roarbench.methods.base import Skip
from tests.speed.imputation import masks

Build = Callable[..., plan.Matrix]


def no_normal() -> Tensor:
    raise AssertionError("a fill without noise asks for none")


def test_constant_fills_by_hand() -> None:
    inputs = torch.tensor([[[[0.0, 1.0]]], [[[1.0, 1.0]]]])
    train_mean, mask = torch.full((1, 1, 1), 0.25), torch.zeros(2, 1, 1, 2, dtype=torch.bool)
    filled = {
        fill.__name__: fill(inputs, mask, train_mean, no_normal).flatten().tolist()
        for fill in (fills.mean, fills.zero, fills.image_mean)
    }
    assert filled == {"mean": [0.25] * 4, "zero": [0.0] * 4, "image_mean": [0.5, 0.5, 1.0, 1.0]}


def test_tabular_rows_are_filled_feature_by_feature() -> None:
    inputs = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    mask, train_mean = torch.zeros(2, 2, dtype=torch.bool), channel_mean(inputs)
    assert remove(inputs, mask, fills.mean, train_mean, no_normal).tolist() == [[0.5, 1.0], [0.5, 1.0]]


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("units", [1, 3])
def test_every_fill_leaves_what_is_kept_and_treats_examples_by_themselves(name: str, units: int) -> None:
    inputs, fill = torch.rand(6, 3, 12, 10, generator=generator("x")), build(plugin(name, "fill"), "fill")
    mask = torch.rand(6, units, 12, 10, generator=generator("m")) < 0.3

    def of(index: Tensor) -> Tensor:
        drawn = lambda: normal(inputs[index], index, "here")  # noqa: E731
        return remove(inputs[index], mask[index], fill, torch.full((3, 1, 1), 0.5), drawn)

    together, everywhere = of(torch.arange(6)), mask.expand_as(inputs)
    assert torch.equal(together[everywhere], inputs[everywhere])
    assert together.isfinite().all()
    assert torch.equal(together, torch.cat([of(torch.tensor([position])) for position in range(6)]))


@pytest.mark.parametrize("sigma", [0.01, 0.1])
def test_noise_has_the_stated_deviation_on_what_is_removed_alone(sigma: float) -> None:
    inputs, mask = torch.rand(8, 3, 32, 32, generator=generator("y")), masks("random", (8, 3, 32, 32), 0.9)
    index, black = torch.arange(8), torch.zeros(3, 1, 1)
    fill = build(plugin(f"noisy_linear[noise={sigma}]", "fill"), "fill")
    found = remove(inputs, mask, fill, black, lambda: normal(inputs, index, "noise"))
    added = (found - impute(inputs, mask, black))[~mask.expand_as(inputs)]
    assert added.std().item() == pytest.approx(sigma, rel=0.03)  # 22 000 numbers: standard error 0.5 %
    assert abs(added.mean().item()) < 0.03 * sigma
    assert torch.equal(found[mask.expand_as(inputs)], inputs[mask.expand_as(inputs)])


def test_numbers_of_an_example_depend_on_its_position_and_the_parts_alone() -> None:
    few, many = torch.zeros(2, 3, 4, 4), torch.zeros(5, 3, 4, 4)
    assert torch.equal(normal(few, torch.tensor([3, 1]), "a"), normal(many, torch.arange(5), "a")[[3, 1]])
    assert not torch.equal(normal(few, torch.tensor([3, 1]), "a"), normal(few, torch.tensor([3, 1]), "b"))


def test_the_blur_of_a_point_is_a_gaussian_of_the_stated_width() -> None:
    point = torch.zeros(1, 1, 61, 81)
    point[..., 30, 40] = 1
    found = fills.blur(point, point > 1, torch.zeros(1, 1, 1), no_normal, sigma=5 / 61)[0, 0].double()
    assert found.sum().item() == pytest.approx(1, abs=1e-5)
    for axis, centre in ((0, 30), (1, 40)):
        profile = found.sum(1 - axis)
        places = torch.arange(len(profile)) - centre
        assert (profile * places).sum().abs() < 1e-4
        assert (profile * places.square()).sum().sqrt().item() == pytest.approx(5, rel=0.03)  # ends after 15 pixels


def test_a_blurred_constant_stays_constant_up_to_its_border() -> None:
    grey = torch.full((1, 2, 9, 7), 0.4)
    assert (fills.blur(grey, grey > 1, torch.zeros(2, 1, 1), no_normal) - grey).abs().max() < 1e-6


@pytest.mark.parametrize(("name", "said"), [("noisy_linear[noise=-1]", "at least 0"), ("blur[sigma=0]", "positive")])
def test_parameters_out_of_range_are_refused(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build(plugin(name, "fill"), "fill")(
            torch.rand(1, 1, 4, 4), torch.ones(1, 1, 4, 4).bool(), torch.zeros(1, 1, 1), no_normal
        )


@pytest.mark.parametrize("fill", [fills.noisy_linear, fills.blur])
def test_fills_of_images_do_not_apply_to_rows(fill: Callable) -> None:
    with pytest.raises(Skip, match=r"needs (images|signals)"):
        fill(torch.rand(2, 5), torch.ones(2, 5).bool(), torch.zeros(5), no_normal)


def test_blur_and_image_mean_treat_every_axis_of_places_alike() -> None:
    """A signal is an image of one row, and a volume whose slices are equal is an image."""
    image, mean = torch.rand(2, 3, 8, 8), torch.zeros(3, 1, 1)
    signal = image[:, :, 0]
    rows = signal[:, :, None].expand(-1, -1, 8, -1)
    volume = image[:, :, None].expand(-1, -1, 8, -1, -1)
    for fill in (fills.blur, fills.image_mean):
        filled = [
            fill(x, torch.ones(2, 1, *x.shape[2:]).bool(), mean, no_normal) for x in (image, signal, rows, volume)
        ]
        torch.testing.assert_close(filled[1], filled[2][:, :, 0])
        torch.testing.assert_close(filled[3][:, :, 3], filled[0])


def outcomes(matrix: plan.Matrix, folder: Path) -> dict[tuple, str]:
    run(matrix, folder, Resources(folder, "cpu", workers=0))
    found = {}
    for row in Store(folder).rows():
        fill = row.specification["fill"]
        found[fill and fill["name"], row.specification["removal_fraction"]] = row.outcome and row.outcome.status
    return found


@pytest.mark.parametrize("stacked", [True, False])
def test_cells_of_fills_that_do_not_apply_are_skipped_alone(small_matrix: Build, tmp_path: Path, stacked: bool) -> None:
    matrix = small_matrix(
        datasets=("roar_toy",), explainers=("random",), orders=("morf",), fractions=(0.3, 0.7),
        fills=("mean", "noisy_linear", "blur"), retrain=(stacked,),
    )  # fmt: skip
    done = {(None, 0.0): "done", ("mean", 0.3): "done", ("mean", 0.7): "done"}
    skipped = {(fill, t): "skipped" for fill in ("noisy_linear", "blur") for t in (0.3, 0.7)}
    assert outcomes(matrix, tmp_path / "run") == done | skipped


@pytest.mark.parametrize("fill", ["raise RuntimeError('no such luck')", "return inputs[:, :1, :2]"])
def test_a_broken_fill_fails_before_anything_is_written(
    small_matrix: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fill: str
) -> None:
    module = f"fill_{abs(hash(fill))}"
    (tmp_path / f"{module}.py").write_text(f"def mine(inputs, kept, train_mean, normal):\n    {fill}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match=f"{module}:mine cannot fill examples of digits"):
        run(small_matrix(fills=(f"{module}:mine",)), tmp_path / "run", Resources(tmp_path, "cpu", workers=0))
    assert not (tmp_path / "run").exists()


def test_noise_is_that_of_seed_split_and_position(small_matrix: Build, place: Workplace) -> None:
    """Explainers, fractions and orders change what is removed, not the noise."""
    matrix = small_matrix(
        explainers=("random", "gradient"), fractions=(0.5, 1.0), fills=("noisy_linear[noise=0.5]",), seeds=2
    )
    cells = [cell for cell in plan.cells(matrix) if not cell.intact]
    for cell in cells:
        if not place.artefacts.has_network(cell.training):
            runner.train_original(cell.training, place)
        if cell.ranking:
            runner.rank((cell.ranking,), place)

    def noise(cell: Cell) -> Dataset:
        """What noise adds; NaN where nothing was removed."""
        data = workplace.data_for(cell.training, place)
        ranks = stored(cell, data.splits, place.artefacts)
        plain = reduced(replace(cell, fill=plugin("noisy_linear[noise=0]", "fill")), data, ranks)
        noisy = reduced(cell, data, ranks)

        def added(name: str, split: Split) -> Split:
            more = split.inputs - plain.splits[name].inputs
            return replace(split, inputs=torch.where(more == 0, torch.nan, more))

        return noisy.each(added)

    whole = {cell.training.seed: noise(cell) for cell in cells if not cell.ranking}
    for cell in cells:
        for name, split in noise(cell).splits.items():
            removed = ~split.inputs.isnan()
            assert removed.any()
            assert torch.allclose(
                split.inputs[removed], whole[cell.training.seed].splits[name].inputs[removed], atol=1e-5
            )
    first, second = whole.values()
    assert not torch.allclose(first.test.inputs, second.test.inputs)
    assert not torch.allclose(first.test.inputs[:50], first.train.inputs[:50])
