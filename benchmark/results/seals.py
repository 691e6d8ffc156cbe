"""Checksums that artefacts carry: files that a disk or a person damaged are made again, never read.

A network carries that of its tensors in the metadata of its file; a folder carries those of its files in a file beside
them. What has none, as it was written before, is taken as it is.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from roarbench.benchmark.matrix.source import checksum

SEAL = "sha256"
FILE = "checksums.json"


def sealed(tensors: Mapping[str, Tensor]) -> bytes:
    """Tensors in the format of safetensors, with their checksum as metadata."""
    return save(dict(tensors), {SEAL: _of_tensors(tensors)})


def sound_tensors(file: Path) -> bool:
    """Whether a file of tensors is there and as it was written."""
    if not file.exists():
        return False
    try:
        with safe_open(file, "pt") as handle:
            seal = (handle.metadata() or {}).get(SEAL)
        whole = seal in (None, _of_tensors(load_file(file)))
    except (SafetensorError, OSError, ValueError, TypeError):  # whatever a damaged header makes of it
        whole = False
    return whole or _tell(file)


def seal(folder: Path) -> None:
    """Writes the checksums of the files of a folder into it."""
    checksums = {file.name: checksum(file) for file in folder.iterdir()}
    (folder / FILE).write_text(json.dumps(checksums), encoding="utf-8")


def sound_folder(folder: Path) -> bool:
    """Whether a folder is there, and its files are as they were written."""
    if not folder.is_dir():
        return False
    try:
        checksums = json.loads((folder / FILE).read_text(encoding="utf-8"))
        whole = all(checksum(folder / name) == digest for name, digest in checksums.items())
    except FileNotFoundError as error:
        whole = Path(error.filename).name == FILE
    except (OSError, ValueError, AttributeError):
        whole = False
    return whole or _tell(folder)


def _tell(path: Path) -> bool:
    """Says that something is damaged; False."""
    print(f"{path} is damaged: it is made again", file=sys.stderr)
    return False


def _of_tensors(tensors: Mapping[str, Tensor]) -> str:
    return hashlib.sha256(save(dict(tensors))).hexdigest()
