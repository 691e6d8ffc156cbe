"""The sentences that users read, and how long they are: documents, help, texts of a report, lines of `list`.

`python -m tests.prose` prints a table of all groups, `--long` the sentences that are too long.
`python -m tests.prose PAGE...` measures rendered pages as well.
"""

import ast
import dataclasses
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docstring_parser

from roarbench import run_benchmark
from roarbench.benchmark.matrix import plugins
from roarbench.benchmark.matrix.described import docstring, summary

PROJECT = Path(__file__).parents[1]
LONGEST = 25
"""Words that a sentence may have."""
SHORTEST = 3
"""Words that make a sentence rather than a label, a number or a name."""

FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\([^)\s]*\)")
MARK = re.compile(r"\*\*|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|</?[a-z]+[^>]*>")
START = re.compile(r"^\s*(?:[-*+]|\d+\.) +")
ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|cf|vs|al|etc|approx|resp|St|Dr)\."
    r"|\b(?:s|p|pp|[Ee]qs?|[Dd]ef|[Ff]igs?|[Ss]ec|[Tt]ab|[Nn]o|[Cc]h|vol)\.(?= ?\d)|\bApp\.(?= [A-Z]\b)"
)
END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]])|(?<=[.!?]\*\*))\s+(?=\S)")
WORD = re.compile(r"\S*\w\S*")


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph of plain text, its inline code and links already words."""
    closed = ABBREVIATION.sub(lambda found: found[0].replace(".", "·"), " ".join(text.split()))
    return [part.replace("·", ".") for part in END.split(closed) if words(part) >= SHORTEST]


def words(sentence: str) -> int:
    """The number of its words; signs by themselves are none."""
    return len(WORD.findall(sentence))


def plain(text: str) -> str:
    """Text of Markdown without its marks: inline code is one word, a link is what it says."""
    without = PICTURE.sub("", FORMULA.sub("FORMULA", CODE.sub("CODE", text)))
    return MARK.sub("", LINK.sub(r"\1", without))


def paragraphs(markdown: str) -> Iterator[str]:
    """Paragraphs, items of lists and cells of tables; no headings and no blocks of code."""
    for block in re.split(r"\n[ \t]*\n", COMMENT.sub("", FENCE.sub("", markdown))):
        if all(line.startswith("    ") for line in block.splitlines()):
            continue  # code by its indent
        lines: list[str] = []
        for line in block.splitlines():
            if line.lstrip().startswith(("|", "#")) or START.match(line):
                yield " ".join(lines)
                lines = []
            if line.lstrip().startswith("|"):
                yield from plain(line).strip(" |").split("|")
            elif not line.lstrip().startswith("#"):
                lines.append(START.sub("", line).lstrip("> "))
        yield " ".join(lines)


def written(document: Path) -> list[str]:
    """The sentences of a document."""
    text = document.read_text(encoding="utf-8")
    return [sentence for paragraph in paragraphs(text) for sentence in sentences(plain(paragraph))]


def _classes(kind: Any) -> Iterator[type]:
    """A class of options and those that its fields hold."""
    yield kind
    for hint in typing.get_type_hints(kind).values():
        yield from _classes(hint) if dataclasses.is_dataclass(hint) else ()


def commands() -> list[type]:
    """All classes that become help: of every command, with the classes of their options."""
    families = [run_benchmark, *(importlib.import_module(name) for name in run_benchmark.FAMILIES.values())]
    kinds = [typing.get_args(member)[0] for module in families for member in typing.get_args(module.commands(None))]
    return list(dict.fromkeys(part for kind in kinds for part in _classes(kind)))


def shown(kind: type) -> Iterator[str]:
    """What the help of a class says: about itself and about each of its fields."""
    parsed = docstring_parser.parse(inspect.getdoc(kind) or "")
    yield from filter(None, (parsed.short_description, parsed.long_description))
    yield from (option.description or "" for option in parsed.params)


def said(kind: type) -> list[str]:
    """The sentences of the help of a class."""
    return [sentence for text in shown(kind) for sentence in sentences(plain(text))]


def help_texts() -> list[str]:
    """The sentences of the help of all commands."""
    return [sentence for kind in commands() for sentence in said(kind)]


def listed() -> list[str]:
    """The lines of `list`, each the first sentence of what a plug-in says of itself."""
    return [plain(summary(kind, name)) for kind, table in plugins.TABLES.items() for name in table]


def cards() -> list[str]:
    """The sentences that plug-ins say of themselves on the page of a report; references and formulae are none."""
    texts = (text for kind, table in plugins.TABLES.items() for name in table for text in card(kind, name))
    parts = (part for text in texts for part in paragraphs(text))
    return list(dict.fromkeys(sentence for part in parts for sentence in sentences(plain(part))))


def card(kind: str, name: str) -> Iterator[str]:
    """The paragraphs of the card of a plug-in but its paper, and the texts of its parameters."""
    parsed = docstring_parser.parse(docstring(kind, name))
    text = f"{parsed.short_description}\n\n{parsed.long_description or ''}"
    yield from (part for part in re.split(r"\n\s*\n|^(?=[A-Z][a-z ]+:)", text, flags=re.MULTILINE) if not _cites(part))
    yield from (parameter.description or "" for parameter in parsed.params)


def _cites(paragraph: str) -> bool:
    return paragraph.startswith(("Paper:", "Papers:"))


def _text(node: ast.expr) -> str:
    """A literal, with a number where something is put in."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts)


