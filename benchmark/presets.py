"""Presets: one TOML file for each published table or study; its keys are the fields of `Matrix`."""

import tomllib
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from benchmark.notation import suggestion
from benchmark.plan import Matrix

FOLDER = Path(__file__).parent / "configs"


def names() -> list[str]:
    """Names of the presets that ship with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(config: str) -> Matrix:
    """The matrix of a preset, or of a TOML file of one's own.

    Raises:
        ValueError: no such preset or file, not TOML, an unknown key, a value of the wrong form.
    """
    path = Path(config) if config.endswith(".toml") else FOLDER / f"{config}.toml"
    if not path.is_file():
        raise ValueError(f"config {config!r} is neither a preset nor a .toml file{suggestion(config, names())}")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{config} is not a readable TOML file: {error}") from None
    return _record(Matrix, table, config)


def summary(name: str) -> str:
    """First comment line of a preset."""
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _record(kind: type, table: object, where: str) -> Any:
    """A dataclass from a table whose keys are its fields."""
    if not isinstance(table, dict):
        raise ValueError(f"{where} must be a table, got {table!r}")
    hints = get_type_hints(kind)
    for name in table:
        if name not in hints:
            raise ValueError(f"{where}: unknown key {name!r}{suggestion(name, hints)}")
    return kind(**{name: _typed(value, hints[name], f"{where}: {name}") for name, value in table.items()})


def _typed(value: object, hint: Any, where: str) -> object:
    """A TOML value checked against the type of a field; whole numbers become floats where floats are expected."""
    choices = get_args(hint)
    if is_dataclass(hint):
        return _record(hint, value, where)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where} must be a list, got {value!r}; write [{value!r}]")
        return tuple(_typed(part, choices[0], where) for part in value)
    if get_origin(hint) is Literal:
        if value not in choices:
            raise ValueError(f"{where} must be one of {', '.join(choices)}, got {value!r}")
        return value
    if type(None) in choices:
        return _typed(value, choices[0], where)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError(f"{where} must be of type {hint.__name__}, got {value!r}")
    return value
