"""What documents and the package promise: options that exist, and dependencies that are declared."""

import contextlib
import io
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.matrix.presets import tomllib
from tests.test_layers import FILES, imports

PROJECT = Path(__file__).parents[1]
DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]
COMMAND = re.compile(
    r"(?:run_benchmark\.py |`)"
    r"((?:(?:hns|senn|cladec) )?(?:run|report|status|list|train|study|sweep|evaluate|explain)\b[^`\n#]*)"
)
"""A command as documents write it: in a block behind the name of the script, or in a sentence between backticks."""


@cache
def options(command: str) -> str:
    """The help of a command."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        run_benchmark.main([*command.split(), "--help"])
    return shown.getvalue()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8").replace("\\\n", " ")
    for written in COMMAND.findall(text):
        words = written.split()
        command = " ".join(words[: 2 if words[0] in run_benchmark.FAMILIES else 1])
        for option in re.findall(r"--[a-z][a-z-]*", written):
            assert re.search(rf"{option}\b", options(command)), f"{command} has no {option}: {written}"


def test_everything_that_is_imported_is_declared() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = (part for name, part in project["optional-dependencies"].items() if name != "dev")
    declared = {re.split(r"[<>=\[]", line)[0].lower() for part in (project["dependencies"], *extras) for line in part}
    known = packages_distributions()
    files = [*FILES, PROJECT / "run_benchmark.py"]
    used = (
        {name.partition(".")[0] for file in files for name in imports(file)} - sys.stdlib_module_names - {"roarbench"}
    )
    missing = {name for name in used if not {dist.lower() for dist in known.get(name, [name])} & declared}
    assert not missing
