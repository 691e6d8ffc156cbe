"""The schema of presets accepts what the reader of presets accepts, and has a word about every key."""

import dataclasses
import doctest
import importlib
from typing import Any

import pytest

from roarbench.benchmark.matrix import described
from roarbench.benchmark.matrix import schema as of_schema
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.plugins import METHODS, TABLES
from roarbench.benchmark.matrix.presets import FOLDER, names, override, tomllib
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.schema import Schema, properties, schema

jsonschema = pytest.importorskip("jsonschema")

WRONG: dict[str, dict[str, Any]] = {
    "an unknown key": {"seed": 3},
    "an unknown key of the recipe": {"recipe": {"epoch": 3}},
    "a value in place of a list": {"datasets": "mnist"},
    "text in place of a number": {"seeds": "3"},
    "a word that is no choice": {"recipe": {"optimiser": "adamw"}},
}
RIGHT: dict[str, dict[str, Any]] = {
    "nothing": {},
    "whole numbers as shares": {"fractions": [0, 0.5, 1]},
    "a unit of one's own": {"unit": "patch[size=4]"},
    "a recipe": {"recipe": {"optimiser": "sgd", "finetune": 2}},
}


def valid(table: dict[str, Any]) -> bool:
    """Whether a table fits the schema."""
    return bool(jsonschema.Draft7Validator(schema()).is_valid(table))


@pytest.mark.parametrize("name", names())
def test_every_preset_fits(name: str) -> None:
    jsonschema.validate(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")), schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(schema())


@pytest.mark.parametrize("table", RIGHT.values(), ids=RIGHT)
def test_what_is_read_fits(table: dict[str, Any]) -> None:
    override(Matrix(), table, "preset")
    assert valid(table)


@pytest.mark.parametrize("table", WRONG.values(), ids=WRONG)
def test_what_is_refused_does_not_fit(table: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="preset"):
        override(Matrix(), table, "preset")
    assert not valid(table)


@pytest.mark.parametrize("kind", METHODS)
def test_every_parameter_of_a_plug_in_has_a_meaning(kind: str) -> None:
    for name in TABLES[kind]:
        module, attribute = TABLES[kind][name].split(":")
        target = getattr(importlib.import_module(module), attribute)
        keys = properties(target) if dataclasses.is_dataclass(target) else {}
        assert not [f"{name}[{key}]" for key, said in keys.items() if not said["description"]]


def test_examples_in_docstrings_hold() -> None:
    assert not doctest.testmod(of_schema).failed + doctest.testmod(described).failed


def test_every_key_has_a_type_and_a_meaning_and_defaults_are_those_of_the_dataclass() -> None:
    keys: Schema = schema()["properties"]
    assert set(keys) == {field.name for field in dataclasses.fields(Matrix)}
    for kind, of_kind in ((Matrix, keys), (Recipe, keys["recipe"]["properties"])):
        for field in dataclasses.fields(kind):
            key = of_kind[field.name]
            assert key["type"] and key["description"]
            if "default" in key:
                default = key["default"]
                assert field.default == (tuple(default) if isinstance(default, list) else default)
