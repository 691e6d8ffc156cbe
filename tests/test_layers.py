"""Who may import whom, and what must not be imported or written anywhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
ALLOWED = {
    "datasets": {"datasets"},
    "hns": {"hns", "datasets"},
    "methods": {"methods", "datasets", "hns"},
    "benchmark": {"benchmark", "datasets", "methods", "hns.metrics"},
    "reports": {"reports", "hns.metrics"}
    | {f"benchmark.{name}" for name in ("adaptive", "notation", "plan", "spec", "statistics", "store")},
}
PURE = (
    "adaptive.py", "arguments.py", "copies.py", "matched.py", "merging.py", "notation.py", "plan.py", "plugins.py",
    "presets.py", "provenance.py", "recipe.py", "seeds.py", "source.py", "spec.py", "statistics.py", "store.py",
    "work.py",
)  # fmt: skip
"""Files of benchmark/ that never import torch."""

COMMANDS = {"hns/commands", "methods/cladec/commands", "methods/senn/commands"}
"""Folders that are part of the command line: they may import anything, and only run_benchmark.py imports them."""

FILES = sorted(file for folder in ALLOWED for file in (PROJECT / folder).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_imports_go_one_way(file: Path) -> None:
    ours = [name for name in imports(file) if name.split(".")[0] in (*ALLOWED, "run_benchmark", "tests")]
    place = file.relative_to(PROJECT)
    allowed = ALLOWED[place.parts[0]] if str(place.parent) not in COMMANDS else {*ALLOWED}
    strange = [name for name in ours if not any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed)]
    assert not strange


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_nobody_imports_commands(file: Path) -> None:
    if str(file.relative_to(PROJECT).parent) not in COMMANDS:
        assert not [name for name in imports(file) for place in COMMANDS if name.startswith(place.replace("/", "."))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_reports_and_pure_data_never_import_torch(file: Path) -> None:
    place = str(file.relative_to(PROJECT))
    if place.startswith("reports/") or place.removeprefix("benchmark/") in PURE:
        top_level = ast.parse(file.read_text()).body
        named = {alias.name for node in top_level if isinstance(node, ast.Import) for alias in node.names}
        named |= {node.module or "" for node in top_level if isinstance(node, ast.ImportFrom)}
        assert not {name for name in named if name.split(".")[0] in ("torch", "torchvision", "captum")}


def test_benchmark_never_names_a_method() -> None:
    for file in (PROJECT / "benchmark").glob("*.py"):
        named = [name for name in imports(file) if name.startswith("methods.")]
        assert all(
            name == "methods.GROUPS" or name.startswith(("methods.base.", "methods.adapting.")) for name in named
        ), file


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_ray_has_one_home(file: Path) -> None:
    assert file.name == "ray_pool.py" or not [name for name in imports(file) if name.split(".")[0] == "ray"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_generators_have_one_home_and_devices_are_followed(file: Path) -> None:
    text = file.read_text()
    assert ".cuda()" not in text
    if file.name != "randomness.py":
        assert "torch.Generator()" not in text
        assert "manual_seed(" not in text
