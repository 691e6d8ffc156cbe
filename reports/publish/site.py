"""A static site with the leaderboards of runs, which any web server can show as it is. It loads nothing from elsewhere.

Every run has a folder `runs/NAME` there, and the first page is made of all of them, so that runs can be added.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from roarbench.reports.page.page import FILE, FOLDER
from roarbench.reports.page.provenance import toml
from roarbench.reports.rows.glossary import term
from roarbench.reports.rows.load import Run

RUNS = "runs"
BOARDS, MATRIX, ROWS = "leaderboard.json", "matrix.toml", "rows.csv"
ORIGIN = ".origin"
MARK = '<meta name="generator" content="roarbench">'
COLUMNS = ("place", "explainer", "accuracy", "gain", "p", "group", "mask", "n", "specification")
SPACE = """---
title: roarbench leaderboard
sdk: static
---
Leaderboards of explanation methods, made by roarbench. `index.html` is the first page; GitHub Pages and Hugging Face
spaces serve this folder as it is.
"""
"""README of the folder; the head is what a Hugging Face space needs."""


def publish(run: Run, out: Path) -> Path:
    """Adds a run with its report to a site, and makes the first page anew from all runs there.

    Returns:
        The first page.

    Raises:
        ValueError: the folder has a first page of another program, or another run of this name.
    """
    check(out)
    folder, origin = out / RUNS / run.folder.resolve().name, _origin(run.folder)
    if folder.exists() and _known(folder) != origin:
        raise ValueError(f"publish: {out} has another run called {folder.name}; rename the folder {run.folder}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ORIGIN).write_text(origin, encoding="utf-8")
    (folder / MATRIX).write_text(toml(run.matrix) + "\n", encoding="utf-8")
    for name in (BOARDS, ROWS, FILE):
        shutil.copyfile(run.folder / FOLDER / name, folder / name)
    return compose(out)


def _origin(folder: Path) -> str:
    """Tells runs of one name in different folders from each other, without saying where they are."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]


def _known(folder: Path) -> str:
    return (folder / ORIGIN).read_text(encoding="utf-8") if (folder / ORIGIN).exists() else ""


def check(out: Path) -> None:
    """Raises ValueError where the first page of a folder is that of another program."""
    page = out / FILE
    if out.is_file():
        raise ValueError(f"publish must be a folder, got the file {out}")
    if page.exists() and MARK not in page.read_text(encoding="utf-8", errors="replace"):
        raise ValueError(f"publish must be an empty folder or a site of roarbench, but another program wrote {page}")


def compose(out: Path) -> Path:
    """Makes the first page of a site from the folders of its runs, and returns it."""
    environment = Environment(
        loader=PackageLoader("roarbench.reports.publish"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    lines = [line for folder in sorted((out / RUNS).iterdir()) if folder.is_dir() for line in _lines(folder)]
    words = {name: entry.tooltip for name in (*COLUMNS, "label leakage", "ROAR", "KAR") if (entry := term(name))}
    text = environment.get_template("index.html.j2").render(lines=_script(lines), words=_script(words), runs=_runs(out))
    (out / FILE).write_text(text, encoding="utf-8")
    (out / ".nojekyll").touch()
    if not (out / "README.md").exists():
        (out / "README.md").write_text(SPACE, encoding="utf-8")
    return out / FILE


def _lines(folder: Path) -> Iterator[dict]:
    """A line for each explainer of each board of a run."""
    for board in json.loads((folder / BOARDS).read_text(encoding="utf-8")):
        shared = {key: board[key] for key in ("dataset", "classifier", "better")}
        shared |= {"run": folder.name, "way": board["table"].partition(".")[0], "page": (folder / FILE).exists()}
        yield from (shared | row for row in board["rows"])


def _runs(out: Path) -> list[tuple[str, str, bool]]:
    """Name, commits and whether there is a page, of every run."""
    folders = sorted(folder for folder in (out / RUNS).iterdir() if folder.is_dir())
    return [(folder.name, _commits(folder), (folder / FILE).exists()) for folder in folders]


def _commits(folder: Path) -> str:
    boards = json.loads((folder / BOARDS).read_text(encoding="utf-8"))
    return ", ".join(dict.fromkeys(commit for board in boards for commit in board["commits"]))


def _script(value: object) -> str:
    """A value as JSON that cannot end the script it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