def literals(module: Path) -> Iterator[str]:
    """The texts in a module that are shown: its literals, without its docstrings."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        literal = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        if literal and id(node) not in bare | inner:
            yield _text(typing.cast(ast.expr, node))


def reported(modules: Iterable[Path]) -> list[str]:
    """The sentences among the literals of modules; what has no blank is a name or a key."""
    texts = (text for module in modules for text in literals(module) if " " in text.strip())
    return [s for text in texts for paragraph in paragraphs(text) for s in sentences(plain(paragraph))]


class _Page(HTMLParser):
    """Collects the text of a page, paragraph by paragraph."""

    INLINE = frozenset(
        ["a", "abbr", "b", "button", "code", "em", "i", "label", "span", "strong", "sub", "sup", "u", "small"]
    )
    HIDDEN = frozenset(
        ["script", "style", "svg", "math", "template", "title", "textarea", "pre", "h1", "h2", "h3", "h4", "select"]
    )
    EMPTY = frozenset(["area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"])

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append("" if tag in self.INLINE else "\n")
        if tag not in self.EMPTY:
            self.open.append((tag, tag in self.HIDDEN or "hidden" in dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.parts.append("" if tag in self.INLINE else "\n")
        while any(tag == other for other, _ in self.open):
            if self.open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        hidden = any(hidden for _, hidden in self.open)
        self.parts.append("" if hidden else " ".join(data.split("\n")))


def page(html: str) -> list[str]:
    """The sentences that a page shows, each once: no headings, script or figures."""
    reader = _Page()
    reader.feed(html)
    found = [sentence for line in "".join(reader.parts).splitlines() for sentence in sentences(line)]
    return list(dict.fromkeys(found))


def groups() -> dict[str, list[str]]:
    """Sentences by where users read them."""
    docs, reports = PROJECT / "docs", PROJECT / "reports"
    documents = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *docs.glob("*.md"), *docs.glob("results/*.md")]
    texts = {str(path.relative_to(PROJECT)): written(path) for path in sorted(documents)}
    modules = sorted(reports.rglob("*.py"))
    ours = [module for module in modules if "page" not in module.parts]
    texts |= {"help of all commands": help_texts(), "lines of list": listed(), "cards of plug-ins": cards()}
    texts |= {"texts of reports": reported(ours)}
    return texts | {"texts of the page": reported(module for module in modules if "page" in module.parts)}


def line(name: str, group: list[str]) -> str:
    """One line of the table: sentences, mean and longest."""
    counts = [words(sentence) for sentence in group]
    over = sum(count > LONGEST for count in counts)
    return f"| {name} | {len(counts)} | {sum(counts) / len(counts):.1f} | {max(counts)} | {over} |"


def main(arguments: list[str]) -> None:
    """Prints the table, or the sentences that are too long."""
    found = groups() | {name: page(Path(name).read_text(encoding="utf-8")) for name in arguments if "--" not in name}
    if "--long" in arguments:
        print("\n".join(f"{n}: {words(s)}: {s}" for n, group in found.items() for s in group if words(s) > LONGEST))
        return
    print(f"| where | sentences | mean words | longest | over {LONGEST} |\n| --- | ---: | ---: | ---: | ---: |")
    print("\n".join(line(name, group) for name, group in found.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
