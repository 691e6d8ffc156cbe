"""Several runs of one protocol become one: their cells side by side, in a folder of its own."""

import copy
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from roarbench.benchmark.matrix.spec import digest
from roarbench.benchmark.results.store import FILE, SEEDS, Row, Store

AXES = (
    "datasets", "classifiers", "explainers", "fractions", "orders", "fills", "retrain", "unretrained_fills",
    "mask_fractions", "recursive", "measures",
)  # fmt: skip
"""Fields of a matrix in which runs of one protocol may differ: the merged one has all values of all."""

NAMED_AXES = ("datasets", "classifiers", "explainers")
"""Axes whose plug-ins may have files of the user's."""

GALLERY = "gallery"


def merge(folders: Sequence[Path], out: Path) -> None:
    """Writes a store with every cell of several runs; they stay as they are.

    A cell that is finished in one run and not in another is taken from where it is finished. Weights stay behind.

    Raises:
        ValueError: fewer than two runs, a folder without one or that is there already, runs of different protocols,
            data or code, or a cell with two different results.
    """
    if len(folders) < 2:
        raise ValueError(f"merge needs at least two runs, got {len(folders)}; name their folders")
    if (out / FILE).exists():
        raise ValueError(f"{out} holds a run already; choose another folder with --out")
    stores = {folder: Store(folder) for folder in folders}
    rows_by_folder = {folder: store.rows() for folder, store in stores.items()}
    names = _first_names(row for rows in rows_by_folder.values() for row in rows)
    rows = union({folder: [_renamed(row, names) for row in rows] for folder, rows in rows_by_folder.items()})
    matrix = joined({folder: _renamed_axes(store.matrix(), names) for folder, store in stores.items()})
    data = _same_data({folder: store.data() for folder, store in stores.items()})
    new = Store(out, create=True)
    new.fill(matrix, rows)
    for dataset, files in data.items():
        new.check_data(dataset, files)
    for folder, store in stores.items():
        for kind in ("explainer", "fill", "measure", "dataset"):
            new.describe(kind, store.cards(kind))
        if (folder / GALLERY).is_dir():
            shutil.copytree(folder / GALLERY, out / GALLERY, dirs_exist_ok=True)
        store.close()
    new.close()


def joined(matrices: Mapping[Path, dict]) -> dict:
    """The matrix of all runs: every value of every axis, and the most seeds.

    Raises:
        ValueError: they differ in anything else.
    """
    (first, one), *others = matrices.items()
    for folder, other in others:
        differing = [name for name in _flat(one) if name not in SEEDS and _flat(one)[name] != _flat(other).get(name)]
        if differing:
            name = differing[0]
            raise ValueError(
                f"merge needs runs of one protocol: {first} and {folder} differ in {name}, {_flat(one)[name]!r} and "
                f"{_flat(other).get(name)!r}; report them apart, or side by side with --compare"
            )
    axes = {axis: list(dict.fromkeys(value for m in matrices.values() for value in m[axis])) for axis in AXES}
    return one | axes | {"seeds": max(m["seeds"] for m in matrices.values())}


def union(runs: Mapping[Path, Sequence[Row]]) -> list[Row]:
    """Every cell once, the finished ones before those that are not.

    Raises:
        ValueError: a cell has two different results, or two versions of a plug-in made what is called the same.
    """
    best: dict[str, tuple[Path, Row]] = {}
    keys: dict[str, tuple[Path, str]] = {}
    for folder, rows in runs.items():
        for row in rows:
            other, first_key = keys.setdefault(str(_named(row.specification)), (folder, row.key))
            if first_key != row.key:
                raise ValueError(
                    f"merge needs results of the same code: {other} and {folder} have different versions of "
                    f"{_short(row)}; measure it again in one of them"
                )
            best[row.key] = (folder, _better(best.get(row.key), folder, row))
    return [row for _, row in best.values()]


def _better(best: tuple[Path, Row] | None, folder: Path, row: Row) -> Row:
    """The more finished of two rows of one cell."""
    if best is None or best[1].outcome is None or best[1].outcome.status != "done":
        return row if best is None or row.outcome is not None else best[1]
    if row.outcome and row.outcome.status == "done" and row.outcome.metrics != best[1].outcome.metrics:
        raise ValueError(
            f"merge cannot tell which result is right: {best[0]} and {folder} differ in {_short(row)}; "
            "see by how much with --compare"
        )
    return best[1]


def _same_data(stores: Mapping[Path, dict[str, dict[str, str]]]) -> dict[str, dict[str, str]]:
    checksums: dict[str, dict[str, str]] = {}
    for folder, datasets in stores.items():
        for dataset, files in datasets.items():
            dataset_checksums = checksums.setdefault(dataset, {})
            differences = [
                file for file, checksum in files.items() if dataset_checksums.get(file, checksum) != checksum
            ]
            if differences:
                raise ValueError(
                    f"merge needs runs on the same data and code: {differences[0]} of {dataset} is another in {folder}"
                )
            dataset_checksums |= files
    return checksums


def _first_names(rows: Iterable[Row]) -> dict[str, str]:
    """Plug-in as written -> as it was written first: a data set lies at another path on another machine."""
    first: dict[str, str] = {}
    plugins = (plugin for row in rows for plugin in _plugins(row.specification))
    return {plugin["text"]: first.setdefault(digest(plugin), plugin["text"]) for plugin in plugins}


def _plugins(value: object) -> Iterator[dict]:
    """All plug-ins in a specification."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and "text" in value:
        yield value
    for part in parts:
        yield from _plugins(part)


def _renamed(row: Row, names: Mapping[str, str]) -> Row:
    """The row with its plug-ins called as in all other runs."""
    specification = copy.deepcopy(row.specification)
    for plugin in _plugins(specification):
        plugin["text"] = names[plugin["text"]]
    return replace(row, specification=specification)


def _renamed_axes(matrix: dict, names: Mapping[str, str]) -> dict:
    axes = {axis: [names.get(text, text) for text in matrix[axis]] for axis in NAMED_AXES}
    return matrix | {axis: list(dict.fromkeys(texts)) for axis, texts in axes.items()}


def _flat(matrix: dict, prefix: str = "") -> dict[str, object]:
    """Fields that must agree, nested ones by dotted names."""
    fields: dict[str, object] = {}
    for name, value in matrix.items():
        if isinstance(value, dict):
            fields |= _flat(value, f"{prefix}{name}.")
        elif name not in AXES:
            fields[prefix + name] = value
    return fields


def _named(value: object) -> object:
    """A specification with plug-ins as they are written, whatever their version."""
    if isinstance(value, dict):
        return value["text"] if "text" in value else {name: _named(part) for name, part in value.items()}
    return value


def _short(row: Row) -> str:
    training, ranking = row.specification["training"], row.specification["ranking"]
    of = f"{ranking['explainer']['text']} on " if ranking else ""
    t, seed = row.specification["removal_fraction"], training["seed"]
    return f"{of}{training['dataset']['text']}, {training['classifier']['text']}, t = {t:g}, seed {seed}"
