"""Adds the generated pages to the site: MkDocs calls these functions by their names."""

import contextlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import explainer_pages
import glossary_page
import leaderboard
import live_report
import measure_pages
import notebook_pages
import pictures
import preset_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from roarbench.methods import EXPLAINERS

LISTS: dict[str, Any] = {"Explainers": explainer_pages, "Measures": measure_pages}
"""Entries of the navigation that hold a page for each plug-in."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Writes every explainer and measure into the navigation."""
    for entry in config.nav or []:
        for name, pages in LISTS.items():
            if isinstance(entry, dict) and name in entry:
                entry[name] = [f"{pages.FOLDER}/index.md", *_members(pages)]
    return config


def _members(pages: Any) -> list[dict[str, Any]]:
    return [
        {group: [{pages.title(name): f"{pages.FOLDER}/{name}.md"} for name in names]}
        for group, names in pages.grouped().items()
    ]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Generates what is no file of the documents: pages, pictures, the schema and the report."""
    with ThreadPoolExecutor() as beside, contextlib.redirect_stderr(io.StringIO()):  # progress of trainings
        report = beside.submit(live_report.files)
        drawn = pictures.facts()
    texts = {"reference/glossary.md": glossary_page.page()} | preset_page.pages() | notebook_pages.pages()
    texts |= explainer_pages.pages() | measure_pages.pages()
    paths = {f"{explainer_pages.FOLDER}/{n}.png": pictures.KEPT / f"{n}.png" for n in EXPLAINERS if "scene" in drawn[n]}
    paths |= report.result() | leaderboard.files()
    for path, text in texts.items():
        files.append(File.generated(config, path, content=text))
    for path, file in paths.items():
        files.append(File.generated(config, path, abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Links to notebooks lead to their pages."""
    generated = Path(page.file.src_uri).parent.name == "tutorials"
    return markdown if generated else markdown.replace(".ipynb)", ".md)")
