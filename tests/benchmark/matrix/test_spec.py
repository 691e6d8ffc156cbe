"""The specification is the identity."""

from dataclasses import asdict, fields, replace

import pytest

from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell, Original, PlugIn, Ranking, check_fraction, digest, key

DATA, NETWORK, METHOD = PlugIn("digits", 1), PlugIn("mlp", 1), PlugIn("gradient", 1)
TRAINING = Original(DATA, NETWORK, Recipe(), 0)
RANKING = Ranking(TRAINING, METHOD)
CELL = Cell(TRAINING, RANKING, PlugIn("mean", 1), "morf", 0.3)

OTHER_VALUES = {
    "optimiser": "sgd",
    "epochs": 3,
    "finetune": 2,
    "batch_size": 7,
    "learning_rate": 0.5,
    "schedule": "steps",
    "warmup_epochs": 1.0,
    "momentum": 0.5,
    "weight_decay": 0.1,
    "label_smoothing": 0.1,
    "augmentation": "shift_flip",
    "precision": "bf16",
}


def test_sums_of_decimals_hash_like_the_decimal_they_mean() -> None:
    assert key(replace(CELL, removal_fraction=0.1 + 0.2)) == key(replace(CELL, removal_fraction=0.3))


@pytest.mark.parametrize(
    "change",
    [
        {"order": "lerf"},
        {"removal_fraction": 0.5},
        {"fill": PlugIn("zero", 1)},
        {"retrain": False},
        {"probe": "mask"},
        {"ranking": replace(RANKING, target="label")},
        {"ranking": replace(RANKING, magnitude=False)},
        {"ranking": replace(RANKING, unit="feature")},
        {"ranking": replace(RANKING, folds=5)},
        {"ranking": replace(RANKING, explainer=PlugIn("gradient", 2))},
        {"ranking": replace(RANKING, explainer=PlugIn("gradient", 1, (("steps", 3),)))},
        {"training": replace(TRAINING, seed=1)},
    ],
)
def test_every_part_of_a_cell_is_part_of_its_identity(change: dict) -> None:
    assert key(replace(CELL, **change)) != key(CELL)


def test_identities_are_those_of_stores_from_before_folds() -> None:
    assert key(RANKING) == "bf2131a81bd7bf9c"
    assert key(CELL) == "04d3d9ec1a812841"


def test_every_field_of_a_recipe_is_part_of_the_identity() -> None:
    assert {field.name for field in fields(Recipe)} == set(OTHER_VALUES)
    for name, value in OTHER_VALUES.items():
        changed = replace(TRAINING, recipe=replace(Recipe(), **{name: value}))
        assert key(changed) != key(TRAINING), name


@pytest.mark.parametrize("name", ["optimiser", "schedule", "augmentation", "precision"])
def test_a_recipe_made_in_python_is_checked_for_its_words(name: str) -> None:
    recipe = replace(Recipe())
    object.__setattr__(recipe, name, "adamw")
    with pytest.raises(ValueError, match=rf"^recipe\.{name} must be one of .*, got 'adamw'"):
        recipe.check()


def test_a_key_is_the_digest_of_the_specification_as_stores_hold_it() -> None:
    assert key(CELL) == key(CELL) == digest(asdict(CELL))


def test_equal_specifications_keep_their_own_keys() -> None:
    whole, yes = (replace(METHOD, parameters=(("samples", value),)) for value in (1, True))
    assert whole == yes and key(whole) != key(yes)


def test_the_way_a_plug_in_is_written_is_not_part_of_its_identity() -> None:
    assert key(replace(TRAINING, dataset=replace(DATA, text="digits[seed=0]"))) == key(TRAINING)


def test_pairing_ignores_everything_but_data_classifier_and_seed() -> None:
    assert replace(TRAINING, recipe=Recipe(epochs=1)).pairing() == TRAINING.pairing()
    assert replace(TRAINING, seed=1).pairing() != TRAINING.pairing()


@pytest.mark.parametrize(
    ("fraction", "said"), [(30.0, "did you mean 0.3"), (-0.1, r"got -0\.1"), (float("nan"), "nan")]
)
def test_a_fraction_outside_the_unit_interval_is_refused(fraction: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_fraction(fraction)


@pytest.mark.parametrize("bad", [{"epochs": 0}, {"learning_rate": -1.0}, {"label_smoothing": 1.0}, {"momentum": -1.0}])
def test_a_recipe_names_the_field_that_is_wrong(bad: dict) -> None:
    with pytest.raises(ValueError, match=f"recipe.{next(iter(bad))}"):
        Recipe(**bad).check()
