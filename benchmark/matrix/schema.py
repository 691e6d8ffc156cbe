"""A JSON schema of presets, by which editors complete and check TOML files.

python -m roarbench.benchmark.matrix.schema > roarbench.schema.json
"""

import inspect
import json
import types
import typing
from collections import ChainMap
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from roarbench.benchmark.matrix.described import line, meanings
from roarbench.benchmark.matrix.plan import Matrix

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"
TITLE = "a preset of roarbench"
TYPES: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string", Path: "string"}
"""Types of Python, and what a JSON schema calls them; all others are written as text."""


def schema(kind: type = Matrix, title: str = TITLE) -> Schema:
    """The JSON schema of a dataclass whose fields are the keys of a TOML file.

    >>> from roarbench.benchmark.matrix.recipe import Recipe
    >>> schema(Recipe)["properties"]["epochs"]
    {'description': 'number of epochs of each training.', 'type': 'integer', 'default': 10}
    """
    return {"$schema": DIALECT, "title": title, **table(kind)}


def table(kind: type) -> Schema:
    """A table with the fields of a dataclass as its keys, and no others."""
    required = [field.name for field in fields(kind) if field.default is field.default_factory is MISSING]
    return {
        "description": line((inspect.getdoc(kind) or "").partition("\n\n")[0]),
        "type": "object",
        "properties": properties(kind),
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def properties(kind: type) -> dict[str, Schema]:
    """Field of a dataclass -> its type, its default and its meaning, be it from a class that it derives from."""
    hints, docstrings = typing.get_type_hints(kind), (inspect.cleandoc(base.__doc__ or "") for base in kind.__mro__)
    said = dict(ChainMap(*map(meanings, docstrings)))
    return {
        field.name: {"description": said.get(field.name, ""), **of_type(hints[field.name]), **_default(field)}
        for field in fields(kind)
    }


def of_type(hint: Any) -> Schema:
    """The JSON schema of the values of a type; None is a key that is left out.

    >>> of_type(tuple[float, ...]), of_type(Literal["a", "b"]), of_type(int | None)
    ({'type': 'array', 'items': {'type': 'number'}}, {'type': 'string', 'enum': ['a', 'b']}, {'type': 'integer'})
    """
    origin, choices = typing.get_origin(hint), [choice for choice in typing.get_args(hint) if choice is not type(None)]
    if is_dataclass(hint):
        return table(typing.cast(type, hint))
    if origin is Literal:
        return {"type": "string", "enum": choices}
    if origin is tuple:
        return {"type": "array", "items": of_type(choices[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": of_type(choices[1])}
    if origin in (typing.Union, types.UnionType):
        return of_type(choices[0]) if len(choices) == 1 else {"anyOf": [of_type(choice) for choice in choices]}
    return {"type": TYPES.get(hint, "string")}


def _default(field: "Field[Any]") -> Schema:
    """The default of a key, where it is plain data."""
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return {"default": value} if isinstance(value, bool | int | float | str | list) else {}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
