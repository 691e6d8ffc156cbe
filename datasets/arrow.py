"""Tables of Hugging Face's package `datasets` in a folder: read where they lie, never downloaded."""

import hashlib
import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Shaped

PACKAGE = "datasets"
SAVED = ("dataset_dict.json", "state.json")
"""Files of a folder that `save_to_disk` wrote: of several splits, of one."""

SUFFIXES = (".parquet", ".arrow")
CACHE = "cache-"
"""How files begin that the package leaves beside its own."""

SPLITS = {
    "train": ("train", "training"), "validation": ("validation", "valid", "val", "dev"), "test": ("test", "testing"),
}  # fmt: skip
"""Words for a split, in names of splits and of files."""

BLOCK = 2**20
"""Bytes of a file that are read at once."""

ARRAYS = frozenset({"List", "LargeList", "Sequence", "Array2D", "Array3D", "Array4D", "Array5D", "list"})
"""Types of columns whose values are arrays of numbers, or lists of them."""

Kind = Literal["image", "array", "class", "whole", "real", "text", "other"]
"""What a column holds; whole and real are numbers."""


NUMBERS: tuple[Kind, ...] = ("whole", "real")

VALUES: dict[Kind, tuple[str, ...]] = {
    "text": ("string", "large_string"), "image": ("binary", "large_binary"),
    "whole": ("int", "uint", "bool"), "real": ("float",),
}  # fmt: skip
"""How the names of types of single values begin; bytes are taken for the file of an image."""


@dataclass(frozen=True, eq=False)
class Contents:
    """What lies in a folder.

    Attributes:
        rows: "train", and those of "validation" and "test" that there are -> rows, as `datasets.Dataset`.
        kinds: column -> what it holds.
        class_names: column of classes -> their names.
        checksums: file -> checksum.
        notes: lines on what was taken for what.
    """

    rows: dict[str, Any]
    kinds: dict[str, Kind]
    class_names: dict[str, tuple[str, ...]]
    checksums: dict[str, str]
    notes: tuple[str, ...]


def contents(path: Path) -> Contents:
    """The splits that lie in a folder of `save_to_disk`, or of .parquet and .arrow files, or in one such file.

    Raises:
        ValueError: the package is not installed, or there is nothing of that kind, or something else beside it.
    """
    files = _files(path)
    if any((path / name).is_file() for name in SAVED):
        parts = _saved(path)
    else:
        parts = _read([file for file in files if file.suffix in SUFFIXES], path)
    rows, notes = _by_role(parts, path)
    features = rows["train"].features
    for role, part in rows.items():
        if part.features != features:
            raise ValueError(f"{path} must hold the same columns in all splits, train and {role} differ; save it anew")
    names = {name: tuple(feature.names) for name, feature in features.items() if _kind(feature) == "class"}
    checksums = {str(file.relative_to(path) if file != path else file.name): _checksum(file) for file in files}
    return Contents(rows, {name: _kind(f) for name, f in features.items()}, names, checksums, notes)


def values(rows: Any, name: str) -> Shaped[np.ndarray, "n *feature"]:
    """A column as an array of its own type; text as objects, among which None stands for a value that is not there.

    Raises:
        ValueError: its lists are of more than one length.
    """
    from pyarrow import compute

    column = rows.with_format("arrow")[:][name].combine_chunks()
    column, shape = getattr(column, "storage", column), [len(rows)]
    while hasattr(column.type, "value_type"):
        lengths = sorted({length or 0 for length in compute.unique(compute.list_value_length(column)).to_pylist()})
        if len(lengths) != 1:
            raise ValueError(f"column {name} must hold lists of one length, got {lengths}; pad or cut them")
        shape += lengths
        column = column.flatten()
    return column.to_numpy(zero_copy_only=False).reshape(shape)


def entries(rows: Any, name: str, index: list[int]) -> list[Any]:
    """Some values of a column, as Python has them; images as they are stored."""
    return rows.select_columns([name]).with_format("arrow")[index][name].to_pylist()


def _files(path: Path) -> list[Path]:
    """All files that count, in the order of their names."""
    if path.is_file() and path.suffix in SUFFIXES:
        return [path]
    kinds = f"a folder of save_to_disk, or one of {' or '.join(SUFFIXES)} files"
    if not path.is_dir():
        raise ValueError(f"path must be {kinds}, found nothing at {path.absolute()}")
    saved = any((path / name).is_file() for name in SAVED)
    suffixes = (*SUFFIXES, ".json") if saved else SUFFIXES
    files = [file for file in sorted(path.rglob("*")) if file.suffix in suffixes and not _hidden(file, path)]
    if not files:
        there = ", ".join(sorted(entry.name for entry in path.iterdir())[:10])
        raise ValueError(f"path must be {kinds}, got {path}, which holds {there or 'nothing'}")
    return files


