"""MNIST, Fashion-MNIST and CIFAR in the folder layout of torchvision; read in place, so data_root may be read-only."""

import gzip
import io
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from roarbench.datasets.base import Card, Dataset
from roarbench.datasets.download import Remote, checksum, download, read_verified
from roarbench.datasets.split import Amounts, Examples, partition

MNIST_CARD = Card(
    title="MNIST",
    source="https://ossci-datasets.s3.amazonaws.com/mnist/",
    licence="CC BY-SA 3.0",
    reference="LeCun, Bottou, Bengio and Haffner 1998, doi:10.1109/5.726791",
)
FASHION_MNIST_CARD = Card(
    title="Fashion-MNIST",
    source="https://github.com/zalandoresearch/fashion-mnist",
    licence="MIT",
    reference="Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747",
)
CIFAR_REFERENCE = "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images"
CIFAR_SOURCE = "https://www.cs.toronto.edu/~kriz/cifar.html"
CIFAR_LICENCE = "none stated; its authors ask to cite the report"
CIFAR10_CARD = Card("CIFAR-10", CIFAR_SOURCE, CIFAR_LICENCE, CIFAR_REFERENCE)
CIFAR100_CARD = Card("CIFAR-100", CIFAR_SOURCE, CIFAR_LICENCE, CIFAR_REFERENCE)

FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CLASSES10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
WORDS100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
wardrobe whale willow_tree wolf woman worm
"""
CLASSES100 = tuple(WORDS100.split())
"""Names of classes, as the authors of the data give them."""

# torchvision publishes the MD5 of the .gz files only; these are what the verified files unpack to.
UNPACKED = {
    "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873": "md5:6bbc9ace898e44ae57da46a324031adb",
    "md5:d53e105ee54ea40749a09fcbcd1e9432": "md5:a25bea736e30d166cdddb491f175f624",
    "md5:9fb629c4189551a2d022fa330f9573f3": "md5:2646ac647ad5339dbf082846283269ea",
    "md5:ec29112dd5afa0611ce80d1b7f02629c": "md5:27ae3e4e09519cfbb04c329615203637",
    "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d": "md5:f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "md5:25c81989df183df01b3e8a0aad5dffbe": "md5:9018921c3c673c538a1fc5bad174d6f9",
    "md5:bef4ecab320f06d8554ea6380940ec79": "md5:8181f5470baa50b63fa0f6fddb340f0a",
    "md5:bb300cfdad3c16e7a12a480ee83cd310": "md5:15d484375f8d13e6eb1aabb0c3f46965",
}

Files = dict[str, bytes]
Checksums = dict[str, str]


def mnist(
    data_root: Path, *, train: int | None = None, test: int | None = None, validation: float = 0.1, seed: int = 0
) -> Dataset:
    """MNIST: 28x28 grey images of handwritten digits, 10 classes, 60,000 to train and 10,000 to test.

    `train` and `test` take seeded stratified subsets of the official splits; `validation` is the share carved from
    the chosen train examples. Read from `MNIST/raw/*-ubyte` with or without .gz, downloaded when missing.
    """
    return _mnist_like("MNIST", data_root, Amounts(train, test, validation, seed), MNIST_CARD)


def fashion_mnist(
    data_root: Path, *, train: int | None = None, test: int | None = None, validation: float = 0.1, seed: int = 0
) -> Dataset:
    """Fashion-MNIST: 28x28 grey images of clothes, 10 classes, 60,000 to train and 10,000 to test.

    Parameters as for `mnist`. Read from `FashionMNIST/raw/*-ubyte` with or without .gz, downloaded when missing.
    """
    return _mnist_like("FashionMNIST", data_root, Amounts(train, test, validation, seed), FASHION_MNIST_CARD, FASHION)


def cifar10(
    data_root: Path, *, train: int | None = None, test: int | None = None, validation: float = 0.1, seed: int = 0
) -> Dataset:
    """CIFAR-10: 32x32 colour photographs, 10 classes, 50,000 to train and 10,000 to test.

    Parameters as for `mnist`. Read from `cifar-10-batches-py/` or `cifar-10-python.tar.gz`, downloaded when missing.
    """
    return _cifar_like("CIFAR10", data_root, Amounts(train, test, validation, seed), CIFAR10_CARD, CLASSES10)


def cifar100(
    data_root: Path, *, train: int | None = None, test: int | None = None, validation: float = 0.1, seed: int = 0
) -> Dataset:
    """CIFAR-100: 32x32 colour photographs, 100 fine classes, 50,000 to train and 10,000 to test.

    Parameters as for `mnist`. Read from `cifar-100-python/` or `cifar-100-python.tar.gz`, downloaded when missing.
    """
    return _cifar_like("CIFAR100", data_root, Amounts(train, test, validation, seed), CIFAR100_CARD, CLASSES100)


def _mnist_like(family: str, data_root: Path, amounts: Amounts, card: Card, names: tuple[str, ...] = ()) -> Dataset:
    files, checksums = _idx_files(family, data_root)
    train, test = (
        Examples(_idx(files[f"{part}-images-idx3-ubyte"])[:, None], _idx(files[f"{part}-labels-idx1-ubyte"]))
        for part in ("train", "t10k")
    )
    card = replace(card, checksums=checksums)
    return Dataset(*partition(train, test, amounts), 10, card, class_names=names)


def _idx_files(family: str, data_root: Path) -> tuple[Files, Checksums]:
    """The four verified files, unpacked, by name without .gz; and the checksums of the files that were read."""
    from torchvision import datasets as published

    source = getattr(published, family)
    remotes = [
        Remote(f"{family}/raw/{name}", f"md5:{md5}", tuple(mirror + name for mirror in source.mirrors))
        for name, md5 in source.resources
    ]
    missing = [r for r in remotes if not (_exists(data_root, r.path) or _exists(data_root, r.path.removesuffix(".gz")))]
    if missing:
        download(missing, data_root)
    files, checksums = {}, {}
    for remote in remotes:
        packed = data_root / remote.path
        if packed.exists():
            files[packed.stem] = gzip.decompress(read_verified(packed, remote.checksum))
            checksums[packed.name] = remote.checksum
        else:
            checksums[packed.stem] = UNPACKED[remote.checksum]
            files[packed.stem] = read_verified(packed.with_suffix(""), checksums[packed.stem])
    return files, checksums


def _idx(data: bytes) -> UInt8[np.ndarray, "n *feature"]:
    """An IDX array of bytes: two zero bytes, the type, the number of axes, their big-endian lengths, the values."""
    num_axes = data[3]
    shape = np.frombuffer(data, ">i4", count=num_axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * num_axes).reshape(shape)


def _cifar_like(family: str, data_root: Path, amounts: Amounts, card: Card, names: tuple[str, ...]) -> Dataset:
    from torchvision import datasets as published

    source = getattr(published, family)
    files, checksums = _batches(source, data_root)
    train, test = (_examples([files[name] for name, _ in part]) for part in (source.train_list, source.test_list))
    card = replace(card, checksums=checksums)
    return Dataset(*partition(train, test, amounts), len(names), card, class_names=names)


def _batches(source: Any, data_root: Path) -> tuple[Files, Checksums]:
    """The verified batches by name, from the unpacked folder if it is whole, else from the archive."""
    checksums = {name: f"md5:{md5}" for name, md5 in source.train_list + source.test_list}
    if all(_exists(data_root, f"{source.base_folder}/{name}") for name in checksums):
        folder = data_root / source.base_folder
        return {name: read_verified(folder / name, checksums[name]) for name in checksums}, checksums
    archive = Remote(source.filename, f"md5:{source.tgz_md5}", (source.url,))
    if not _exists(data_root, archive.path):
        download([archive], data_root)
    data = read_verified(data_root / archive.path, archive.checksum)
    return _members(data, source.base_folder, list(checksums)), {archive.path: checksum(data, algorithm="md5")}


def _members(archive: bytes, folder: str, names: list[str]) -> Files:
    """Files of one folder of a .tar.gz, read in memory: nothing is unpacked to disk."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        targets = {f"{folder}/{name}": name for name in names}
        members = [member for member in tar if member.name in targets]
        return {targets[member.name]: content.read() for member in members if (content := tar.extractfile(member))}


def _examples(batches: list[bytes]) -> Examples:
    # Unpickling runs code: only bytes that passed a published checksum reach this line.
    entries = [pickle.loads(batch, encoding="latin1") for batch in batches]
    inputs = np.concatenate([entry["data"] for entry in entries]).reshape(-1, 3, 32, 32)
    key = "fine_labels" if "fine_labels" in entries[0] else "labels"
    return Examples(inputs, np.concatenate([entry[key] for entry in entries]))


def _exists(data_root: Path, path: str) -> bool:
    return (data_root / path).exists()
