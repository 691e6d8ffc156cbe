"""LaTeX of tables: user text as text, marks as commands, nothing wider or taller than the page; stock packages only."""

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

import pandas as pd

from roarbench.reports.rows.style import FLAG

PACKAGES = ("booktabs", "graphicx")
"""What a document needs that includes these tables."""

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}", "|": r"\textbar{}", "–": "--", "±": r"$\pm$", "×": r"$\times$",
    "<": r"\textless{}", ">": r"\textgreater{}", FLAG: r"\textbf{!}",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0308": '"',
    "\u030a": "r",
    "\u030c": "v",
    "\u0327": "c",
}

COMMANDS = {"best": "textbf:--rwrap;", "group": "underline:--rwrap;", "": ""}
"""Of every mark, as pandas Styler takes LaTeX."""

FIT = (
    r"\resizebox*{!}{\ifdim\totalheight>.7\textheight .7\textheight\else\totalheight\fi}{%" "\n"
    r"\resizebox{\ifdim\width>\linewidth \linewidth\else\width\fi}{!}{%" "\n"
)  # fmt: skip
"""Begins what is scaled down where it is wider than the lines or taller than the page; ends with two braces."""

WIDEST = 112
"""Characters in a line of a table that is still read with ease once it is scaled to a page."""

HEADER = 12
"""Characters of a column's name beyond which it is broken at its commas."""


def escape(text: str) -> str:
    """Any text as LaTeX that shows it; what the fonts of LaTeX do not hold by its code point."""
    shown = "".join(map(_character, " ".join(text.split())))
    return "{}" + shown if shown[:1] in ("[", "*") else shown  # else read as an argument of the line break before it


def fitted(body: str) -> str:
    """A box no larger than a page."""
    return f"{FIT}{body}}}}}"


def floats(
    name: str,
    caption: str,
    shown: pd.DataFrame,
    marks: pd.DataFrame | None,
    notes: Sequence[str],
    highlighted: Collection[str] = (),
) -> str:
    """A booktabs table with its notes, continued in further ones where it is too wide.

    Args:
        highlighted: names of lines in bold.
    """
    parts = list(_panels(shown))
    pieces = []
    for i, columns in enumerate(parts):
        said = escape(caption) if not i else rf"Continues Table~\ref{{tab:{name}}}."
        body = fitted(_tabular(shown[columns], None if marks is None else marks[columns], highlighted))
        pieces.append(_float(name + f"-{i + 1}" * (i > 0), said, body, notes if i == len(parts) - 1 else ()))
    return "\n".join(pieces)


def _float(name: str, caption: str, body: str, notes: Sequence[str]) -> str:
    below = "\n".join(map(escape, notes))
    said = [r"\par\medskip", rf"\parbox{{\linewidth}}{{\footnotesize {below}}}"] if notes else []
    top = [r"\begin{table}[!htbp]", r"\centering", rf"\caption{{{caption}}}", rf"\label{{tab:{name}}}"]
    return "\n".join([*top, body, *said, r"\end{table}", ""])


def _tabular(shown: pd.DataFrame, marks: pd.DataFrame | None, highlighted: Collection[str]) -> str:
    def named(line: str) -> str:
        return rf"\textbf{{{escape(line)}}}" if line in highlighted else escape(line)

    styled = shown.rename_axis(None).rename(index=named, columns=_header).map(escape).style
    if marks is not None:
        commands = marks.map(COMMANDS.__getitem__).to_numpy()
        styled = styled.apply(lambda _: commands, axis=None)
    return str(styled.to_latex(hrules=True, column_format="l" + "r" * shown.shape[1]))


def _header(name: str) -> str:
    """Long names on several lines."""
    if len(name) <= HEADER or ", " not in name:
        return escape(name)
    lines = r",\\".join(map(escape, name.split(", ")))
    return rf"\shortstack[r]{{{lines}}}"


def _panels(shown: pd.DataFrame) -> Iterator[list[str]]:
    """Columns that stand side by side: all, or as many as fit, without parting those whose first word is the same."""
    names = [str(name) for name in shown]
    wide = {column: max([_width(column), *map(len, shown[column])]) + 2 for column in names}
    room = WIDEST - max(map(len, shown.index), default=0)
    panel: list[str] = []
    for _, alike in groupby(names, key=lambda column: column.partition(" ")[0]):
        block = list(alike)
        if panel and sum(wide[column] for column in (*panel, *block)) > room:
            yield panel
            panel = []
        panel = [*panel, *block]
    yield panel


def _width(name: str) -> int:
    return len(name) if len(name) <= HEADER else max(map(len, name.split(", ")))


def _character(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character.isascii():
        return "\\" + character if character in "&%$#_" else character
    base, *accents = list(unicodedata.normalize("NFD", character))
    if base.isascii() and len(accents) == 1 and accents[0] in ACCENTS:
        return rf"\{ACCENTS[accents[0]]}{{{base}}}"
    return rf"\texttt{{U+{ord(character):04X}}}"
