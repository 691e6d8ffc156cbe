"""What documents and the package promise: options, links, measures and kinds that exist; declared dependencies."""

import contextlib
import dataclasses
import inspect
import io
import re
import sys
import typing
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from roarbench import run_benchmark
from roarbench.benchmark import MEASURES
from roarbench.benchmark.matrix import described
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.presets import tomllib
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.hns import settings as hns
from roarbench.methods.cladec import settings as cladec
from roarbench.methods.senn import settings as senn
from roarbench.reports.kinds.figures import FIGURES
from roarbench.reports.kinds.tables import TABLES
from roarbench.reports.paper.bibliography import identifiers
from tests.test_layers import FILES, imports

PROJECT = Path(__file__).parents[1]
DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]
COMMAND = re.compile(
    r"(?:run_benchmark\.py |^\$ roarbench |`)"
    r"((?:(?:hns|senn|cladec) )?(?:run|report|status|list|rows|train|study|sweep|evaluate|explain)\b[^`\n#]*)",
    re.MULTILINE,
)
"""A command as documents write it: in a block behind the name of the script, or in a sentence between backticks."""


@cache
def options(command: str) -> str:
    """The help of a command."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        run_benchmark.main([*command.split(), "--help"])
    return shown.getvalue()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8").replace("\\\n", " ")
    for written in COMMAND.findall(text):
        words = written.split()
        command = " ".join(words[: 2 if words[0] in run_benchmark.FAMILIES else 1])
        for option in re.findall(r"--[a-z][a-z-]*", written):
            assert re.search(rf"{option}\b", options(command)), f"{command} has no {option}: {written}"


STUDIES = (hns, senn, cladec)
OPTIONS = (
    Matrix, Recipe, run_benchmark.Run, run_benchmark.Status, run_benchmark.Report, *(m.Settings for m in STUDIES)
)  # fmt: skip
"""Classes whose fields are options of the command line."""
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|\.\./\.\./actions/)([^)#\s]*)#?([^)\s]*)\)")
GENERATED = ("reference/", "report/", "leaderboard/")
"""Pages that `make docs` makes, which checks links to them."""
README_LINES = 119
REFERENCE = PROJECT / "docs" / "measures.md"
DIRECTIONS = {"low": "- Better: lower", "high": "- Better: higher", "": "- Better: neither"}


def anchors(document: Path) -> set[str]:
    """What links can point to within a document, as GitHub names it."""
    headings = HEADING.findall(document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    for path, anchor in LINK.findall(document.read_text(encoding="utf-8")):
        if path.replace("../", "").startswith(GENERATED):
            continue
        target = (document.parent / path) if path else document
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_the_readme_is_a_front_page() -> None:
    assert len((PROJECT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_has_a_section_that_agrees_with_its_card(name: str) -> None:
    card, text = described.measure(name), REFERENCE.read_text(encoding="utf-8")
    heading = f"### `{name}`: {card['label']}\n"
    assert heading in text
    section = text.partition(heading)[2].partition("\n#")[0]
    assert DIRECTIONS[card["better"]] in section
    module = MEASURES[name].partition(":")[0].removeprefix("roarbench.").replace(".", "/")
    assert all(said in section for said in (f"`{module}.py`", "- Misleads:", "Cost:", "Range:", "Needs:"))
    assert set(identifiers(card["paper"])) <= set(identifiers(section))


@pytest.mark.parametrize(("heading", "kinds"), [("table", TABLES), ("figure", FIGURES)])
def test_every_kind_of_table_and_figure_is_listed(heading: str, kinds: tuple[Any, ...]) -> None:
    listed = REFERENCE.read_text(encoding="utf-8").partition(f"| {heading} | what it shows |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE) == [kind.name for kind in kinds]


@pytest.mark.parametrize("kind", OPTIONS, ids=lambda kind: kind.__module__.removeprefix("roarbench."))
def test_every_option_has_a_text_that_stands_alone(kind: Any) -> None:
    texts = dict(re.findall(r"^\s+(\w+): (.+)", inspect.getdoc(kind) or "", re.MULTILINE))
    for field in dataclasses.fields(kind):
        nested = dataclasses.is_dataclass(typing.get_type_hints(kind)[field.name])
        assert nested or field.name in texts, f"{field.name} has no text"
        assert not re.match("(of|its|at most|the same) ", texts.get(field.name, "")), texts[field.name]


def test_everything_that_is_imported_is_declared() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = (part for name, part in project["optional-dependencies"].items() if name != "dev")
    declared = {re.split(r"[<>=\[]", line)[0].lower() for part in (project["dependencies"], *extras) for line in part}
    known = packages_distributions()
    files = [*FILES, PROJECT / "run_benchmark.py"]
    ours_or_standard = {"roarbench", "tomllib", *sys.stdlib_module_names}
    used = {name.partition(".")[0] for file in files for name in imports(file)} - ours_or_standard
    called = {"sklearn": ["scikit-learn"]}  # which Python 3.10 does not find out
    missing = {n for n in used if not {dist.lower() for dist in known.get(n, called.get(n, [n]))} & declared}
    assert not missing
