"""What a report wrote into its folder: only that may a later report remove."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from roarbench.benchmark.matrix.source import checksum

MANIFEST = ".written"
"""A line for each file: its SHA-256 and its name, as sha256sum reads them."""


@contextmanager
def tidied(folder: Path) -> Iterator[list[Path]]:
    """Within it a report writes files and adds them to the list; then what only an earlier report wrote is removed.

    A matrix that grew may have tables of other names. Files that somebody changed since the earlier report stay: under
    another name where this one writes its own. So do all that no report wrote. Without a manifest, as versions before
    this one and reports that were interrupted left none, nothing is removed.
    """
    before = _before(folder / MANIFEST)
    changed = [n for n, kept in before.items() if (folder / n).is_file() and checksum(folder / n) != kept]
    aside = {name: _set_aside(folder / name) for name in changed}
    (folder / MANIFEST).unlink(missing_ok=True)
    written: list[Path] = []
    try:
        yield written
    finally:
        for name, copy in aside.items():
            if not (folder / name).exists():
                copy.rename(folder / name)
            else:
                print(f"{folder / name} was changed since it was written: that version is now {copy}", file=sys.stderr)
    names = {path.name for path in written}
    for name in before.keys() - names - aside.keys():
        (folder / name).unlink(missing_ok=True)
    lines = [f"{checksum(folder / name)}  {name}\n" for name in sorted(names)]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def _set_aside(path: Path) -> Path:
    """The new path of a file that makes way: paper.changed.tex, paper.changed-2.tex and so on."""
    names = (f"{path.stem}.changed{f'-{n}' if n > 1 else ''}{path.suffix}" for n in count(1))
    free = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    return path.rename(free)


def listed(folder: Path) -> dict[str, str]:
    """Name -> checksum of what the last report wrote into a folder; empty where none was finished."""
    return _before(folder / MANIFEST)


def intact(folder: Path) -> dict[str, str]:
    """Name -> checksum of what the last report wrote into a folder and is as it wrote it."""
    files = listed(folder).items()
    return {name: kept for name, kept in files if (folder / name).is_file() and checksum(folder / name) == kept}


def _before(manifest: Path) -> dict[str, str]:
    """Name -> checksum of what the last report wrote; names alone, for nothing outside the folder is ours."""
    lines = manifest.read_text(encoding="utf-8").splitlines() if manifest.is_file() else []
    pairs = [line.split("  ", 1) for line in lines if "  " in line]
    return {name: kept for kept, name in pairs if Path(name).name == name}
