"""A page for each explainer, from its card, its docstring, its tests and what it says of eight images."""

import re
from functools import cache

import pictures
import plugins
import prose

from roarbench.benchmark.matrix import described
from roarbench.methods import EXPLAINERS, GROUPS
from roarbench.reports.rows.style import FAMILIES, OTHER_FAMILY, family, label

FOLDER = "reference/explainers"
ROWS = re.compile(r"^\| `([^`]+)`[^|]* \| [^|]* \| (.+) \| ([^|]+) \|$", re.MULTILINE)
"""Rows of the table of docs/explainers.md: explainer, paper, what it agrees with, passes."""

KINDS = {
    "classifier": "explains a trained classifier (post hoc)",
    "itself": "trains a network of its own and explains it (self-explaining)",
    "nothing": "knows no classifier (control)",
}
FAMILY_WORDS = {
    "Base": "Gradients", "Squared (SQ)": "Ensembles", "SmoothGrad (SG)": "Ensembles",
    "SmoothGrad-Squared (SG-SQ)": "Ensembles", "VarGrad (VAR)": "Ensembles",
    "Instruments": "Changed explainers, for sanity checks",
}  # fmt: skip
"""Families of the figures -> groups of pages, where these have another name."""


def pages() -> dict[str, str]:
    """Path of a page -> its text."""
    return {f"{FOLDER}/index.md": index(), **{f"{FOLDER}/{name}.md": page(name) for name in EXPLAINERS}}


def title(name: str) -> str:
    """The name as it is written on the command line."""
    return name


def grouped() -> dict[str, list[str]]:
    """Group of pages -> its explainers, in the order of the figures."""
    groups: dict[str, list[str]] = {FAMILY_WORDS.get(of, of): [] for of in (*FAMILIES, OTHER_FAMILY)}
    for name in EXPLAINERS:
        groups[FAMILY_WORDS.get(family(name), family(name))].append(name)
    return groups


def index() -> str:
    """The list of all explainers."""
    lines = [
        "# Explainers\n",
        "Each name is an option of `--explainers`. Each page has a picture of the same images.\n",
    ]
    for of, names in grouped().items():
        rows = ([f"[`{name}`]({name}.md)", label(name), _first(name)] for name in names)
        lines.append(f"## {of}\n\n{prose.table(('name', 'in tables', 'what it is'), rows)}")
    groups = ([f"`{name}`", ", ".join(f"`{one}`" for one in members)] for name, members in GROUPS.items())
    lines.append(f"## Groups\n\nOne name for several:\n\n{prose.table(('name', 'explainers'), groups)}")
    return "\n".join(lines)


def page(name: str) -> str:
    """The page of an explainer."""
    said = described.said(described.docstring("explainer", name))
    parts = [
        f"# {prose.literal(name)}\n\n{prose.literal(said['summary'])} In tables: **{label(name)}**.\n",
        _picture(name),
        f"## Definition\n\nPaper: {prose.linked(prose.literal(said['paper']))}\n",
        f"Differs from the paper: {prose.linked(prose.literal(said['differs']))}\n",
        f"When it misleads: {prose.literal(said['misleads'])}\n" if said["misleads"] else "",
        plugins.parameters("explainer", name),
        f"## Kind and cost\n\n{_facts(name)}",
        _checks(name),
        plugins.laws("explainer", name),
        _use(name),
    ]
    return "\n".join(part for part in parts if part)


def _first(name: str) -> str:
    return prose.literal(described.summary("explainer", name))


def _picture(name: str) -> str:
    fact = pictures.facts()[name]
    if "skipped" in fact:
        return f"*No picture: {prose.literal(str(fact['skipped']))}.*\n"
    alt = f"eight test images, and below each the attributions of {name}"
    by = f"`{fact['written']}`, {fact['scene']}. Red speaks for the class, blue against it, white says nothing."
    return f"![{alt}]({name}.png)\n\n{by}\n"


def _facts(name: str) -> str:
    explainer, fact = plugins.target("explainer", name), pictures.facts()[name]
    facts = [KINDS[getattr(explainer, "explains", "classifier")].capitalize()]
    facts += ["Trains networks before it explains"] if getattr(explainer, "trains", False) else []
    facts += [f"Cost of each image: {prose.literal(described.facts('explainer', name)['cost']).rstrip('.')}"]
    facts += [f"Forward passes for each image, as in the picture: {fact['passes']:g}"] if "passes" in fact else []
    groups = [f"`{group}`" for group, members in GROUPS.items() if name in members]
    facts += [f"Groups: {', '.join(groups)}"] if groups else []
    return "\n".join(f"- {said}." for said in [*facts, f"File: `{plugins.file('explainer', name)}`"]) + "\n"


def _checks(name: str) -> str:
    rows = [([f"`{text}`", prose.linked(agrees), passes]) for text, agrees, passes in _agreements() if _of(text, name)]
    if not rows:
        return ""
    return f"## Checked against\n\n{prose.table(('written', 'agrees with', 'forward passes'), rows)}"


def _of(text: str, name: str) -> bool:
    return text.partition("[")[0] == name


@cache
def _agreements() -> list[tuple[str, str, str]]:
    return ROWS.findall((plugins.ROOT / "docs" / "explainers.md").read_text(encoding="utf-8"))


def _use(name: str) -> str:
    written = str(pictures.facts()[name].get("written", f"{name}[path=maps.npz]" if name == "stored" else name))
    quoted = f'"{written}"' if "[" in written else written
    others = "random" if name == "random" else f"random {quoted}"
    scene = str(pictures.facts()[name].get("scene", ""))
    options = ["--datasets blocks"] if "blocks" in scene else []
    options += ["--classifiers vit_tiny"] if "vit_tiny" in scene else []
    options += [f"--explainers {others}", f"--fractions 0.3 0.5 0.9 --out runs/{name}"]
    return f"## Use it\n\n{prose.command(*options)}"
