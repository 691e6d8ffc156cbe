"""Facts about the published images, and the states their files can be in."""

import gzip
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from torchvision.datasets import CIFAR100, MNIST

from roarbench.datasets.vision import cifar10, cifar100, fashion_mnist, mnist

RAW = Path("MNIST/raw")


@pytest.fixture
def own_mnist(real_data: Path, tmp_path: Path) -> Path:
    """A data root of our own with the real MNIST .gz files."""
    shutil.copytree(real_data / RAW, tmp_path / RAW)
    for path in (tmp_path / RAW, *(tmp_path / RAW).iterdir()):
        path.chmod(0o755)
    return tmp_path


def unpack(raw: Path) -> None:
    for path in raw.glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()


@pytest.mark.parametrize(("load", "zeros"), [(mnist, 0.809), (fashion_mnist, 0.502)])
def test_counts_and_share_of_exact_zeros_are_the_known_ones(load, zeros: float, real_data: Path) -> None:
    dataset = load(real_data, validation=0.0)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (60_000, 0, 10_000)
    assert dataset.feature_shape == (1, 28, 28)
    assert dataset.num_classes == 10
    assert (dataset.train.inputs == 0).float().mean().item() == pytest.approx(zeros, abs=0.0005)
    assert dataset.train.inputs.max() == 1


def test_a_subset_is_stratified_and_validation_comes_out_of_it(real_data: Path) -> None:
    dataset = mnist(real_data, train=1000, test=200, validation=0.1)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (900, 100, 200)
    chosen = torch.cat([dataset.train.labels, dataset.validation.labels]).bincount()
    # LeCun's counts of the digits 0 ... 9 among the 60,000
    official = torch.tensor([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
    assert (chosen - official * 1000 / 60_000).abs().max() < 1


def test_unpacked_and_compressed_files_give_the_same_data(own_mnist: Path) -> None:
    packed = mnist(own_mnist, train=50, test=50)
    unpack(own_mnist / RAW)
    unpacked = mnist(own_mnist, train=50, test=50)
    assert packed.train.inputs.equal(unpacked.train.inputs)
    assert packed.test.labels.equal(unpacked.test.labels)
    assert set(packed.card.checksums) == {f"{name}.gz" for name in unpacked.card.checksums}


def test_reading_writes_nothing(own_mnist: Path) -> None:
    before = sorted(own_mnist.rglob("*"))
    mnist(own_mnist, train=50, test=50)
    assert sorted(own_mnist.rglob("*")) == before


@pytest.mark.parametrize("packed", [True, False])
def test_a_damaged_file_is_refused_by_name(own_mnist: Path, packed: bool) -> None:
    if not packed:
        unpack(own_mnist / RAW)
    path = own_mnist / RAW / ("t10k-labels-idx1-ubyte" + ".gz" * packed)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=rf"{path} is damaged: expected md5:\w+, found md5:\w+; delete it"):
        mnist(own_mnist)


def test_only_the_missing_file_is_asked_for(own_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    (own_mnist / RAW / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match=r"must hold train-labels-idx1-ubyte.gz \(md5:d53e\w+\); downloading failed"):
        mnist(own_mnist)


def test_cifar_has_channels_first_and_fine_labels(cifar100_root: Path) -> None:
    dataset = cifar100(cifar100_root, validation=0.0)
    batch = pickle.loads((cifar100_root / "cifar-100-python/test").read_bytes())
    assert dataset.test.labels.tolist() == batch["fine_labels"]
    # in a row of the published batches: 1,024 red values, then green, then blue, each row by row
    assert (dataset.test.inputs[3, 1, 5, 7] * 255).round() == batch["data"][3, 1024 + 5 * 32 + 7]


def test_an_incomplete_cifar_folder_is_not_used(cifar100_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CIFAR100, "url", "http://127.0.0.1:9/cifar-100-python.tar.gz")
    (cifar100_root / "cifar-100-python/test").unlink()
    with pytest.raises(ValueError, match=rf"{cifar100_root} must hold cifar-100-python.tar.gz .*downloading failed"):
        cifar100(cifar100_root)


@pytest.mark.slow
def test_cifar10_is_complete_and_balanced(cifar10_root: Path) -> None:
    dataset = cifar10(cifar10_root, validation=0.0)
    assert (len(dataset.train), len(dataset.test)) == (50_000, 10_000)
    assert dataset.train.labels.bincount().tolist() == [5000] * 10
    # per-channel means quoted everywhere for CIFAR-10: 0.4914, 0.4822, 0.4465
    assert dataset.train.inputs.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0.4914, 0.4822, 0.4465], abs=1e-4)
