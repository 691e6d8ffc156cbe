"""Enumeration: canonical cells, each once, and what they share."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix import plan, presets, work
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import key

Build = Callable[..., Matrix]
SOURCED = """
from dataclasses import dataclass
@dataclass(frozen=True)
class Sourced:
    source: str = "the same"
    sign: int = 1
    def prepare(self, classifier, train):
        return lambda inputs, targets: self.sign * inputs
"""


def test_the_paper_has_seventeen_rows() -> None:
    cells = plan.cells(Matrix(explainers=("paper",), seeds=1, fractions=(0.5,), orders=("morf",), evaluator=False))
    assert len({key(cell) for cell in cells if cell.retrain and cell.probe == "image"}) == 1 + 17


def test_groups_and_names_mix() -> None:
    mixed = Matrix(
        explainers=("paper", "controls", "gradient"), seeds=1, fractions=(0.5,), orders=("morf",), evaluator=False
    )
    assert sum(cell.retrain and cell.probe == "image" for cell in plan.cells(mixed)) == 1 + 17 + 2


def test_originals_are_shared_by_all_explainers_and_orders(small_matrix: Build) -> None:
    cells = plan.cells(small_matrix(seeds=3))
    assert sum(cell.intact for cell in cells) == 3
    assert len(cells) == 3 + 3 * 2 * 2  # seeds x (explainers x orders)


def test_full_removal_is_shared_by_all_explainers_and_orders(small_matrix: Build) -> None:
    cells = plan.cells(small_matrix(fractions=(0.5, 1.0)))
    assert sum(cell.removal_fraction == 1 for cell in cells) == 1


def test_every_cell_has_a_key_of_its_own(small_matrix: Build) -> None:
    cells = plan.cells(small_matrix(seeds=2, fills=("mean", "zero"), retrain=(True, False), mask_fractions=(0.5,)))
    assert len({key(cell) for cell in cells}) == len(cells)


def test_a_mask_probe_has_no_fill_and_is_always_retrained(small_matrix: Build) -> None:
    cells = plan.cells(small_matrix(fills=("mean", "zero"), retrain=(True, False), mask_fractions=(0.3,)))
    masks = [cell for cell in cells if cell.probe == "mask"]
    assert len(masks) == 2 * 2
    assert all(cell.retrain and cell.fill is None for cell in masks)


def test_a_mask_and_its_complement_are_one_cell(small_matrix: Build) -> None:
    cells = plan.cells(small_matrix(explainers=("random",), mask_fractions=(0.1, 0.5, 0.9)))
    masks = [cell for cell in cells if cell.probe == "mask"]
    assert sorted(cell.removal_fraction for cell in masks) == [0.1, 0.5, 0.9]
    assert {cell.order for cell in masks} == {"morf"}


def test_cheap_measures_stand_beside_the_curves_by_default() -> None:
    cells = plan.cells(Matrix(explainers=("gradient",), seeds=1, fractions=(0.5,), orders=("morf",), evaluator=False))
    kinds = [(cell.probe, cell.retrain, cell.fill.name if cell.fill else "") for cell in cells if cell.ranking]
    assert sorted(kinds) == [
        ("attribution", False, ""), ("image", False, "mean"), ("image", False, "noisy_linear"), ("image", True, "mean"),
        ("mask", True, ""),
    ]  # fmt: skip


def test_each_recursive_cell_knows_the_steps_before_it(small_matrix: Build) -> None:
    matrix = small_matrix(
        explainers=("gradient",), fractions=(0.2, 0.5, 0.9), recursive=(False, True), orders=("morf",)
    )
    cells = plan.cells(matrix)
    (chain,) = work.chains(cells)
    assert [cell.steps for cell in chain.cells] == [(), (0.2,), (0.2, 0.5)]
    assert all(cell.steps is None for group in work.groups(cells) for cell in group.cells)


def test_repeated_and_equal_names_are_one_axis_value(small_matrix: Build) -> None:
    once = plan.cells(small_matrix(explainers=("gradient",)))
    assert plan.cells(small_matrix(explainers=("gradient", "roarbench.methods.gradient:Gradient"))) == once
    assert plan.cells(small_matrix(explainers=("gradient",), fractions=(0.5, 0.5, 0.0))) == once


def test_a_larger_matrix_contains_the_smaller_one(small_matrix: Build) -> None:
    small, large = (
        plan.cells(small_matrix()),
        plan.cells(small_matrix(seeds=2, fractions=(0.1, 0.5), fills=("mean", "zero"))),
    )
    assert {key(cell) for cell in small} < {key(cell) for cell in large}


def test_ensembles_of_one_base_share_their_pass(small_matrix: Build) -> None:
    names = ("smoothgrad", "smoothgrad_squared", "vargrad", "gradient", "squared", "smoothgrad[samples=3]")
    groups = work.groups(plan.cells(small_matrix(explainers=names)))
    sizes = sorted(len(group.rankings) for group in groups)
    assert sizes == [1, 2, 3]
    assert sum(len(group.cells) for group in groups) == 6 * 2


def test_only_views_share_a_pass_whatever_fields_others_have(small_matrix: Build, tmp_path: Path) -> None:
    (tmp_path / "sourced.py").write_text(SOURCED)
    names = ("sourced:Sourced", "sourced:Sourced[sign=-1]")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        groups = work.groups(plan.cells(small_matrix(explainers=names)))
    assert [len(group.rankings) for group in groups] == [1, 1]


def test_the_paper_protocol_ranks_signed_features_of_one_checkpoint(small_matrix: Build) -> None:
    cells = plan.cells(small_matrix(seeds=2, protocol="paper"))
    rankings = {cell.ranking for cell in cells if cell.ranking}
    assert {(r.unit, r.magnitude, r.target, r.training.seed) for r in rankings} == {("feature", False, "predicted", 0)}
    assert len(rankings) == 2


def test_without_retraining_the_network_that_is_measured_is_the_one_explained(small_matrix: Build) -> None:
    for protocol, expected in (("paper", {0}), ("rigorous", {0, 1, 2})):
        matrix = small_matrix(seeds=3, protocol=protocol, retrain=(True, False), fractions=(0.0, 0.5, 1.0))
        fixed = [cell for cell in plan.cells(matrix) if not cell.retrain]
        assert {cell.training.seed for cell in fixed} == expected
        assert all(cell.training == cell.ranking.training for cell in fixed if cell.ranking)


def test_attributions_of_a_network_that_all_seeds_share_are_measured_once(small_matrix: Build) -> None:
    for protocol, expected in (("paper", 1), ("rigorous", 3)):
        matrix = small_matrix(explainers=("gradient",), seeds=3, protocol=protocol, measures=("standard",))
        assert sum(cell.probe == "attribution" for cell in plan.cells(matrix)) == expected


def test_without_retraining_no_network_is_trained_on_masks(small_matrix: Build) -> None:
    cells = plan.cells(small_matrix(retrain=(False,), mask_fractions=(0.5,)))
    assert not [cell for cell in cells if cell.probe == "mask"]


def test_single_choices_override_the_protocol(small_matrix: Build) -> None:
    cell = plan.cells(small_matrix(protocol="paper", magnitude=True, target="label"))[-1]
    assert cell.ranking
    assert (cell.ranking.unit, cell.ranking.magnitude, cell.ranking.target) == ("feature", True, "label")


def test_the_forecast_counts_what_is_shared(small_matrix: Build) -> None:
    text = work.counted(plan.cells(small_matrix(seeds=2, explainers=("smoothgrad", "vargrad"), retrain=(True, False))))
    numbers = [int(line.split()[0]) for line in text.splitlines()]
    assert numbers[:4] == [18, 2, 8, 8]
    assert "4 rankings from 2 passes" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"explainers": ("gradeint",)}, "did you mean 'gradient'"),
        ({"datasets": ("minst",)}, "did you mean 'mnist'"),
        ({"fractions": (10.0,)}, "did you mean 0.1"),
        ({"seeds": 0}, "seeds must be"),
        ({"explainers": ()}, "explainers needs at least one value"),
        ({"fractions": (0.0, 1.0)}, "fractions needs a value between 0 and 1"),
        ({"mask_fractions": (5.0,)}, "did you mean 0.05"),
        ({"recursive": (True,), "retrain": (False,)}, "recursive true needs retrain true"),
        ({"recursive": (True,), "protocol": "paper"}, "recursive true needs protocol rigorous"),
        ({"datasets": ("squares[draw=seed]",), "protocol": "paper"}, "cannot change with the seed"),
        (
            {"target_interval": 0.5, "seeds": 2, "protocol": "paper", "retrain": (False,)},
            "target_interval needs retrain true under protocol paper",
        ),
        ({"target_interval": 0.0, "seeds": 2}, "target_interval must lie between 0 and 100.*percentage points, got 0"),
        ({"target_interval": math.nan, "seeds": 2}, "target_interval must lie between 0 and 100"),
        ({"target_interval": 0.5, "seeds": 1}, "needs at least 2 seeds to begin with, got 1"),
        ({"target_interval": 0.5, "seeds": 4, "max_seeds": 3}, "max_seeds must be at least the 4 seeds"),
        ({"max_seeds": 0}, "max_seeds must be at least 1"),
    ],
)
def test_bad_axes_are_named(change: dict, said: str, small_matrix: Build) -> None:
    with pytest.raises(ValueError, match=said):
        plan.cells(replace(small_matrix(), **change))


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_plans(name: str) -> None:
    cells = plan.cells(presets.load(name))
    assert len(cells) > 100
    assert presets.summary(name).endswith(".")


def test_presets_of_published_protocols_keep_all_training_examples() -> None:
    cell = plan.cells(presets.load("paper_resnet50"))[0]
    assert dict(cell.training.dataset.parameters)["validation"] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sedes = 3", "unknown key 'sedes'; did you mean 'seeds'"),
        ("[recipe]\nepoch = 3", r"recipe: unknown key 'epoch'; did you mean 'epochs'"),
        ("recipe = 3", "recipe must be a table"),
        ("seeds = ", "not a readable TOML"),
        ('orders = ["up"]', "orders must be one of morf, lerf, got 'up'"),
        ("seeds = [3]", "seeds must be of type int"),
        ('explainers = "gradient"', "explainers must be a list"),
        ("[recipe]\nepochs = 0", "recipe.epochs must be positive"),
    ],
)
def test_a_bad_preset_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=said) as caught:
        plan.check(presets.load(str(path)))
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_is_suggested() -> None:
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        presets.load("quik")


def test_whole_numbers_in_a_preset_mean_the_same_as_decimals(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    keys = []
    for number in ("1", "1.0"):
        path.write_text(f"fractions = [0.5, {number}]\nseeds = 1\n[recipe]\nlearning_rate = {number}\n")
        keys.append([key(cell) for cell in plan.cells(presets.load(str(path)))])
    assert keys[0] == keys[1]
