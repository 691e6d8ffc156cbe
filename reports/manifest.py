"""What a report wrote into its folder: only that may a later report remove."""

import hashlib
from collections.abc import Collection
from pathlib import Path

MANIFEST = ".written"
"""A line for each file: its SHA-256 and its name, as sha256sum reads them."""


def tidy(folder: Path, written: Collection[Path]) -> None:
    """Removes what an earlier report wrote and this one did not, and takes down what this one wrote.

    A matrix that grew may have tables of other names. Files that somebody changed since stay, as do all that no report
    wrote; without a manifest, as versions before this one left none, nothing is removed.

    Args:
        written: files in the folder.
    """
    names = {path.name for path in written}
    for name, checksum in _before(folder / MANIFEST).items():
        path = folder / name
        if name not in names and path.is_file() and _checksum(path) == checksum:
            path.unlink()
    lines = [f"{_checksum(folder / name)}  {name}\n" for name in sorted(names)]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def _before(manifest: Path) -> dict[str, str]:
    """Name -> checksum of what the last report wrote; names alone, for nothing outside the folder is ours."""
    lines = manifest.read_text(encoding="utf-8").splitlines() if manifest.is_file() else []
    pairs = [line.split("  ", 1) for line in lines if "  " in line]
    return {name: checksum for checksum, name in pairs if Path(name).name == name}


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
