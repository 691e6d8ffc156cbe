"""What the pages of explainers and of measures have in common: parameters, tests and files of a plug-in."""

import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import prose

from roarbench.benchmark.matrix.plugins import TABLES, plugin
from roarbench.benchmark.matrix.schema import properties

ROOT = Path(__file__).parents[2]
TESTS = {"explainer": "tests/methods", "measure": "tests/benchmark/measures"}
TEST = re.compile(r"^def (test_\w+)", re.MULTILINE)
MOST_LAWS = 12


def target(kind: str, name: str) -> Any:
    """The class of a plug-in."""
    module, attribute = TABLES[kind][name].split(":")
    return getattr(importlib.import_module(module), attribute)


def file(kind: str, name: str) -> str:
    """The file of a plug-in in the project."""
    return TABLES[kind][name].partition(":")[0].removeprefix("roarbench.").replace(".", "/") + ".py"


def parameters(kind: str, name: str) -> str:
    """A section about the parameters of a plug-in: types, defaults and meanings."""
    keys = properties(target(kind, name))
    if not keys:
        return "## Parameters\n\nNone.\n"
    for key, value in _written(kind, name).items():
        if key in keys and "default" not in keys[key] and str(value) != "None":
            keys[key]["default"] = getattr(value, "text", value)
    return f"## Parameters\n\n{prose.keys(keys)}\n"


def _written(kind: str, name: str) -> dict[str, Any]:
    """Defaults that are other plug-ins, as they are written; none where a parameter has no default."""
    try:
        return dict(plugin(name, kind).parameters)
    except ValueError:
        return {}


def laws(kind: str, name: str) -> str:
    """A section with the tests that hold what a plug-in does; empty where none names it."""
    names = _named(kind, name) or _of_file(kind, name)
    if not names:
        return ""
    lines = "\n".join(f"- {law.removeprefix('test_').replace('_', ' ')}" for law in names[:MOST_LAWS])
    return f"## What its tests hold\n\nThe contract tests of all {kind}s, and:\n\n{lines}\n\n"


def _named(kind: str, name: str) -> list[str]:
    """Tests whose names have the name of the plug-in in them, and not a longer name of another one."""
    longer = [other for other in TABLES[kind] if name in other and name != other]
    return [
        test for tests in _tests(kind).values() for test in tests
        if re.search(rf"_{name}s?(_|$)", test) and not any(other in test for other in longer)
    ]  # fmt: skip


def _of_file(kind: str, name: str) -> list[str]:
    return _tests(kind).get(f"test_{Path(file(kind, name)).name}", [])


@cache
def _tests(kind: str) -> dict[str, list[str]]:
    """File -> names of its tests, where it is not about all plug-ins."""
    files = sorted((ROOT / TESTS[kind]).glob("test_*.py"))
    return {file.name: TEST.findall(file.read_text()) for file in files if file.name != "test_contract.py"}
