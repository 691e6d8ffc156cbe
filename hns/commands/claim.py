"""What a folder of Hide-and-Seek is about: settings, data and weights, by their content."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.claim import FILE, plain
from roarbench.datasets.base import Dataset
from roarbench.hns.settings import Settings

VERSION = 1
"""Raised when the results of the same settings change on purpose."""

PARTS = ("hider", "seeker")
FREE = tuple(f"{part}_weights" for part in PARTS)
"""Paths of weights, which may lie elsewhere by now."""

LATER = ("seeker",)
"""Settings that trainings did not have at first: a folder without them holds one with their defaults."""


def depends_on(data: Dataset) -> dict[str, Any]:
    """What a result depends on besides settings and seed."""
    return {"version": VERSION, "checksums of the data": data.card.checksums}


def contents(settings: Settings, data: Dataset) -> dict[str, Any]:
    """What a training is, as its folder claims it."""
    weights = {f"sha256 of {part}_weights": _sha256(settings, part) for part in PARTS}
    claimed = plain(settings) | weights | depends_on(data)
    if not settings.apart:
        claimed.pop("seeker_epochs")  # no part of a training in which no seeker is trained apart
    return claimed


def free(folder: Path, settings: Settings) -> tuple[str, ...]:
    """What a folder may say otherwise than a training that wants it: paths, and settings that it did not know yet."""
    path, defaults = folder / FILE, plain(Settings())
    known = checkpoint.read_json(path) if path.exists() else {}
    return FREE + tuple(name for name in LATER if name not in known and plain(settings)[name] == defaults[name])


def _sha256(settings: Settings, part: str) -> str | None:
    path = getattr(settings, f"{part}_weights")
    return sha256(path.read_bytes()).hexdigest() if path else None