def _hidden(file: Path, path: Path) -> bool:
    """Whether a file is hidden, or one that the package left."""
    return file.name.startswith(CACHE) or any(part.startswith(".") for part in file.relative_to(path).parts)


def _package() -> Any:
    """Hugging Face's package, whatever else is called like it.

    Raises:
        ValueError: it is not installed.
    """
    try:
        package = importlib.import_module(PACKAGE)
        reason = f"{getattr(package, '__file__', None) or 'a folder'} is not it"
    except ImportError as error:
        package, reason = None, str(error)
    if not hasattr(package, "load_from_disk"):
        raise ValueError(f"data set hf needs the extra hf: pip install roarbench[hf] ({reason})")
    return package


def _saved(path: Path) -> dict[str, Any]:
    """The splits of a folder of `save_to_disk` by name."""
    try:
        whole = _package().load_from_disk(str(path))
    except (OSError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path} must be a whole folder of save_to_disk, got: {reason}; save it anew") from error
    return dict(whole) if isinstance(whole, Mapping) else {"train": whole}


def _read(files: list[Path], path: Path) -> dict[str, Any]:
    """The rows of all files of a split; files without a word for a split are those of train."""
    package, by_split = _package(), dict[str, list[Path]]()
    for file in files:
        words = re.split("[^a-z]+", (file.name if file == path else str(file.relative_to(path))).lower())
        roles = [role for word in words for role, known in SPLITS.items() if word in known]
        by_split.setdefault(roles[-1] if roles else "train", []).append(file)
    tables = {role: [_table(package, file) for file in some] for role, some in by_split.items()}
    for role, some in tables.items():
        if any(one.features != some[0].features for one in some):
            raise ValueError(f"{path} must hold the same columns in all files of {role}, got others; leave some out")
    return {role: package.concatenate_datasets(some) for role, some in tables.items()}


def _table(package: Any, file: Path) -> Any:
    """The rows of a file: an .arrow file is mapped, a .parquet file read, its images as they are stored."""
    try:
        if file.suffix == ".arrow":
            return package.Dataset.from_file(str(file))
        from pyarrow import parquet

        return package.Dataset(parquet.ParquetFile(file).read(), fingerprint=_checksum(file)[-16:])
    except (OSError, ValueError, TypeError, KeyError) as error:  # what Arrow raises is one of these
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{file} must be a readable {file.suffix} file, got: {reason}; write it anew") from error


def _by_role(parts: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Rows of train, validation and test among splits of any names, and what was taken for what."""
    roles = {role: [name for name in parts if name.lower() in words] for role, words in SPLITS.items()}
    if twice := next((names for names in roles.values() if len(names) > 1), None):
        raise ValueError(f"{path} must hold one split for each use, got {' and '.join(twice)}; join them")
    found = {role: names[0] for role, names in roles.items() if names}
    if len(parts) == 1:
        found = {"train": next(iter(parts))}
    if "train" not in found:
        raise ValueError(f"{path} must hold a split train, got {', '.join(parts)}; rename one")
    notes = []
    if "test" not in found and "validation" in found:
        found["test"] = found.pop("validation")
        notes.append(f"the split {found['test']} is the test split: there is no split test")
    if over := [name for name in parts if name not in found.values()]:
        notes.append(f"passed over the splits {', '.join(over)}")
    return {role: parts[name] for role, name in found.items()}, tuple(notes)


def _kind(feature: Any) -> Kind:
    """What a column holds, by its type."""
    name = type(feature).__name__
    if name == "Value":
        return next((kind for kind, starts in VALUES.items() if feature.dtype.startswith(starts)), "other")
    if name in ARRAYS:
        return _if(_kind(_inner(feature)) in (*NUMBERS, "array"), "array")
    if name == "dict":  # images of files that do not say so
        return _if("bytes" in feature, "image")
    return {"Image": "image", "ClassLabel": "class"}.get(name, "other")  # type: ignore[return-value]


def _if(true: bool, kind: Kind) -> Kind:
    return kind if true else "other"


def _inner(feature: Any) -> Any:
    """What is in a list or an array."""
    if isinstance(feature, list):
        return feature[0]
    if hasattr(feature, "feature"):
        return feature.feature
    return importlib.import_module(PACKAGE).Value(feature.dtype)


def _checksum(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as handle:
        while block := handle.read(BLOCK):
            digest.update(block)
    return f"sha256:{digest.hexdigest()}"
