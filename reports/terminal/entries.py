"""All about a name of the command line: a plug-in with its parameters, a group, a preset, a word of the glossary."""

import difflib
from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from roarbench.benchmark.matrix import plugins, presets
from roarbench.benchmark.matrix.described import facts
from roarbench.benchmark.matrix.signatures import Parameter, parameters
from roarbench.reports.rows.glossary import glossary, term
from roarbench.reports.terminal.text import columns, rendered

PARTS = {"cost": "Cost", "paper": "Paper", "differs": "Differs from it", "misleads": "Misleads"}
OPTIONS = {
    "dataset": "--datasets", "classifier": "--classifiers", "explainer": "--explainers", "fill": "--fills",
    "measure": "--measures",
}  # fmt: skip
CHANGED = "3"
"""Example of another value of a parameter that is a number."""


def entry(word: str) -> str:
    """All that a name stands for, as text for `show`.

    Args:
        word: a name as it is listed, perhaps with parameters, or a word of the glossary; letters of any case.

    Raises:
        ValueError: nothing has this name.
    """
    name = word.partition("[")[0].lower()
    parts = [*_plugins(name), *_groups(name), *_presets(name), *_terms(word)]
    if not parts:
        raise ValueError(f"name must be one that list shows, or a word of the glossary, got {word!r}{_near(word)}")
    return rendered(parts, columns())


def _plugins(name: str) -> Iterator[RenderableType]:
    for kind, table in plugins.TABLES.items():
        if name in table:
            about = facts(kind, name)
            yield _head(name, kind)
            yield Text(about["summary"])
            yield from _parameters(parameters(kind, name))
            yield from (_part(title, about[part]) for part, title in PARTS.items() if about[part])
            if not about.get("order"):  # a measure of curves is asked for by other options
                yield _part("Example", f'roarbench run {OPTIONS[kind]} "{_example(name, parameters(kind, name))}"')
            yield ""


def _groups(name: str) -> Iterator[RenderableType]:
    for kind, groups in plugins.GROUPS.items():
        if name in groups:
            yield from (_head(name, f"group of {kind}s"), Text(", ".join(groups[name])), "")


def _presets(name: str) -> Iterator[RenderableType]:
    if name in presets.names():
        yield _head(name, "preset")
        yield Text((presets.FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def _terms(word: str) -> Iterator[RenderableType]:
    if known := term(word):
        yield from (_head(known.name, known.short or "word"), Text(known.text), "")


def _head(name: str, kind: str) -> Text:
    return Text(name, style="bold").append(f"  ({kind})", style="dim")


def _part(title: str, text: str) -> Text:
    return Text(f"{title}: ", style="dim").append(text, style="default")


def _parameters(listed: list[Parameter]) -> Iterator[RenderableType]:
    """A line for each parameter: name and default, type, meaning."""
    if listed:
        grid = Grid.grid(padding=(0, 2))
        for one in listed:
            grid.add_row(
                f"  {one.name}={one.default}" if one.default else f"  {one.name} (required)", one.type, one.text
            )
        yield from ("", grid, "")


def _example(name: str, listed: list[Parameter]) -> str:
    """The name with a parameter, where it has one that is a number or required."""
    chosen = next((one for one in listed if not one.default or one.type == "int"), None)
    return f"{name}[{chosen.name}={CHANGED if chosen.default else '...'}]" if chosen else name


def _near(word: str) -> str:
    names = {name for table in plugins.TABLES.values() for name in table} | {*presets.names()}
    near = difflib.get_close_matches(word, sorted(names | {one.name for one in glossary()}), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
