"""What a classifier must be: each breach is one line before training, and what people have is accepted."""

import sys
from pathlib import Path

import pytest
import torch

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.contract import rehearse_training, require_logits
from roarbench.benchmark.networks.training import score, train
from roarbench.benchmark.randomness import generator, seeded
from roarbench.datasets.base import Split
from tests.benchmark.networks.test_classifiers import shape
from tests.values import READY

NETWORKS = """
import collections
import torch
from torch import nn
from torch.nn import functional as F

def plain(shape, k):
    return nn.Sequential(nn.Conv2d(shape[0], 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, k))

class Ending(nn.Module):
    def __init__(self, network, end):
        super().__init__()
        self.network, self.end = network, end
    def forward(self, inputs):
        return self.end(self.network(inputs))

Out = collections.namedtuple("Out", "logits aux")
ENDS = {
    "softmax": lambda z: z.softmax(1), "log_softmax": lambda z: z.log_softmax(1), "clamped": lambda z: z.clamp(-20, 20),
    "dict": lambda z: {"loss": None, "logits": z}, "unnamed": lambda z: {"scores": z}, "tuple": lambda z: (z, z),
    "named": lambda z: Out(z, z), "list": lambda z: [z], "none": lambda z: None, "one": lambda z: z[:, :1],
    "flat": lambda z: z[:, 0], "double_out": lambda z: z.double(), "array": lambda z: z.detach().numpy(),
    "sigmoid": torch.sigmoid, "across": lambda z: z.softmax(0), "nan": lambda z: z * float("nan"),
}
def out(shape, k, *, how: str): return Ending(plain(shape, k), ENDS[how])

class Auxiliary(nn.Module):
    def __init__(self, shape, k):
        super().__init__()
        self.network = plain(shape, k)
    def forward(self, inputs):
        z = self.network(inputs)
        return Out(z, z) if self.training else z

class Placed(nn.Module):
    # a table of positions is learned from a fixed beginning, and logits begin as zeros
    def __init__(self, shape, k):
        super().__init__()
        self.places = nn.Parameter(torch.linspace(-1, 1, shape[-1]))
        self.network = plain(shape, k)
        nn.init.zeros_(self.network[-1].weight)
    def forward(self, inputs):
        return self.network(inputs + self.places)

class AsClass(nn.Module):
    def __init__(self, feature_shape, num_classes, *, width: int = 8):
        super().__init__()
        self.network = nn.Sequential(nn.Flatten(), nn.LazyLinear(width), nn.ReLU(), nn.LazyLinear(num_classes))
    def forward(self, inputs):
        return self.network(inputs)

def lazy(shape, k):
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(k))

def more(shape, k): return plain(shape, 1000)
def fewer(shape, k): return plain(shape, 2)
def half(shape, k): return plain(shape, k).half()
def double(shape, k): return plain(shape, k).double()
def nothing(shape, k): plain(shape, k)
def text(shape, k): return "resnet18"
def alone(k): return plain((3, 8, 8), k)
def third(shape, k, weights): return plain(shape, k)

def pinned(shape, k):
    torch.manual_seed(0)
    return plain(shape, k)
TRAINED = plain((3, 8, 8), 3)
def shared(shape, k): return TRAINED
def headed(shape, k):
    network = plain(shape, k)
    network[0].load_state_dict(TRAINED[0].state_dict())
    return network
def frozen(shape, k):
    network = headed(shape, k)
    network[0].requires_grad_(False)
    return network
def constant(shape, k):
    network = plain(shape, k)
    nn.init.zeros_(network[0].bias)
    nn.init.ones_(network[4].bias)
    nn.init.dirac_(network[0].weight)
    return network
def pooled_norm(shape, k):
    layers = [nn.Conv2d(shape[0], 4, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, k)]
    return nn.Sequential(*layers)
"""
FEW = Split(torch.rand(2, 3, 8, 8, generator=generator("few")), torch.tensor([0, 2]))
RECIPE = Recipe(epochs=1, batch_size=32, learning_rate=0.01)


