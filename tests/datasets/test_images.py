"""One image file: turned as its camera says, whatever its format, or refused by name before any work."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from roarbench.datasets.images import fingerprint, mask, pixels, suffixes

TRUNCATED = [
    (kind, share)
    for kind in ("JPEG", "MPO", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA")
    for share in (0.1, 0.5, 0.95)
]
NOISE = np.random.default_rng(0).integers(0, 256, (40, 24, 3), dtype=np.uint8)


def saved(kind: str, **options: object) -> bytes:
    """A noisy image of 24x40 pixels as a file of some format."""
    buffer = io.BytesIO()
    Image.fromarray(NOISE).save(buffer, kind, **options)
    return buffer.getvalue()


def turned(path: Path, orientation: int) -> Path:
    """A file whose camera was held in one of eight ways."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(NOISE).save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_viewers_turn_it(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = turned(tmp_path / f"0.{suffix}", orientation)
    with Image.open(path) as image:
        shown = ImageOps.exif_transpose(image).resize((16, 16), Image.Resampling.BILINEAR)
    assert np.array_equal(pixels(path, 16, 3).transpose(1, 2, 0), np.array(shown))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_is_turned_as_its_image_is(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    values = np.zeros((8, 16), dtype=np.uint8)
    values[:2, :4] = 1
    Image.fromarray(values).save(tmp_path / "0.png", exif=exif)
    with Image.open(tmp_path / "0.png") as image:
        shown = np.array(ImageOps.exif_transpose(image).resize((8, 8), Image.Resampling.NEAREST))
    assert np.array_equal(mask(tmp_path / "0.png", 8)[0], shown > 0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_whatever_is_not_black_is_masked_whatever_the_mode(tmp_path: Path, mode: str) -> None:
    values = np.zeros((4, 4, 3), dtype=np.uint8)
    values[1, 2] = 255
    Image.fromarray(values).convert(mode).save(tmp_path / "0.png")
    assert np.array_equal(mask(tmp_path / "0.png", 4)[0], values[:, :, 0] > 0)


def test_a_mask_has_no_values_between(tmp_path: Path) -> None:
    """The darkest blue counts, and enlarged pixels are squares."""
    values = np.zeros((3, 3, 3), dtype=np.uint8)
    values[1, 1, 2] = 1
    Image.fromarray(values).save(tmp_path / "0.png")
    assert np.array_equal(mask(tmp_path / "0.png", 9)[0], np.kron(values[:, :, 2], np.ones((3, 3))) > 0)


def test_broken_metadata_do_not_matter(tmp_path: Path) -> None:
    whole, broken = tmp_path / "a.jpg", tmp_path / "b.jpg"
    whole.write_bytes(saved("JPEG"))
    broken.write_bytes(saved("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff broken"))
    assert np.array_equal(pixels(whole, 8, 3), pixels(broken, 8, 3))
    fingerprint(broken, look=True)


def test_suffixes_are_those_that_pillow_decodes() -> None:
    assert {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp", ".jfif"} <= suffixes()
    assert not {".pdf", ".mpg", ".h5", ".eps", ".txt"} & suffixes()


@pytest.mark.parametrize(("kind", "share"), TRUNCATED)
def test_what_cannot_be_decoded_is_found_at_the_start(tmp_path: Path, kind: str, share: float) -> None:
    content = saved(kind)
    path = tmp_path / "half.image"
    path.write_bytes(content[: int(len(content) * share)])
    said = []
    for read in (lambda: pixels(path, 8, 3), lambda: fingerprint(path, look=True)):
        with pytest.raises(
            ValueError, match=f"{path} must be a readable image, got: [^<]*; replace or remove it"
        ) as caught:
            read()
        said.append(str(caught.value))
    assert "\n" not in "".join(said)


def test_a_jpeg_that_is_followed_by_other_bytes_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "0.jpg"
    path.write_bytes(saved("JPEG") + b"maker's notes")
    assert fingerprint(path, look=True) == fingerprint(path, look=False)


@pytest.mark.parametrize("look", [True, False])
def test_a_broken_link_says_where_it_leads(tmp_path: Path, look: bool) -> None:
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    for read in (lambda path: pixels(path, 8, 3), lambda path: fingerprint(path, look=look)):
        with pytest.raises(ValueError, match=r"gone\.png must be a readable image, got: a link to nowhere"):
            read(tmp_path / "gone.png")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "an empty file"), (b"<html>404</html>", "a file of no image format")]
)
def test_a_file_that_is_no_image_says_what_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "0.jpg"
    path.write_bytes(content)
    for read in (lambda: pixels(path, 8, 3), lambda: fingerprint(path, look=True)):
        with pytest.raises(ValueError, match=f"0.jpg must be a readable image, got: {said}; replace"):
            read()


def test_a_large_image_is_read_without_a_warning_and_a_bomb_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "0.png"
    path.write_bytes(saved("PNG"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 24 * 40 - 1)
    assert pixels(path, 8, 3).shape == (3, 8, 8)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 24 * 40 // 2 - 1)
    with pytest.raises(ValueError, match=r"0.png must be a readable image, got: Image size \(960 pixels\) exceeds"):
        pixels(path, 8, 3)
