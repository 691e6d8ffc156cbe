"""What a folder is about: the settings, data and weights its training was begun with, which never change."""

import json
from collections.abc import Collection
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors.torch import save

from roarbench.datasets.base import Dataset
from roarbench.hns import checkpoint
from roarbench.hns.settings import Settings

VERSION = 1
"""Raised when the results of the same settings change on purpose."""

FILE = "settings.json"
PARTS = ("hider", "seeker")
FREE = tuple(f"{part}_weights" for part in PARTS)
"""Paths of weights, which may lie elsewhere by now."""


def claim(settings: Settings, data: Dataset, folder: Path, identity: dict[str, Any]) -> None:
    """Notes in a folder what its training is, unless it says so already.

    Raises:
        ValueError: it says something else.
    """
    claim_as(folder, _wanted(settings, data) | identity, FREE)


def check_claim(settings: Settings, data: Dataset, folder: Path, identity: dict[str, Any]) -> None:
    """Checks that a folder is about nothing else; the same weights may lie elsewhere by now.

    Raises:
        ValueError: it is.
    """
    check_as(folder, _wanted(settings, data) | identity, FREE)


def claim_as(folder: Path, wanted: dict[str, Any], free: Collection[str] = ()) -> None:
    """The same for a training of any kind.

    Args:
        wanted: what it is, as JSON holds it.
        free: names whose values may differ.

    Raises:
        ValueError: the folder is about something else.
    """
    check_as(folder, wanted, free)
    if not (folder / FILE).exists():
        checkpoint.write_json(folder / FILE, wanted)


def check_as(folder: Path, wanted: dict[str, Any], free: Collection[str] = ()) -> None:
    """Raises ValueError where a folder is about something else."""
    if not (folder / FILE).exists():
        return
    given = checkpoint.read_json(folder / FILE)
    if changed := [name for name in wanted if name not in free and wanted[name] != given.get(name)]:
        name = changed[0]
        was, now = given.get(name), wanted[name]
        raise ValueError(f"{folder} holds a training with {name} {was}, not {now}; give another --identifier")


def depends_on(data: Dataset) -> dict[str, Any]:
    """What a result depends on besides settings and seed."""
    return {"version": VERSION, "checksums of the data": data.card.checksums}


def contents(data: Dataset) -> dict[str, Any]:
    """Which data these are: their files, and which examples are in which split."""
    splits = {name: split for name, split in data.splits.items() if len(split)}
    bytes_of = {
        name: save({"inputs": split.inputs.cpu(), "labels": split.labels.cpu()}) for name, split in splits.items()
    }
    examples = {name: sha256(content).hexdigest()[:16] for name, content in bytes_of.items()}
    return {"checksums of the data": data.card.checksums, "examples of each split": examples}


def plain(settings: Any) -> dict[str, Any]:
    """Settings as JSON holds them."""
    return json.loads(json.dumps(asdict(settings), default=str))


def _wanted(settings: Settings, data: Dataset) -> dict[str, Any]:
    return plain(settings) | {f"sha256 of {part}_weights": _sha256(settings, part) for part in PARTS} | depends_on(data)


def _sha256(settings: Settings, part: str) -> str | None:
    path = getattr(settings, f"{part}_weights")
    return sha256(path.read_bytes()).hexdigest() if path else None
