"""Files of a training: weights, and states from which it goes on. Complete or absent, never half written."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

NOTES = "notes"


def write(path: Path, tensors: dict[str, Tensor], notes: dict[str, Any] | None = None) -> None:
    """Stores tensors by name, and notes that JSON can hold."""
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    _replace(path, save(content, metadata={NOTES: json.dumps(notes or {})}))


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Stores what JSON can hold."""
    _replace(path, json.dumps(content, indent=1).encode())


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` stored.

    Raises:
        ValueError: something else.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); remove it") from None


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Stores rows that share their columns."""
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _replace(path, text.getvalue().encode())


def read(path: Path, argument: str = "weights") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and notes of a file.

    Args:
        argument: the caller's argument, for the message.

    Raises:
        ValueError: no such file, or not of this kind.
    """
    if not path.is_file():
        raise ValueError(f"{argument}: there is no file {path}")
    content = path.read_bytes()  # once: another process may replace the file at any time
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return tensors, json.loads(header.get("__metadata__", {}).get(NOTES, "{}"))
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{argument}: {path} is not a file of weights ({error})") from None


def fill(network: nn.Module, weights: dict[str, Tensor], argument: str) -> None:
    """Copies weights into a network, every layer of it.

    Raises:
        ValueError: a layer that is missing, left over, or of another shape.
    """
    own_shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    file_shapes = {name: tuple(value.shape) for name, value in weights.items()}
    if wrong := sorted(
        name for name in own_shapes.keys() | file_shapes.keys() if own_shapes.get(name) != file_shapes.get(name)
    ):
        name = wrong[0]
        expected, got = own_shapes.get(name), file_shapes.get(name)
        problem = f"must have the shape {expected}, got {got}" if expected and got else "is missing" if expected else (
            "does not belong to this model"
        )  # fmt: skip
        raise ValueError(f"{argument}: layer {name} {problem}; is it another model?")
    with torch.no_grad():
        for name, value in network.state_dict().items():
            value.copy_(weights[name])


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
