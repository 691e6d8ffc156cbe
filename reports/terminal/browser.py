"""The page of a report in the browser of the user."""

import sys
import webbrowser
from pathlib import Path


def opened(folder: Path) -> None:
    """Opens the page of a run; says so where there is no browser, for the run has done its work."""
    from roarbench.reports.page.page import FILE, FOLDER  # most of a second, which only those wait for who ask for it

    page = folder / FOLDER / FILE
    if not (page.is_file() and webbrowser.open(page.resolve().as_uri())):
        print(f"no browser could show {page}", file=sys.stderr)
