"""A small cut of matplotlib's own font: PDFs embed TrueType, and subsetting the whole font takes most of their time."""

import os
from pathlib import Path

import matplotlib
from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.font_manager import fontManager

FAMILY = "DejaVu Sans Cut"
FILES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
CHARACTERS = [*range(0x20, 0x250), *range(0x370, 0x400), *range(0x2010, 0x2070), *range(0x2190, 0x2400), 0x2691]
"""Latin, Greek, punctuation, arrows and signs; what is not among them comes from the whole font."""

FAMILY_NAME, FULL_NAME, POSTSCRIPT_NAME = 1, 4, 6


def families() -> list[str]:
    """Font families for figures, the cut one first; it is made once and kept in matplotlib's folder for such things."""
    folder = Path(matplotlib.get_cachedir(), f"roarbench-{matplotlib.__version__}")
    folder.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        if not (folder / file).exists():
            _cut(Path(matplotlib.get_data_path(), "fonts", "ttf", file), folder / file)
        fontManager.addfont(folder / file)
    return [FAMILY, "DejaVu Sans", "sans-serif"]


def _cut(source: Path, target: Path) -> None:
    """Writes some characters of a font under another name, without layout tables; complete or not at all."""
    font = TTFont(source, recalcTimestamp=False)
    cutter = subset.Subsetter(subset.Options(layout_features=[], notdef_outline=True, drop_tables=["FFTM"]))
    cutter.populate(unicodes=CHARACTERS)
    cutter.subset(font)
    for record in font["name"].names:
        if record.nameID in (FAMILY_NAME, FULL_NAME):
            record.string = FAMILY
        elif record.nameID == POSTSCRIPT_NAME:
            record.string = FAMILY.replace(" ", "") + source.stem.removeprefix("DejaVuSans")
    draft = target.with_suffix(f".{os.getpid()}")
    font.save(draft)
    draft.replace(target)
