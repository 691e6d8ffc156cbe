"""Presets: one TOML file for each published table or study; its keys are the fields of `Matrix`."""

import sys
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from roarbench.benchmark.matrix.notation import suggestion
from roarbench.benchmark.matrix.plan import Matrix

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parents[1] / "configs"

GONE = {"measure_attributions": '; write measures = ["standard"], or measures = [] for none'}
"""Keys of earlier versions, and what takes their place."""

Record = TypeVar("Record")


def names(folder: Path = FOLDER) -> list[str]:
    """Names of the presets of a folder; by default of those of the matrix."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def listing(folder: Path = FOLDER) -> str:
    """Each preset of a folder with a line about it."""
    return "\n".join(f"  {name:24}{summary(name, folder)}" for name in names(folder))


def load(config: str) -> Matrix:
    """The matrix of a preset, or of a TOML file of one's own; see `read`."""
    return read(Matrix, config, FOLDER)


def read(kind: type[Record], config: str, folder: Path, argument: str = "config") -> Record:
    """A dataclass from a preset of a folder, or from a TOML file of one's own, whose keys are its fields.

    Args:
        argument: the caller's argument, for the message.

    Raises:
        ValueError: no such preset or file, not TOML, an unknown key, a value of the wrong form.
    """
    path = Path(config) if config.endswith(".toml") else folder / f"{config}.toml"
    if not path.is_file():
        choices = suggestion(config, names(folder))
        raise ValueError(f"{argument} {config!r} is neither a preset nor a .toml file{choices}")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{config} is not a readable TOML file: {error}") from None
    return _record(kind, table, config)


def override(record: Record, table: dict[str, object], where: str) -> Record:
    """The record with some of its fields replaced by those of a table.

    Raises:
        ValueError: an unknown key, a value of the wrong form.
    """
    return replace(record, **_fields(type(record), table, where))  # type: ignore[type-var]


def summary(name: str, folder: Path = FOLDER) -> str:
    """First comment line of a preset."""
    return (folder / f"{name}.toml").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _record(kind: type, table: object, where: str) -> Any:
    """A dataclass from a table whose keys are its fields."""
    missing = [
        f.name for f in fields(kind) if f.default is f.default_factory is MISSING and f.name not in _table(table, where)
    ]
    if missing:
        raise ValueError(f"{where}: the key {missing[0]!r} is missing")
    return kind(**_fields(kind, table, where))


def _fields(kind: type, table: object, where: str) -> dict[str, Any]:
    hints = get_type_hints(kind)
    for name in _table(table, where):
        if name not in hints:
            raise ValueError(f"{where}: unknown key {name!r}{GONE.get(name) or suggestion(name, hints)}")
    return {name: _typed(value, hints[name], f"{where}: {name}") for name, value in _table(table, where).items()}


def _table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table, got {value!r}")
    return value


def _typed(value: object, hint: Any, where: str) -> object:
    """A value of TOML or JSON checked against the type of a field; whole numbers become floats where these are due."""
    choices = get_args(hint)
    if hint is object:
        return value
    if is_dataclass(hint):
        return _record(hint, value, where)  # type: ignore[arg-type]
    if get_origin(hint) is dict:
        return {name: _typed(part, choices[1], f"{where}.{name}") for name, part in _table(value, where).items()}
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where} must be a list, got {value!r}; write [{value!r}]")
        return tuple(_typed(part, choices[0], where) for part in value)
    if get_origin(hint) is Literal:
        if value not in choices:
            raise ValueError(f"{where} must be one of {', '.join(choices)}, got {value!r}")
        return value
    if type(None) in choices:
        return None if value is None else _typed(value, choices[0], where)
    if (hint, type(value)) in ((float, int), (Path, str)):
        return hint(value)
    if type(value) is not hint:
        raise ValueError(f"{where} must be of type {hint.__name__}, got {value!r}")
    return value
