"""What `--help` says of each command: its docstring and two examples, or in a list of commands its first sentence."""

import typing
from dataclasses import replace
from functools import cache
from inspect import getdoc
from pathlib import Path
from typing import Annotated, Any

from roarbench.benchmark.matrix.presets import tomllib

EXAMPLES = Path(__file__).with_name("examples.toml")


@cache
def examples(family: str) -> dict[str, list[str]]:
    """Command -> commands to try, as they are typed.

    Args:
        family: hns, senn or cladec; empty for the commands of the matrix.
    """
    table = tomllib.loads(EXAMPLES.read_text(encoding="utf-8"))
    return table[family] if family else {name: lines for name, lines in table.items() if isinstance(lines, list)}


def helped(commands: Any, family: str, *, alone: bool) -> Any:
    """Commands as tyro reads them, with the texts of their help.

    Args:
        commands: a union of annotated dataclasses.
        alone: one of them is asked for, not the list of all.
    """
    pairs = [typing.get_args(member) for member in typing.get_args(commands)]
    members = [_member(kind, settings, family, alone=alone) for kind, settings in pairs]
    return typing.Union[tuple(members)]  # noqa: UP007  (of a number of members that is not known)


def _member(kind: type, settings: Any, family: str, *, alone: bool) -> Any:
    about = (getdoc(kind) or "").partition("\n\nAttributes:")[0]
    tried = [f"$ {line}" for line in examples(family).get(settings.name, [])]
    text = "\n".join([about, "", *tried]) if alone else about.partition("\n\n")[0]
    return Annotated[kind, replace(settings, description=text.strip())]
