"""What a folder of Hide-and-Seek is about: settings, data and weights, by their content."""

from hashlib import sha256
from typing import Any

from roarbench.benchmark.study.claim import plain
from roarbench.datasets.base import Dataset
from roarbench.hns.settings import Settings

VERSION = 1
"""Raised when the results of the same settings change on purpose."""

PARTS = ("hider", "seeker")
FREE = tuple(f"{part}_weights" for part in PARTS)
"""Paths of weights, which may lie elsewhere by now."""


def depends_on(data: Dataset) -> dict[str, Any]:
    """What a result depends on besides settings and seed."""
    return {"version": VERSION, "checksums of the data": data.card.checksums}


def contents(settings: Settings, data: Dataset) -> dict[str, Any]:
    """What a training is, as its folder claims it."""
    return plain(settings) | {f"sha256 of {part}_weights": _sha256(settings, part) for part in PARTS} | depends_on(data)


def _sha256(settings: Settings, part: str) -> str | None:
    path = getattr(settings, f"{part}_weights")
    return sha256(path.read_bytes()).hexdigest() if path else None
