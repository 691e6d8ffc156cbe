"""The notebooks run, and what is kept of their outputs is small and clean."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.imports import PROJECT

NOTEBOOKS = sorted((PROJECT / "docs" / "tutorials").glob("*.ipynb"))
MOST_BYTES = 150_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_with_its_outputs(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert len(cells) <= 10
    assert path.stat().st_size <= MOST_BYTES
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run from top to bottom"
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs and not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert not [word for word in ("/tmp/", "/root/", "/home/") if word in path.read_text(encoding="utf-8")]


def test_every_notebook_is_linked_from_the_documents() -> None:
    listed = (PROJECT / "docs" / "bring-your-own.md").read_text(encoding="utf-8")
    assert NOTEBOOKS and all(f"tutorials/{path.name}" in listed for path in NOTEBOOKS)


@pytest.mark.whole
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
