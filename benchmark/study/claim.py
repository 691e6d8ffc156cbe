"""What a folder is about: the settings and data its training was begun with, which never change."""

import json
from collections.abc import Collection
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors.torch import save

from roarbench.benchmark.study import checkpoint
from roarbench.datasets.base import Dataset

FILE = "settings.json"


def claim(folder: Path, wanted: dict[str, Any], free: Collection[str] = ()) -> None:
    """Notes in a folder what its training is, unless it says so already.

    Args:
        wanted: what the training is, as JSON holds it.
        free: names whose values may differ.

    Raises:
        ValueError: the folder is about something else.
    """
    check_claim(folder, wanted, free)
    if not (folder / FILE).exists():
        checkpoint.write_json(folder / FILE, wanted)


def check_claim(folder: Path, wanted: dict[str, Any], free: Collection[str] = ()) -> None:
    """Checks that a folder is free, or about the same training.

    Args:
        wanted: what the training is, as JSON holds it.
        free: names whose values may differ.

    Raises:
        ValueError: the folder is about something else.
    """
    if not (folder / FILE).exists():
        return
    identity = checkpoint.read_json(folder / FILE)
    if differences := [name for name in wanted if name not in free and wanted[name] != identity.get(name)]:
        name = differences[0]
        was, now = identity.get(name), wanted[name]
        raise ValueError(f"{folder} holds a training with {name} {was}, not {now}; give another --identifier")


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
