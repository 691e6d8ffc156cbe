"""Ground truth beside a folder of images: which file is the mask of which image."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from roarbench.datasets.images import suffixes
from roarbench.datasets.listing import Listing, files

FOLDER = "masks"
"""Where masks lie, beside the folders of the splits and in the same order as the images in these."""


@dataclass(frozen=True)
class Masks:
    """The masks of a folder.

    Attributes:
        paths: split -> mask of each of its images, in their order; without the splits that have no folder of masks.
        notes: lines on what was passed over.
    """

    paths: dict[str, list[Path]]
    notes: tuple[str, ...] = ()


def masks(root: Path, images: Listing) -> Masks:
    """The masks below ROOT/masks/<split>/<class>/, each of the name of its image, with any suffix.

    Raises:
        ValueError: a split that has a folder of masks lacks one, or has two for one image.
    """
    top = root / FOLDER
    paths, notes = {}, []
    for split, folder in images.folders.items():
        if (top / folder.name).is_dir():
            paths[split], unused = _of_split(top / folder.name, folder, images.images[split])
            notes += [f"passed over masks of no image in {FOLDER}/{folder.name}: {unused}"] if unused else []
    if top.is_dir() and not paths:
        names = ", ".join(folder.name for folder in images.folders.values())
        notes.append(f"passed over the folder {FOLDER}: it holds none of the folders {names}")
    return Masks(paths, tuple(notes))


def _of_split(top: Path, folder: Path, images: Sequence[Sequence[Path]]) -> tuple[list[Path], int]:
    """The mask of every image, and how many masks belong to none."""
    there = _by_name(top, (path for path in files(top) if _is_image(path)))
    wanted = _by_name(folder, (path for members in images for path in members))
    paths = []
    for name, (image, *twins) in wanted.items():
        if name not in there:
            raise ValueError(
                f"{top} must hold a mask of every image of {folder}, found none for {image.relative_to(folder)}; add "
                f"one, black where nothing is relevant, or remove {top}"
            )
        first, *others = there.pop(name)
        if twins or others:
            two = [image, *twins] if twins else [first, *others]
            kind, remedy = ("image", "rename one") if twins else ("mask", "remove one")
            raise ValueError(f"{two[0]} must be the only {kind} of its name, got {two[1].name} beside it; {remedy}")
        paths.append(first)
    return paths, sum(map(len, there.values()))


def _is_image(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix.lower() in suffixes()


def _by_name(folder: Path, paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Path below a folder, without its suffix -> all files of that name, in order."""
    found: dict[Path, list[Path]] = {}
    for path in paths:
        found.setdefault(path.relative_to(folder).with_suffix(""), []).append(path)
    return found
