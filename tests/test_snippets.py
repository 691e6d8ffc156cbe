"""What the documents tell a reader to type runs as it is written, only with shorter trainings."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import roarbench
from roarbench import run_benchmark
from roarbench.datasets.digits import digits
from tests.documents import TRIED, Block, blocks

SHORT = {
    "--classifiers": ("mlp[width=8,hidden_layers=1]",), "--epochs": ("1",), "--workers": ("0",), "--mask-fractions": (),
    "--measures": (), "--unretrained-fills": (),
}  # fmt: skip
"""Options of a run that are added where it has none of its own."""
FORECAST = {"--explainers": ("random", "gradient")}
"""Those of a dry run, which measures every explainer."""

DOCUMENTS = pytest.mark.parametrize("document", TRIED, ids=lambda path: path.name)


@DOCUMENTS
def test_every_block_runs_or_says_why_not(document: Path) -> None:
    for block in blocks(document):
        assert block.reason or not block.others, f"no program of this project, and no reason: {block.others}"
        assert block.kind == "python" or block.commands or block.reason or not block.others


@DOCUMENTS
def test_every_command_is_understood(document: Path) -> None:
    for block in blocks(document):
        for words in block.commands:
            assert callable(run_benchmark.parsed(words)), words


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty current folder, from which modules are imported, and forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if (tmp_path / f"{name}.py").exists():
            del sys.modules[name]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of one epoch."""
    from roarbench import evaluation

    whole = evaluation.evaluate
    quick: Callable[..., Any] = partial(whole, recipe=roarbench.Recipe(epochs=1), seeds=2, fractions=(0.5,))
    monkeypatch.setattr(evaluation, "evaluate", quick)


def readers_own() -> dict[str, Any]:
    """What a reader is supposed to have at hand: a network, data, a function and maps."""
    data = digits(Path("data"))
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    return {
        "network": network, "x_train": data.train.inputs, "y_train": data.train.labels, "x_test": data.test.inputs,
        "y_test": data.test.labels, "maps": data.test.inputs, "attribute": lambda network, inputs, targets: inputs,
    }  # fmt: skip


def shortened(words: list[str]) -> list[str]:
    """A command whose trainings are short."""
    added = (SHORT | (FORECAST if "--dry-run" in words else {})).items() if words[0] == "run" else ()
    return [*words, *(word for name, values in added if name not in words for word in (name, *values))]


def execute(block: Block, names: dict[str, Any]) -> None:
    """Does what a reader would do with a block."""
    if block.file:
        Path(block.file).write_text(block.code)
    elif block.kind == "python":
        exec(compile(block.code, "block", "exec"), names)
    for words in block.commands:
        assert run_benchmark.main(shortened(words)) == 0, words


@pytest.mark.whole
@pytest.mark.usefixtures("here", "short", "unillustrated")
@DOCUMENTS
def test_a_document_runs_from_top_to_bottom(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = readers_own()
    left_out = [block.reason for block in blocks(document) if block.reason]
    for block in blocks(document):
        if not block.reason:
            execute(block, names)
    capsys.readouterr()
    with capsys.disabled():
        print(*(f"\n{document.name}: not run, for {reason}" for reason in left_out), end="")
