"""Who may import whom, and what must not be imported or written anywhere; `docs/architecture.md` says the same."""

import ast

from tests.imports import FILES, PROJECT, arrows, imports, mermaid, ours, place, tree

FLOORS = (
    "datasets", "hns", "methods/senn", "methods/cladec", "methods",
    "benchmark", "benchmark/matrix", "benchmark/results", "benchmark/networks", "benchmark/removal",
    "benchmark/attribution", "benchmark/measures", "benchmark/execution", "benchmark/cost", "benchmark/study",
    "reports/statistics", "reports/rows", "reports/tables", "reports/pictures", "reports/kinds", "reports/paper",
    "reports/page", "reports/terminal", "reports/publish", "reports/hns", "reports/senn", "reports/cladec", "reports",
)  # fmt: skip
"""Folders from the lowest: each imports only from those before it and from itself."""

COMMANDS = (
    "hns/commands", "methods/senn/commands", "methods/cladec/commands", "benchmark/commands", "reports/commands"
)  # fmt: skip
"""Folders that are part of the command line: they may import anything, and only run_benchmark.py imports them."""

DOORS = {
    ("benchmark", "hns"): ("hns.metrics", "hns.random_masks"),
    ("benchmark", "methods"): ("methods.GROUPS", "methods.EXPLAINERS", "methods.base", "methods.adapting"),
    ("reports", "benchmark"): (
        "benchmark.MEASURES", "benchmark.STANDARD", "benchmark.matrix",
        "benchmark.results.adaptive", "benchmark.results.hits", "benchmark.results.provenance",
        "benchmark.results.statistics", "benchmark.results.store",
    ),
    ("reports", "hns"): ("hns.metrics",),
    ("reports", "methods"): (),
    ("reports", "datasets"): (),
}  # fmt: skip
"""All that one of the five folders imports from another, where that is not everything."""

TORCHLESS = ("benchmark/matrix/", "benchmark/results/adaptive.py", "benchmark/results/store.py", "reports/")


def test_no_import_goes_up() -> None:
    up = [arrow for arrow in arrows() if arrow[0] not in COMMANDS and FLOORS.index(arrow[0]) < FLOORS.index(arrow[1])]
    assert not up


def test_the_graph_of_the_documents_is_that_of_the_source() -> None:
    drawn = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```mermaid\n")[1]
    assert drawn.partition("```")[0].strip() == mermaid(arrows())


def test_folders_meet_through_few_doors() -> None:
    for file in FILES:
        if place(file.parent) not in COMMANDS:
            here = place(file).split("/")[0]
            for name in ours(file):
                doors = DOORS.get((here, name.split(".")[0]), (name,))
                assert any(f"{name}.".startswith(f"{door}.") for door in doors), f"{place(file)} imports {name}"


def test_nobody_imports_commands() -> None:
    assert not [arrow for arrow in arrows() if arrow[0] not in COMMANDS and arrow[1] in COMMANDS]


def test_enumerating_and_rendering_never_import_torch() -> None:
    for file in FILES:
        if place(file).startswith(TORCHLESS):
            names = {alias.name for node in tree(file).body if isinstance(node, ast.Import) for alias in node.names}
            names |= {node.module or "" for node in tree(file).body if isinstance(node, ast.ImportFrom)}
            assert not {"torch", "torchvision", "captum"} & {name.split(".")[0] for name in names}, place(file)


def test_every_import_of_ours_names_the_package() -> None:
    for file in [*FILES, *(PROJECT / "tests").rglob("*.py"), PROJECT / "run_benchmark.py"]:
        bare = {name.split(".")[0] for name in imports(file)} & {folder.split("/")[0] for folder in FLOORS}
        assert not bare, f"{place(file)}: write roarbench.{bare.pop()}"


def test_ray_and_generators_have_one_home_and_devices_are_followed() -> None:
    for file in FILES:
        text = file.read_text()
        assert ".cuda()" not in text, place(file)
        assert file.name == "ray_pool.py" or "ray" not in {name.split(".")[0] for name in imports(file)}, place(file)
        if file.name != "randomness.py":
            assert "torch.Generator()" not in text, place(file)
            assert "manual_seed(" not in text, place(file)
