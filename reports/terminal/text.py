"""Text for a terminal: bold and colours where it has them, plain text elsewhere, never markup."""

import io
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping
from functools import partial

from rich.console import Console, RenderableType
from rich.text import Text

WIDTH = 80
"""Columns of text and tables, which every terminal has."""

BLANK_END = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$")
"""Blanks at the end of a line, before its last control codes."""

NAMES = 24
"""Columns that names in a list take."""


def rendered(parts: Iterable[RenderableType], width: int = WIDTH) -> str:
    """Parts one below the other as text with the control codes of terminals; `show` prints it.

    Args:
        width: columns that lines may take.
    """
    stream = io.StringIO()
    styled = partial(Console, force_terminal=True, color_system="standard", highlight=False, markup=False, emoji=False)
    console = styled(file=stream, width=width)
    for part in parts:
        console.print(part)
    return "\n".join(BLANK_END.sub(r"\1", line) for line in stream.getvalue().splitlines())


def plain(text: str) -> str:
    """Text of `rendered` without styles."""
    return Text.from_ansi(text).plain


def show(text: str) -> None:
    """Prints text of `rendered`: with its styles on a terminal, without them into a file or a pipe."""
    Console(file=sys.stdout, highlight=False).print(Text.from_ansi(text), soft_wrap=True)


def columns() -> int:
    """Columns of the terminal; those of `WIDTH` where there is none, or a narrower one."""
    return max(WIDTH, Console(file=sys.stdout).width)


def listed(title: str, lines: Mapping[str, str]) -> str:
    """A title and names with a line about each, which is broken at the end of a terminal and nowhere else."""
    wide = columns() if sys.stdout.isatty() else sys.maxsize
    filled = textwrap.TextWrapper(wide, subsequent_indent=" " * (NAMES + 2)).fill
    return "\n".join([title, *(filled(f"  {name:{NAMES}}{text}") for name, text in lines.items())])
