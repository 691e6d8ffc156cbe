"""Words of the command line: prepared for tyro, and what it or a check has against them, as one line. Text only."""

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

BOOLEANS = {"true": True, "false": False}
OTHER_NUMBER = r"needs another number or kind of values, got \1"
FINETUNE = re.compile(r"finetune(?:\[epochs=(\d+)\])?")
"""A value of --retrain that stands for true and --finetune."""


def prepared(words: Sequence[str], switches: Collection[str]) -> list[str]:
    """Words as tyro reads them: true and false as in a preset file, also after an option that is a switch.

    >>> prepared(["--retrain", "true", "--dry-run", "false"], {"dry-run"})
    ['--retrain', 'True', '--no-dry-run']
    >>> prepared(["--retrain", "finetune[epochs=2]"], set())
    ['--retrain', 'True', '--finetune', '2']

    Args:
        switches: options without a value, such as "dry-run".
    """
    ready: list[str] = []
    epochs: list[str] = []
    for word in words:
        last = next((w for w in reversed(ready) if w.startswith("--")), "")
        if last == "--retrain" and (tuning := FINETUNE.fullmatch(word)):
            word, epochs = "true", ["--finetune", tuning[1] or "1"]
        value = BOOLEANS.get(word.lower())
        option = ready[-1].removeprefix("--") if ready else ""
        if value is None:
            ready.append(word)
        elif option.replace("_", "-") in switches and ready[-1].startswith("--"):
            ready[-1] = f"--{option}" if value else f"--no-{option}"
        else:
            ready.append(str(value))
    return ready + epochs


def switches(kinds: Iterable[type]) -> set[str]:
    """Options of commands that are true or false."""
    return {name for name, hint in _options(kinds).items() if hint is bool}


def as_typed(message: str, kinds: Iterable[type]) -> str:
    """A message about fields as one about options: "recipe.epochs must be ..." -> "--epochs must be ..."."""
    options = _options(kinds)
    field, space, rest = message.partition(" ")
    if rest.startswith(("must ", "needs ", "and ")) and (option := _option(field)) in options:
        message = f"--{option}{space}{rest}"
    compound = r"(?<![\w./=\[-])(?:recipe\.\w+|[a-z]+(?:_[a-z]+)+)\b(?![./\]=])"
    return re.sub(compound, lambda word: f"--{_option(word[0])}" if _option(word[0]) in options else word[0], message)


def _option(field: str) -> str:
    return field.rpartition(".")[2].replace("_", "-")


def complaint(box: str, kinds: Iterable[type] = ()) -> str:
    """What tyro says in a box under a title, as one line in the words of the help.

    Args:
        kinds: commands whose options are suggested in place of unknown ones.
    """
    lines = [re.sub(r"[╭╮╰╯│─]|-{3,}", " ", line).split() for line in box.splitlines()]
    text = " ".join(word for line in [line for line in lines if line][1:] for word in line)
    text = re.split(" (?:For full|Argument) helptext| Perhaps you meant:", text)[0].removeprefix("Error parsing ")
    text = text.replace("'True'", "true").replace("'False'", "false")
    text = re.sub(r"Could not find valid parse for arguments: \[(.*)\]", r"needs a value of another kind, got \1", text)
    text = re.sub(r"no type matching .* could be instantiated from \[(.*?)\]\..*", OTHER_NUMBER, text)
    return text + _suggestion(text, kinds)


def _suggestion(text: str, kinds: Iterable[type]) -> str:
    """The option that was meant by the first unknown one, if any is near."""
    unknown = re.match(r"Unrecognized options: --([\w.-]+)", text)
    if not unknown:
        return ""
    name, options = unknown[1].rpartition(".")[2].replace("_", "-"), _options(kinds)
    near = difflib.get_close_matches(name, options, n=1)
    return f"; did you mean --{near[0]}?" if near else ""


def _options(kinds: Iterable[type]) -> dict[str, Any]:
    """Options of commands and of what these hold -> their types."""
    options: dict[str, Any] = {}
    for kind in kinds:
        hints = get_type_hints(kind)
        nested = [hints[field.name] for field in fields(kind) if is_dataclass(hints[field.name])]
        options |= {field.name.replace("_", "-"): hints[field.name] for field in fields(kind)}
        options |= _options(nested)
    return options