@pytest.fixture(scope="module", autouse=True)
def networks(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder: Path = tmp_path_factory.mktemp("networks")
    (folder / "mynets.py").write_text(NETWORKS)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    sys.modules.pop("mynets", None)


def rehearse(name: str, few: Split = FEW, batch_size: int = 32) -> None:
    rehearse_training(plugin(name, "classifier"), few, 3, RECIPE, batch_size=batch_size)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("out[how=softmax]", r"must return logits, got probabilities; leave the softmax out"),
        (
            "out[how=dict]",
            r"must return logits \(2, 3\), got dict with the keys loss, logits; return out\['logits'\]",
        ),
        ("out[how=unnamed]", r"got dict with the keys scores; return out\['scores'\]"),
        ("out[how=tuple]", r"must return logits \(2, 3\), got tuple of 2; return the logits alone"),
        ("out[how=named]", r"got Out of 2; return the logits alone"),
        ("out[how=list]", r"got list of 1; return the logits alone"),
        ("out[how=none]", r"got None; end forward with return"),
        ("out[how=array]", r"must return logits \(2, 3\), got ndarray"),
        ("out[how=sigmoid]", r"must return logits, got probabilities; leave the softmax or sigmoid out"),
        ("out[how=across]", r"must return logits, got probabilities"),
        ("out[how=nan]", r"must return finite logits, got NaN or infinity from an untrained network"),
        ("out[how=one]", r"\(2, 3\) logits needed, got \(2, 1\); return one column for each of the 3 classes"),
        ("out[how=flat]", r"\(2, 3\) logits needed, got \(2,\); return one column"),
        ("out[how=double_out]", r"must return logits \(2, 3\) of torch.float32, got torch.float64"),
        ("more", r"\(2, 3\) logits needed, got \(2, 1000\)"),
        ("fewer", r"\(2, 3\) logits needed, got \(2, 2\)"),
        ("half", r"must have weights of torch.float32, got torch.float16 in 0.weight; end with .float\(\)"),
        ("double", r"must have weights of torch.float32, got torch.float64 in 0.weight"),
        ("Auxiliary", r"got Out of 2 in training mode; return the logits alone"),
        ("nothing", r"must be a function name\(feature_shape, num_classes\) that returns an nn.Module, got NoneType"),
        ("text", r"that returns an nn.Module, got str"),
        ("alone", r"must be a function name\(feature_shape, num_classes\) .*, got one of the arguments \(k\)"),
        ("third", r"got one of the arguments \(shape, k, weights\)"),
        (
            "pinned",
            r"the weights of 0.weight and 3 more are the same in two fresh networks; draw new weights at every call",
        ),
        ("shared", r"retraining would not begin from scratch: the weights of 0.weight and 3 more"),
        ("frozen", r"the weights of 0.weight and 1 more are the same in two fresh networks"),
        ("headed", r"retraining would not begin from scratch: the weights of 0.weight and 1 more are the same"),
    ],
)
def test_a_breach_is_told_in_one_line(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as told:
        rehearse(f"mynets:{name}")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "name",
    ["plain", "out[how=log_softmax]", "out[how=clamped]", "lazy", "AsClass", "AsClass[width=5]", "constant", "Placed"],
)
def test_networks_that_people_have_are_accepted(name: str) -> None:
    rehearse(f"mynets:{name}")


@pytest.mark.parametrize("name", READY)
def test_the_classifiers_of_the_table_keep_the_contract(name: str) -> None:
    few = Split(torch.rand(2, *shape(name), generator=generator("few")), torch.tensor([0, 2]))
    recipe = Recipe(epochs=1, batch_size=2)
    rehearse_training(plugin(name, "classifier"), few, 3, recipe, batch_size=2)


def test_a_batch_of_one_is_tried_where_a_run_has_one() -> None:
    rehearse("mynets:pooled_norm", batch_size=2)
    with pytest.raises(ValueError, match=r"cannot train on batches of one example: .*; raise batch_size"):
        rehearse("mynets:pooled_norm", batch_size=1)
    rehearse("mynets:plain", batch_size=1)


def test_lazy_layers_are_built_from_the_data_and_drawn_by_the_seed() -> None:
    built = []
    for _ in range(2):
        with seeded("weights"):
            built.append(classifier(plugin("mynets:lazy", "classifier"), FEW.inputs, 3))
    one, other = built
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert one.training and int(one[1][1].num_batches_tracked) == 0
    train(one, FEW, RECIPE, pairing=("lazy",))
    assert score(one, FEW).loss > 0


def test_logits_that_look_like_probabilities_by_chance_must_do_so_in_every_row() -> None:
    require_logits(torch.tensor([[0.5, 0.5], [0.4, 0.5]]), (2, 2))
    require_logits(torch.tensor([[1.5, -0.5], [0.5, 0.5]]), (2, 2))
    with pytest.raises(ValueError, match="got probabilities"):
        require_logits(torch.tensor([[0.5, 0.5], [0.0, 1.0]]), (2, 2))
