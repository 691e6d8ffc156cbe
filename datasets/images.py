"""One image file: opened whatever its format, turned as its camera says, as pixels or as a mask; or refused by name."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, UInt8

from roarbench.datasets.download import checksum

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

NOT_DECODED = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})
"""Formats that Pillow recognises but does not decode, or not without another program."""

ORIENTATION = 0x0112
"""EXIF tag: how the camera was held."""

TURNS = (
    "FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90",
)  # fmt: skip
"""What makes images of orientations 2 ... 8 upright; 1 is upright."""

LYING = 5
"""The first orientation in which height and width change places."""

GREY = ("1", "L", "LA", "La")
"""Modes of Pillow without colours."""

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"


@cache
def suffixes() -> frozenset[str]:
    """Suffixes of all formats that the installed Pillow decodes, in lower case and with their dots."""
    from PIL import Image

    registered = Image.registered_extensions()  # fills Image.OPEN as well
    return frozenset(suffix for suffix, kind in registered.items() if kind in Image.OPEN.keys() - NOT_DECODED)


def pixels(path: Path, size: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    """An upright image without its transparency, 1 channel grey or 3 RGB, resized to a square (bilinear, antialiased).

    Raises:
        ValueError: it cannot be read, or has more than 8 bits per channel.
    """
    return _pixels(path, path, size, channels)


def decoded(content: bytes, name: str, size: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    """An image that is in memory, as `pixels` gives that of a file.

    Args:
        name: for messages.
        size: 0 leaves it as large as it is.

    Raises:
        ValueError: it cannot be read, or has more than 8 bits per channel.
    """
    return _pixels(name, io.BytesIO(content), size, channels)


def form(content: bytes, name: str) -> tuple[int, int, int]:
    """Channels (1 grey, 3 others), height and width of an upright image, without decoding it.

    Args:
        name: for messages.

    Raises:
        ValueError: it cannot be read, or has more than 8 bits per channel.
    """
    from PIL import Image

    with _readable(name), Image.open(io.BytesIO(content)) as image:
        mode, (width, height), lies = image.mode, image.size, _orientation(image) >= LYING
    _check_depth(name, mode)
    return 1 if mode in GREY else 3, *((width, height) if lies else (height, width))


def mask(path: Path, size: int) -> Bool[np.ndarray, "1 h w"]:
    """Where an upright image is not black, whatever its transparency, in a square of nearest neighbours.

    Raises:
        ValueError: it cannot be read, or has more than 8 bits per channel.
    """
    from PIL import Image

    upright = _opened(path, path)
    with _readable(path):
        square = np.array(upright.convert("RGB").resize((size, size), Image.Resampling.NEAREST))
    return np.any(square, axis=2)[None]


def fingerprint(path: Path, *, look: bool) -> str:
    """Checksum of an image file.

    Args:
        look: whether to decode it now, to find out if that works.

    Raises:
        ValueError: it cannot be read, or has more than 8 bits per channel.
    """
    from PIL import Image

    with _readable(path):
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            mode = image.mode
            if look:
                _decode(image, content)
    _check_depth(path, mode)
    return checksum(content)


def _pixels(name: Path | str, file: Path | io.BytesIO, size: int, channels: int) -> UInt8[np.ndarray, "c h w"]:
    from PIL import Image

    upright = _opened(name, file)
    with _readable(name):
        converted = upright.convert("L" if channels == 1 else "RGB")
        resized = converted.resize((size, size), Image.Resampling.BILINEAR) if size else converted
        pixels = np.array(resized)
    return pixels.reshape(*pixels.shape[:2], channels).transpose(2, 0, 1)


def _opened(name: Path | str, file: Path | io.BytesIO) -> "Picture":
    """The decoded image, turned as viewers turn it, once it is known to have 8 bits per channel."""
    from PIL import Image

    with _readable(name), Image.open(file) as image:
        upright = _upright(image)
    _check_depth(name, upright.mode)
    return upright


def _upright(image: "Picture") -> "Picture":
    """The decoded image, turned as viewers turn it."""
    from PIL import Image

    image.load()  # TIFF is turned on the way, and says so
    orientation = _orientation(image)
    return image if orientation == 1 else image.transpose(Image.Transpose[TURNS[orientation - 2]])


def _orientation(image: "Picture") -> int:
    """1 ... 8 as the image says; 1 where it says nothing of use."""
    try:
        orientation = image.getexif().get(ORIENTATION)
    except Exception:  # in broken metadata Pillow raises whatever it meets; viewers ignore them
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _decode(image: "Picture", content: bytes) -> None:
    """Finds out whether an image can be decoded, from its checksums or its end where that settles it.

    Decoding all images would take as long as an epoch.
    """
    if image.format == "PNG":
        image.verify()
    elif not (content.startswith(JPEG_START) and content[-64:].rstrip(b"\0").endswith(JPEG_END)):
        image.draft("L", (1, 1))  # of a JPEG an eighth of each side
        image.load()


def _check_depth(name: Path | str, mode: str) -> None:
    # Pillow clips 16-bit and float images at 255 when it converts them: white pictures without a word.
    if mode.startswith(("I", "F")):
        raise ValueError(f"{name} must have 8 bits per channel, got mode {mode}; convert it to 8 bits")


@contextmanager
def _readable(name: Path | str) -> Iterator[None]:
    """Names the file in whatever goes wrong with it; warnings are of metadata, or of sizes that are no error yet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # decoders raise whatever they meet in a broken file
        reason = _reason(Path(name), error)
        raise ValueError(f"{name} must be a readable image, got: {reason}; replace or remove it") from error


def _reason(path: Path, error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if path.is_symlink() and not path.exists():
        return f"a link to {path.readlink()}, which is not there"
    if path.is_file() and not path.stat().st_size:
        return "an empty file"
    if isinstance(error, UnidentifiedImageError):
        return "a file of no image format"
    return " ".join(str(error).split()) or type(error).__name__
