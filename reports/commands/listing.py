"""`list`: the names that can be written on the command line, and what each of them is."""

from collections.abc import Iterator
from dataclasses import dataclass

from tyro.conf import Positional

from roarbench.benchmark.matrix import plugins, presets
from roarbench.benchmark.matrix.described import summary


@dataclass(frozen=True)
class List:
    """Prints names for the command line with a line about each, or all about some names or words.

    Attributes:
        names: names such as smoothgrad, or words of the glossary such as ROAR; by default all names.
    """

    names: Positional[tuple[str, ...]] = ()

    def __call__(self) -> int:
        from roarbench.reports.terminal.entries import entry
        from roarbench.reports.terminal.text import listed, show

        if self.names:
            show("\n".join(map(entry, self.names)))
        else:
            print("\n\n".join(listed(title, lines) for title, lines in _sections()))
        return 0


def _sections() -> Iterator[tuple[str, dict[str, str]]]:
    """Title, and name -> a line about it."""
    for kind, table in plugins.TABLES.items():
        if table:
            yield f"{kind}s", {name: summary(kind, name) for name in table}
    for kind, groups in plugins.GROUPS.items():
        yield f"groups of {kind}s", {name: ", ".join(members) for name, members in groups.items()}
    yield "presets", {name: presets.summary(name) for name in presets.names()}
