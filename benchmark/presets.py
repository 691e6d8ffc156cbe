"""Presets: one TOML file for each published table or study; its keys are the fields of `Matrix`."""

import tomllib
from pathlib import Path

from benchmark.notation import suggestion
from benchmark.plan import Matrix, matrix_from

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
        return matrix_from(tomllib.loads(path.read_text(encoding="utf-8")), where=str(config))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{config} is not a readable TOML file: {error}") from None


def summary(name: str) -> str:
    """First comment line of a preset."""
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
