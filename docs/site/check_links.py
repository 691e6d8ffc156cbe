"""Checks a built site: links lead somewhere, and pages ask nothing of any network. Other sites are listed, not asked.

python docs/site/check_links.py site
"""

import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
"""Elements and attributes that a browser fetches by itself."""


@dataclass
class Page(HTMLParser):
    """What a page refers to: (element, attribute, address); and what can be referred to in it."""

    references: list[tuple[str, str, str]] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps addresses and anchors of an element."""
        said = dict(attrs).get("rel") == "canonical"  # tells search engines where the page lives, and fetches nothing
        for name, value in attrs:
            if name in ("href", "src") and value and not said:
                self.references.append((tag, name, value))
            elif value and (name == "id" or (name == "name" and tag == "a")):
                self.anchors.add(value)


@cache
def read(file: Path) -> Page:
    """A page of the site."""
    page = Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def wrong(site: Path, file: Path, reference: tuple[str, str, str]) -> str:
    """What is wrong with a reference of a page; empty where nothing is."""
    tag, name, address = reference
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        fetched = (tag, name) in FETCHED and parts.scheme != "data"
        return f"fetches {address}" if fetched else ""
    folder = site if parts.path.startswith("/") else file.parent
    target = (folder / unquote(parts.path).lstrip("/")).resolve() if parts.path else file
    target = target / "index.html" if target.is_dir() else target
    if not target.exists():
        return f"no file for {address}"
    lacking = parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in read(target).anchors
    return f"no anchor for {address}" if lacking and parts.fragment != "__skip" else ""


def main(site: Path) -> int:
    """Prints what is wrong and how many links lead to other sites; 1 where something is wrong."""
    references = [(file, one) for file in sorted(site.rglob("*.html")) for one in read(file).references]
    faults = [f"{file.relative_to(site)}: {said}" for file, one in references if (said := wrong(site, file, one))]
    others = Counter(urlsplit(address).netloc for _, (_, _, address) in references if urlsplit(address).netloc)
    print(*faults, sep="\n", file=sys.stderr, end="\n" if faults else "")
    print(f"{len(references)} links, {len(faults)} dead; to other sites, not asked: {sum(others.values())}")
    print(*(f"  {count:5} {name}" for name, count in others.most_common()), sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
