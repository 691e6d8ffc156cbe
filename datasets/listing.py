"""Which files of a folder are the images of which class and split, and what else lies there."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from roarbench.datasets.images import suffixes

VALIDATION = ("val", "valid", "validation")
"""Names of a folder of validation images; where there is no folder test, it is the test split."""


@dataclass(frozen=True)
class Listing:
    """The images of a folder.

    Attributes:
        folders: "train", "test" and, where there is one beside them, "validation" -> folder of the split.
        classes: sorted names.
        images: split -> images of each class, in the order of their paths.
        passed_over: why -> number of files that are no images of a class.
    """

    folders: dict[str, Path]
    classes: list[str]
    images: dict[str, list[list[Path]]]
    passed_over: Counter[str] = field(default_factory=Counter)

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines on what was taken for what, and what was passed over."""
        notes = []
        if self.folders["test"].name != "test":
            notes.append(f"the folder {self.folders['test'].name} is the test split: there is no folder test")
        if "validation" in self.folders:
            name = self.folders["validation"].name
            notes.append(f"the folder {name} is the validation split: the parameter validation is not used")
        if self.passed_over:
            files = "1 file" if self.passed_over.total() == 1 else f"{self.passed_over.total()} files"
            notes.append(f"passed over {files}: {_counted(self.passed_over)}")
        return tuple(notes)


def listing(root: Path) -> Listing:
    """The images below ROOT/<split>/<class>/, also in subfolders of a class; nothing hidden.

    Raises:
        ValueError: a split is missing, a class is empty or in one split only.
    """
    folders = _folders(root)
    passed_over: Counter[str] = Counter()
    classes = _classes(root, {split: _class_names(folder, passed_over) for split, folder in folders.items()})
    images = {split: [_images(folder / name, passed_over) for name in classes] for split, folder in folders.items()}
    return Listing(folders, classes, images, passed_over)


def _folders(root: Path) -> dict[str, Path]:
    candidates = [root / name for name in VALIDATION if (root / name).is_dir()]
    if len(candidates) > 1:
        names = " and ".join(folder.name for folder in candidates)
        raise ValueError(f"root must hold one folder of validation images, got {names} in {root}; join them")
    test = root / "test"
    if candidates and not test.is_dir():
        folders = {"train": root / "train", "test": candidates[0]}
    else:
        folders = {"train": root / "train"} | ({"validation": candidates[0]} if candidates else {}) | {"test": test}
    for folder in folders.values():
        if not folder.is_dir():
            there = ", ".join(sorted(entry.name for entry in root.iterdir())[:10]) if root.is_dir() else ""
            raise ValueError(
                f"root must hold the folders train and test, found no {folder.absolute()}; check root={root}, which "
                f"holds {there or 'nothing'}"
            )
    return folders


def _class_names(folder: Path, passed_over: Counter[str]) -> set[str]:
    """Names of the folders in the folder of a split."""
    names = set()
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            passed_over["hidden"] += 1
        elif entry.is_dir():
            names.add(entry.name)
        else:
            passed_over["outside the folders of the classes"] += 1
    return names


def _classes(root: Path, names: dict[str, set[str]]) -> list[str]:
    """Sorted names of the classes, which are those of all splits."""
    splits = " and ".join(names)
    everywhere, anywhere = set.intersection(*names.values()), set.union(*names.values())
    if not anywhere:
        raise ValueError(f"root must hold a folder for each class in {splits}, found none in {root}; sort the images")
    if everywhere != anywhere:
        raise ValueError(
            f"root must hold the same class folders in {splits}, got {sorted(anywhere - everywhere)} in only "
            f"{'one' if len(names) == 2 else 'some'} of them in {root}; add or remove them"
        )
    return sorted(everywhere)


def _images(folder: Path, passed_over: Counter[str]) -> list[Path]:
    """The images of a class, in the order of their paths."""
    images, others = [], Counter[str]()
    for path in files(folder):
        if path.name.startswith("."):
            others["hidden"] += 1
        elif path.suffix.lower() in suffixes():
            images.append(path)
        else:
            others[path.suffix.lower() or "without a suffix"] += 1
    if not images:
        besides = f" but {_counted(others)}" if others else ""
        raise ValueError(f"every class folder must hold images, found none in {folder}{besides}; add some")
    passed_over.update(others)
    return sorted(images)


def files(folder: Path) -> Iterator[Path]:
    """Files in a folder and all folders below it but hidden ones, of which it gives the paths alone."""
    real_paths = set()
    for place, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        if os.path.realpath(place) in real_paths:  # a link back
            folders.clear()
            continue
        real_paths.add(os.path.realpath(place))
        hidden = [name for name in folders if name.startswith(".")]
        folders[:] = [name for name in folders if name not in hidden]
        yield from (Path(place, name) for name in files + hidden)


def _raise(error: OSError) -> None:
    raise error


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
