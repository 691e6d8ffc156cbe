"""Networks that were trained elsewhere: their weights, what is wrong with files, and who retrains them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from roarbench.benchmark.execution import networks, session
from roarbench.benchmark.execution.runner import retrained
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Original
from roarbench.benchmark.networks.brought import state_of
from roarbench.benchmark.networks.contract import rehearse_training
from roarbench.benchmark.results.store import Store
from roarbench.datasets.base import Split

MINE = '''
import math

import torch
from torch import nn


def net(feature_shape, num_classes, *, width: int = 4):
    size = math.prod(feature_shape)
    return nn.Sequential(nn.Flatten(), nn.Linear(size, width), nn.ReLU(), nn.Linear(width, num_classes))


def frozen(feature_shape, num_classes):
    network = net(feature_shape, num_classes)
    network.load_state_dict(torch.load("net.pt", weights_only=True))
    return network


def constant(network, split, seed):
    """Leaves a network that always answers its seed."""
    last = network[1][-1][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.eye(len(last.bias))[seed])
'''
DATA = "blocks[train=60,test=40]"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """A network whose weights are in net.pt, built by brought_mine:net."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("brought_mine.py").write_text(MINE)
    network = nn.Sequential(nn.Flatten(), nn.Linear(128, 4), nn.ReLU(), nn.Linear(4, 10))
    torch.save(network.state_dict(), "net.pt")
    return network


def original(text: str) -> Original:
    return Original(plugin(DATA, "dataset"), plugin(text, "classifier"), Recipe(epochs=1, batch_size=32), seed=1)


def test_logits_are_those_of_the_network_that_was_brought(mine: nn.Module, tmp_path: Path) -> None:
    text = "trained[build=brought_mine:net,weights=net.pt,mean=0.25,std=0.5]"
    network, data = networks.trained_original(original(text), Workplace(tmp_path, tmp_path, "cpu"))
    with torch.no_grad():
        assert torch.equal(network(data.test.inputs), mine((data.test.inputs - 0.25) / 0.5))


@pytest.mark.parametrize("form", ["safetensors", "nested", "parallel"])
def test_weights_as_people_store_them(mine: nn.Module, form: str) -> None:
    state, path = mine.state_dict(), Path("other.pt")
    if form == "safetensors":
        path = Path("other.safetensors")
        save_file(state, path)
    elif form == "nested":
        torch.save({"epoch": 3, "state_dict": state}, path)
    else:
        torch.save({f"module.{name}": value for name, value in state.items()}, path)
    found = state_of(path)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


@pytest.mark.parametrize(
    ("build", "content", "said"),
    [
        ("brought_mine:net", None, "weights must be a file, got other.pt, which is not there"),
        ("brought_mine:net", b"no weights", "weights other.pt cannot be read"),
        ("brought_mine:net", nn.Linear(1, 1), "weights other.pt hold pickled code, which is never run"),
        ("brought_mine:net", {}, "weights other.pt must hold a state dict, names and tensors, got dict"),
        ("brought_mine:net[width=5]", "own", "they have another shape of 1.weight, 1.bias, 3.weight"),
        ("mlp", "own", "they lack 5.weight, 5.bias; they have another shape of 1.weight, 1.bias, 3.weight and 1 more"),
    ],
)
def test_what_is_wrong_with_weights_is_one_line(
    mine: nn.Module, tmp_path: Path, build: str, content: object, said: str
) -> None:
    if isinstance(content, bytes):
        Path("other.pt").write_bytes(content)
    elif content is not None:
        torch.save(mine.state_dict() if content == "own" else content, "other.pt")
    brought = original(f"trained[build={build},weights=other.pt]")
    with pytest.raises(ValueError, match=r"^weights ") as error:
        networks.trained_original(brought, Workplace(tmp_path, tmp_path, "cpu"))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_that_do_not_fit_are_found_before_work_starts(mine: nn.Module, tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(1)}, "other.pt")
    matrix = Matrix(datasets=(DATA,), classifiers=("trained[build=brought_mine:net,weights=other.pt]",), seeds=1)
    with pytest.raises(ValueError, match=r"weights other.pt do not fit .* they lack 1.weight"):
        session.run(matrix, tmp_path / "run", Resources(tmp_path, device="cpu", workers=0))
    assert not (tmp_path / "run").exists()


def test_a_function_that_loads_weights_would_not_retrain_from_scratch(mine: nn.Module) -> None:
    few = Split(torch.rand(2, 1, 8, 16), torch.arange(2))
    identity = plugin("trained[build=brought_mine:frozen,weights=net.pt]", "classifier")
    with pytest.raises(ValueError, match="the same in two fresh networks"):
        rehearse_training(identity, few, 10, Recipe(epochs=1), batch_size=2)


def test_a_network_of_a_library_takes_weights_itself(mine: nn.Module, tmp_path: Path) -> None:
    brought = original("trained[build=torchvision[model=resnet18],weights=net.pt]")
    with pytest.raises(ValueError, match=r"write torchvision\[model=resnet18,weights=net.pt\]"):
        networks.trained_original(brought, Workplace(tmp_path, tmp_path, "cpu"))


def test_retrained_networks_begin_afresh_and_by_the_users_own_training(mine: nn.Module, tmp_path: Path) -> None:
    place = Workplace(tmp_path, tmp_path, "cpu")
    text = "trained[build=brought_mine:net,weights=net.pt,recipe=brought_mine:constant]"
    matrix = Matrix(datasets=(DATA,), classifiers=(text,), explainers=("random",), fractions=(1.0, 0.5), seeds=2)
    cell = next(c for c in cells(matrix) if c.removal_fraction == 1 and c.probe == "image" and c.training.seed == 1)
    network, data = retrained(cell, place)
    assert network(data.test.inputs).argmax(1).unique().tolist() == [1]
    plain = replace(cell, training=original("trained[build=brought_mine:net,weights=net.pt]"))
    network, _ = retrained(plain, place)
    first = network[1][-1][1].weight  # type: ignore[index]
    assert (first - mine[1].weight).abs().mean() > 0.02  # type: ignore[operator]


def test_a_run_explains_it_and_retrains_it(mine: nn.Module, tmp_path: Path) -> None:
    matrix = Matrix(
        datasets=(DATA,), classifiers=("trained[build=brought_mine:net,weights=net.pt]",), explainers=("gradient",),
        seeds=1, fractions=(0.5,), measures=(), recipe=Recipe(epochs=1, batch_size=32),
    )  # fmt: skip
    counts = session.run(matrix, tmp_path / "run", Resources(tmp_path, device="cpu", workers=0))
    assert counts["done"] == sum(counts.values()) > 0
    again = session.run(matrix, tmp_path / "run", Resources(tmp_path, device="cpu", workers=0))
    assert again == counts
    torch.save({name: value + 1 for name, value in mine.state_dict().items()}, "net.pt")
    with pytest.raises(ValueError, match="holds another matrix"):
        session.run(matrix, tmp_path / "run", Resources(tmp_path, device="cpu", workers=0))
    assert all(row.outcome for row in Store(tmp_path / "run").rows())
