"""Stored networks come back bit for bit, each tensor once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Original, Ranking
from roarbench.benchmark.results import shards
from roarbench.benchmark.results.artefacts import Artefacts
from tests.methods.networks import TwoNames, convolutional, tabular


def tied(seed: int) -> nn.Module:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.BatchNorm1d(4))
    torch.manual_seed(seed)
    nn.init.normal_(network[0].weight)  # type: ignore[arg-type]
    network[2].weight = network[0].weight
    return network


def sliced(seed: int) -> nn.Module:
    """Two weights that lie in one tensor."""
    network, values = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), torch.randn(8, 4) * (seed + 1)
    network[0].weight, network[1].weight = nn.Parameter(values[:4]), nn.Parameter(values[4:])
    return network


class Versioned(nn.Linear):
    """Asks for the version of what it loads, as MNASNet does."""

    _version = 2

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *others: object) -> None:
        if local_metadata.get("version") != 2:
            raise ValueError("version should be 2")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *others)


def versioned(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(Versioned(4, 4))


BUILDERS = {
    "plain": lambda seed: tabular(seed=seed),
    "two names": lambda seed: TwoNames(convolutional(1, seed=seed)),
    "tied": tied,
    "sliced": sliced,
    "versioned": versioned,
    "strided": lambda seed: convolutional(1, seed=seed).to(memory_format=torch.channels_last),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_a_network_comes_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    artefacts = Artefacts(tmp_path)
    training = Original(plugin("digits", "dataset"), plugin("linear", "classifier"), Recipe(), 0)
    network, other = BUILDERS[name](0), BUILDERS[name](1)
    artefacts.save_network(training, network)
    artefacts.load_network(training, other)
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in network.state_dict().items())
    (file,) = tmp_path.rglob("*.safetensors")
    assert len(load_file(file)) == len({value.data_ptr() for value in network.state_dict().values()})


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    artefacts = Artefacts(tmp_path)
    training = Original(plugin("digits", "dataset"), plugin("linear", "classifier"), Recipe(), 0)
    artefacts.save_network(training, convolutional(1))
    for other in (nn.Sequential(*convolutional(1)[:-1]), nn.Sequential(*convolutional(1), nn.Linear(3, 3))):
        with pytest.raises(RuntimeError, match=r"state_dict"):
            artefacts.load_network(training, other)


def damage(file: Path, at: float) -> None:
    """Changes one bit at a share of the length of a file."""
    content = bytearray(file.read_bytes())
    content[int(at * len(content))] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("at", [0.0, 0.02, 0.5, 0.99])
def test_a_damaged_network_counts_as_absent(at: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artefacts = Artefacts(tmp_path)
    training = Original(plugin("digits", "dataset"), plugin("linear", "classifier"), Recipe(), 0)
    assert not artefacts.has_network(training)
    artefacts.save_network(training, convolutional(1))
    assert artefacts.has_network(training)
    (file,) = tmp_path.rglob("*.safetensors")
    damage(file, at)
    assert not artefacts.has_network(training)
    assert f"{file} is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["test-00000.npy", "checksums.json"])
def test_damaged_ranks_count_as_absent(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artefacts = Artefacts(tmp_path)
    training = Original(plugin("digits", "dataset"), plugin("linear", "classifier"), Recipe(), 0)
    ranking = Ranking(training, plugin("gradient", "explainer"))
    for change in (lambda file: damage(file, 0.5), lambda file: file.write_bytes(b""), Path.unlink):
        with artefacts.new_ranks(ranking) as folder:
            shards.create(folder, "test", (5, 4), np.uint8)[np.arange(5)] = np.arange(20).reshape(5, 4)
        assert artefacts.has_ranks(ranking, "test")
        (file,) = tmp_path.rglob(name)
        change(file)
        if (name, change) != ("checksums.json", Path.unlink):  # ranks that were written before have no checksums
            assert not artefacts.has_ranks(ranking, "test")
            assert "is damaged" in capsys.readouterr().err


def test_ranks_of_the_test_split_alone_are_replaced_by_those_of_all(tmp_path: Path) -> None:
    artefacts = Artefacts(tmp_path)
    training = Original(plugin("digits", "dataset"), plugin("linear", "classifier"), Recipe(), 0)
    ranking = Ranking(training, plugin("gradient", "explainer"))
    for splits, whole in ((["test"], False), (["train", "test"], True), (["test"], True)):
        with artefacts.new_ranks(ranking) as folder:
            for split in splits:
                shards.create(folder, split, (5, 4), np.uint8)[np.arange(5)] = np.arange(20).reshape(5, 4)
        assert artefacts.has_ranks(ranking, "test")
        assert artefacts.has_ranks(ranking) == whole
