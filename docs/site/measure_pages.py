"""A page for each measure, from its card, its docstring, its section of docs/measures.md and its tests."""

import re

import plugins
import prose

from roarbench.benchmark import MEASURE_GROUPS, MEASURES, STANDARD
from roarbench.benchmark.matrix import described
from roarbench.reports.rows.measures import DIRECTIONS

FOLDER = "reference/measures"
DOCUMENT = plugins.ROOT / "docs" / "measures.md"


def pages() -> dict[str, str]:
    """Path of a page -> its text."""
    return {f"{FOLDER}/index.md": index(), **{f"{FOLDER}/{name}.md": page(name) for name in MEASURES}}


def title(name: str) -> str:
    """The heading of its column, with a capital letter."""
    text = str(described.measure(name)["label"])
    return text[:1].upper() + text[1:]


def grouped() -> dict[str, list[str]]:
    """Kind -> its measures."""
    curves = [name for name in MEASURES if described.measure(name)["order"] is not None]
    return {"Measures of curves": curves, "Measures of attributions": [n for n in MEASURES if n not in curves]}


def index() -> str:
    """The list of all measures."""
    intro = "Notation, derived numbers and statistics: [What the numbers mean](../../measures.md)."
    lines = [f"# Measures\n\n{intro}\n"]
    for kind, names in grouped().items():
        rows = ([f"[`{name}`]({name}.md)", title(name), _direction(name), _first(name)] for name in names)
        lines.append(f"## {kind}\n\n{prose.table(('name', 'in tables', 'direction', 'what it is'), rows)}")
    groups = {"standard": STANDARD, **MEASURE_GROUPS}
    rows = ([f"`{name}`", ", ".join(f"`{one}`" for one in members)] for name, members in groups.items())
    lines.append(f"## Groups\n\nOne name for several:\n\n{prose.table(('name', 'measures'), rows)}")
    return "\n".join(lines)


def page(name: str) -> str:
    """The page of a measure."""
    card, (definition, bullets) = described.measure(name), _section(name)
    misleads = bullets.pop("Misleads", "")
    said = "\n".join(f"- {head}: {text}" for head, text in bullets.items() if head not in ("File", "Paper"))
    parts = [
        f"# {title(name)}\n\n`{name}`: {prose.literal(card['summary'])}\n",
        f"{said}\n- File: `{plugins.file('measure', name)}`\n",
        f"## Definition\n\n{definition}\n",
        f"Paper: {prose.linked(prose.literal(card['paper']))}\n",
        f"Differs from the paper: {prose.linked(prose.literal(card['differs']))}\n",
        f"## When it misleads\n\n{misleads[:1].upper() + misleads[1:]}\n" if misleads else "",
        plugins.parameters("measure", name) if card["order"] is None else "",
        plugins.laws("measure", name),
        _use(name),
    ]
    return "\n".join(part for part in parts if part)


def _section(name: str) -> tuple[str, dict[str, str]]:
    """What docs/measures.md says of a measure: its definition, and its list, head -> text."""
    heading = f"### `{name}`: {described.measure(name)['label']}\n"
    section = DOCUMENT.read_text(encoding="utf-8").partition(heading)[2].partition("\n#")[0].strip()
    definition, *bullets = re.split(r"\n- ", prose.moved(section, "measures.md"))
    return definition.strip(), {head: described.line(text) for head, _, text in (b.partition(": ") for b in bullets)}


def _use(name: str) -> str:
    card = described.measure(name)
    option = card["option"] if card["order"] is not None else f"--measures {name}"
    data = ["--datasets blocks"] if "truth" in card["needs"] else []
    return f"## Use it\n\n{prose.command(*data, '--explainers random gradient', f'{option} --out runs/{name}')}"


def _direction(name: str) -> str:
    return DIRECTIONS[described.measure(name)["better"]]


def _first(name: str) -> str:
    return prose.literal(described.summary("measure", name))
