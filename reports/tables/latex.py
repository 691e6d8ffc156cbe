"""LaTeX of tables: user text as text, marks as commands, nothing wider or taller than the page; stock packages only."""

import unicodedata
from collections.abc import Collection, Sequence

import pandas as pd

from roarbench.reports.rows.style import FLAG

PACKAGES = ("booktabs", "graphicx", "rotating")
"""What a document needs that includes these tables."""
NEEDS = f"% Needs \\usepackage{{{','.join(PACKAGES)}}}."
SIZE = r"\footnotesize\setlength{\tabcolsep}{4pt}"
"""Of all tables, their notes included."""

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

NO_WIDER = r"\resizebox{\ifdim\width>\linewidth \linewidth\else\width\fi}{!}{%" "\n"
"""Begins what is scaled down only where a document has narrower lines than this table; ends with a brace."""

FIT = (
    r"\resizebox*{!}{\ifdim\totalheight>.7\textheight .7\textheight\else\totalheight\fi}{%" "\n"
    r"\resizebox{\ifdim\width>\linewidth \linewidth\else\width\fi}{!}{%" "\n"
)  # fmt: skip
"""Begins what is scaled down where it is wider than the lines or taller than the page; ends with two braces."""

WIDEST = 118
"""Characters in a line of a table that fits an upright A4 page."""

MOST_LINES, MOST_LINES_TURNED = 48, 30
"""Lines of a table that fits an upright A4 page, and a turned one."""

GAP = 2
"""Characters between two columns."""

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
    """A booktabs table with its notes, in one size of letters; turned where it is wider than an A4 page.

    Only what does not fit the lines of its document is scaled down.

    Args:
        highlighted: names of lines in bold.
    """
    body = _tabular(shown, marks, highlighted)
    width, height = _width(shown), len(shown)
    turned = width > WIDEST
    tall = height > (MOST_LINES_TURNED if turned else MOST_LINES)
    body = fitted(body) if tall else rf"{NO_WIDER}{body}}}"
    return _float("sidewaystable" if turned else "table", name, escape(caption), body, notes)


def _float(kind: str, name: str, caption: str, body: str, notes: Sequence[str]) -> str:
    below = "\n".join(map(escape, notes))
    said = [r"\par\medskip", rf"\parbox{{\linewidth}}{{{below}}}"] if notes else []
    place = "[!htbp]" if kind == "table" else "[p]"
    top = [
        NEEDS, rf"\begin{{{kind}}}{place}", r"\centering", SIZE, rf"\caption{{{caption}}}", rf"\label{{tab:{name}}}"
    ]  # fmt: skip
    return "\n".join([*top, body, *said, rf"\end{{{kind}}}", ""])


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


def _width(shown: pd.DataFrame) -> int:
    """Characters in a line, with the gaps between columns."""
    headings = {name: [name] if len(name) <= HEADER else name.split(", ") for name in map(str, shown)}
    columns = sum(max(map(_letters, [*parts, *shown[name].astype(str)])) + GAP for name, parts in headings.items())
    return max(map(_letters, shown.index.astype(str)), default=0) + columns


def _letters(text: str) -> int:
    """Characters of a text in print, where those without a sign of LaTeX are written as code points."""
    return sum(1 if sign.isascii() or sign in SPECIAL else len("U+0000") for sign in text)


def _character(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character.isascii():
        return "\\" + character if character in "&%$#_" else character
    base, *accents = list(unicodedata.normalize("NFD", character))
    if base.isascii() and len(accents) == 1 and accents[0] in ACCENTS:
        return rf"\{ACCENTS[accents[0]]}{{{base}}}"
    return rf"\texttt{{U+{ord(character):04X}}}"
