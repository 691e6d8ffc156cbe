"""The checker of the built documentation finds dead links, and what a page would fetch."""

import doctest
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.imports import PROJECT

WRONG = {
    '<a href="gone.html">x</a>': "no file for gone.html",
    '<a href="other.html#gone">x</a>': "no anchor for other.html#gone",
    '<a href="#gone">x</a>': "no anchor for #gone",
    '<img src="gone.png">': "no file for gone.png",
    '<script src="https://cdn.example/x.js"></script>': "fetches https://cdn.example/x.js",
    '<link rel="stylesheet" href="//fonts.example/x.css">': "fetches //fonts.example/x.css",
}
RIGHT = (
    '<a href="other.html#here">x</a>', '<a href="/other.html">x</a>', '<a href="folder/">x</a>',
    '<p id="a"><a href="#a">x</a>',
    '<a href="https://arxiv.org/abs/1806.10758">x</a>', '<link rel="canonical" href="https://site.example/">',
    '<img src="data:image/png;base64,AA==">',
)  # fmt: skip


def loaded(name: str) -> ModuleType:
    """A file of docs/site as a module."""
    specification = importlib.util.spec_from_file_location(name, PROJECT / "docs" / "site" / f"{name}.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def site(folder: Path, body: str) -> Path:
    """A small site."""
    (folder / "folder").mkdir()
    (folder / "folder" / "index.html").write_text("<p>")
    (folder / "other.html").write_text('<h2 id="here">Here</h2>')
    (folder / "index.html").write_text(body)
    return folder


@pytest.mark.parametrize(("body", "said"), WRONG.items())
def test_what_is_dead_or_fetched_is_found(
    body: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded("check_links").main(site(tmp_path, body)) == 1
    assert capsys.readouterr().err == f"index.html: {said}\n"


@pytest.mark.parametrize("body", RIGHT)
def test_what_is_alive_passes(body: str, tmp_path: Path) -> None:
    assert loaded("check_links").main(site(tmp_path, body)) == 0


def test_examples_in_docstrings_hold() -> None:
    assert not doctest.testmod(loaded("prose")).failed
