"""The import graph of the checkout, read from its source; `make graph` prints it between folders."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
FOLDERS = ("datasets", "hns", "methods", "benchmark", "reports")
FILES = sorted(file for folder in FOLDERS for file in (PROJECT / folder).rglob("*.py"))


@cache
def tree(file: Path) -> ast.Module:
    """The parsed source of a file."""
    return ast.parse(file.read_text())


def imports(file: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere in it; `from a import b` gives "a.b"."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(file: Path) -> list[str]:
    """What a file imports of this project, without the name of the package: "benchmark.matrix.plan.Matrix"."""
    return [name.removeprefix("roarbench.") for name in imports(file) if name.startswith("roarbench.")]


def place(file: Path) -> str:
    """The file below the project: "benchmark/matrix/plan.py"."""
    return file.relative_to(PROJECT).as_posix()


def folder(name: str) -> str:
    """The deepest folder on the way to a dotted name: "benchmark.matrix.plan.Matrix" -> "benchmark/matrix"."""
    path = PROJECT
    for part in name.split("."):
        if not (path / part).is_dir():
            break
        path /= part
    return path.relative_to(PROJECT).as_posix()


def arrows() -> dict[tuple[str, str], int]:
    """How many imports go from one folder to another."""
    counted: dict[tuple[str, str], int] = {}
    for file in FILES:
        for name in ours(file):
            arrow = (place(file.parent), folder(name))
            if arrow[0] != arrow[1]:
                counted[arrow] = counted.get(arrow, 0) + 1
    return counted


def reduced(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows that no way over other arrows implies; of a graph without circles."""
    ends: dict[str, set[str]] = {}
    for start, end in edges:
        ends.setdefault(start, set()).add(end)

    def reached(start: str) -> set[str]:
        return {far for end in ends.get(start, ()) for far in (end, *reached(end))}

    return {(a, b) for a, b in edges if not any(b in reached(c) for c in ends[a] - {b})}


def mermaid(counted: dict[tuple[str, str], int]) -> str:
    """The graph as a diagram: an arrow goes from a folder to one that it imports, unless other arrows imply it."""
    edges = sorted(reduced({arrow for arrow in counted if not arrow[0].endswith("commands")}))
    return "\n".join(["graph TD", *(f"    {start} --> {end}" for start, end in edges)])


if __name__ == "__main__":
    arrows_found = arrows()
    print(f"{len(FILES)} files, {len({place(file.parent) for file in FILES})} folders, {len(arrows_found)} arrows")
    print(mermaid(arrows_found))
