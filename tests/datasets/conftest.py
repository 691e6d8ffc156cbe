"""Small files in the formats the data sets read."""

import hashlib
import io
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR100

from tests.conftest import REAL_DATA, hugging_face
from tests.dummies import striped


@pytest.fixture
def cifar100_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with CIFAR-100 in miniature: 400 train and 200 test images; torchvision's MD5 lists made to fit."""
    generator = np.random.default_rng(0)
    for name, per_class, listing in (("train", 4, "train_list"), ("test", 2, "test_list")):
        labels = generator.permutation(np.repeat(np.arange(100), per_class))
        pixels = generator.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
        batch = pickle.dumps({"data": pixels, "fine_labels": labels.tolist(), "coarse_labels": [0] * len(labels)})
        path = tmp_path / CIFAR100.base_folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(batch)
        monkeypatch.setattr(CIFAR100, listing, [[name, hashlib.md5(batch).hexdigest()]])
    return tmp_path


@pytest.fixture(scope="session")
def cifar10_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the real CIFAR-10 batches, unpacked from the shared image sheets in some seconds."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"real data sets are not at {REAL_DATA}")
    root = tmp_path_factory.mktemp("data")
    subprocess.run([sys.executable, REAL_DATA / "unpack.py", root], check=True, capture_output=True)
    return root


@pytest.fixture
def images_root(tmp_path: Path) -> Path:
    """An image folder: classes ant and bee, 10 train and 2 test images each, of several formats and sizes."""
    generator = np.random.default_rng(0)
    for part, count in (("train", 10), ("test", 2)):
        for name in ("bee", "ant"):
            folder = tmp_path / "images" / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = generator.integers(0, 256, (9 + i, 12, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}{('.png', '.JPG', '.jpeg', '.BMP')[i % 4]}")
    return tmp_path / "images"


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    """Arrays of 40 train and 20 test grey images of 6x5 pixels in two classes, as uint8."""
    generator = np.random.default_rng(0)
    path = tmp_path / "own.npz"
    x_train, x_test = (generator.integers(0, 256, (n, 6, 5), dtype=np.uint8) for n in (40, 20))
    np.savez(path, x_train=x_train, y_train=np.arange(40) % 2, x_test=x_test, y_test=np.arange(20) % 2)
    return path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder of `save_to_disk`: 300 train and 100 test grey images of 8x8 pixels in three named classes."""
    hf = hugging_face()
    generator = np.random.default_rng(0)
    features = hf.Features({"image": hf.Image(), "label": hf.ClassLabel(names=["ant", "bee", "cat"])})
    parts = {}
    for name, count in (("train", 300), ("test", 100)):
        images = [png(generator.integers(0, 256, (8, 8), dtype=np.uint8)) for _ in range(count)]
        rows = {"image": [{"bytes": image} for image in images], "label": [i % 3 for i in range(count)]}
        parts[name] = hf.Dataset.from_dict(rows, features)
    hf.disable_progress_bars()
    hf.DatasetDict(parts).save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


def png(pixels: np.ndarray) -> bytes:
    """The file of an image."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


@pytest.fixture
def maker() -> Callable[..., object]:
    """A function that returns torch data sets."""
    return striped
