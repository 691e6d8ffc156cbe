"""What every measure in the table must keep, whatever it measures."""

import dataclasses
import importlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from roarbench import run_benchmark
from roarbench.benchmark import MEASURES, STANDARD
from roarbench.benchmark.matrix import described
from roarbench.benchmark.matrix.facts import CHOICES, check_measure
from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.spec import key
from roarbench.benchmark.measures import assessment
from roarbench.benchmark.measures.assessment import assess, samples
from roarbench.benchmark.measures.sample import Background, Sample
from roarbench.benchmark.results.store import Store
from roarbench.methods.gradient import Gradient
from roarbench.reports.rows.measures import DIRECTIONS, FORMS, heading
from tests.methods.networks import convolutional, split

MEASURED = [name for name in MEASURES if described.measure(name)["order"] is None]
"""Those that are measured of attributions; the others are read from curves."""


def sample() -> Sample:
    network, data = convolutional(3), split((3, 8, 8), n=40)
    data = dataclasses.replace(data, truth=lambda inputs: (inputs > 0.8).float())
    ranks = [np.stack([np.random.default_rng(i).permutation(64).reshape(1, 8, 8) for i in range(40)])]
    attribute = Gradient().prepare(network, data)
    given = {"target": "label", "seed": ("contract",), "ranks": ranks, "background": Background(data)}
    return samples(network, attribute, [Gradient()], data, **given)[0]


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_says_what_it_is(name: str) -> None:
    card = described.measure(name)
    assert all(card[part] for part in ("summary", "paper", "differs", "misleads", "label", "cost"))
    assert {*DIRECTIONS} == {*CHOICES["better"]} and {*FORMS, "count"} == {*CHOICES["form"]}, "reports know all choices"
    module, _, attribute = MEASURES[name].partition(":")
    measure = getattr(importlib.import_module(module), attribute)
    check_measure(measure, name)
    assert {part: getattr(measure, part, value) for part, value in described.MEASURE.items()} == {
        part: card[part] for part in described.MEASURE
    }, "read from the source, it is what the class says"


def test_labels_differ() -> None:
    labels = [described.measure(name)["label"] for name in MEASURES]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("name", MEASURED)
def test_a_measure_gives_numbers_within_its_bounds_and_repeats_itself(name: str) -> None:
    examples = sample()
    before = examples.inputs.clone(), {k: v.clone() for k, v in examples.network.state_dict().items()}
    values = [assess(one, plugin(name, "measure"))[name] for one in (examples, examples, sample())]
    assert values[0] == values[1] == values[2] is not None
    low, high = described.measure(name)["bounds"]
    assert (low is None or values[0] >= low) and (high is None or values[0] <= high)
    assert torch.equal(examples.inputs, before[0])
    assert all(torch.equal(v, before[1][k]) for k, v in examples.network.state_dict().items())


@pytest.mark.parametrize("name", MEASURED)
def test_the_group_gives_what_its_members_give_alone(name: str) -> None:
    assert name not in STANDARD or assess(sample())[name] == assess(sample(), plugin(name, "measure"))[name]


@pytest.mark.parametrize("name", MEASURED)
def test_nonsense_is_refused_by_name(name: str) -> None:
    for field in dataclasses.fields(build(plugin(name, "measure"), "measure")):
        if field.type in (int, float, "int", "float"):
            with pytest.raises(ValueError, match=rf"{name}\[{field.name}\]"):
                plugin(f"{name}[{field.name}=-1]", "measure")


OWN = '''
"""Measures of one's own."""
from dataclasses import dataclass
import numpy as np
import torch

@dataclass(frozen=True)
class Spread:
    """Standard deviation of the magnitudes by their mean."""

    better = "low"
    power: float = 1.0

    def measure(self, sample):
        magnitudes = sample.maps.abs() ** self.power
        return magnitudes.std(1) / magnitudes.mean(1)

@dataclass(frozen=True)
class Steady:
    better = "low"

    def measure(self, sample):
        return float((sample.explain(sample.inputs) - sample.maps).abs().max())

@dataclass(frozen=True)
class Broken:
    def measure(self, sample):
        return sample.maps

@dataclass(frozen=True)
class Infinite:
    def measure(self, sample):
        return sample.maps.sum(1) / 0

@dataclass(frozen=True)
class Odd:
    better = "sideways"

    def measure(self, sample):
        return 1.0

@dataclass(frozen=True)
class Beyond:
    bounds = (0.0, 1.0)

    def measure(self, sample):
        return 2.0

@dataclass(frozen=True)
class Vandal:
    """Writes to what it is given."""

    def measure(self, sample):
        for given in (sample.inputs, sample.maps, sample.targets):
            given.zero_()
        return 1.0

@dataclass(frozen=True)
class Spoiler:
    def measure(self, sample):
        for chunk in sample.test.chunks():
            chunk.inputs.mul_(0.5)
        return 1.0

@dataclass(frozen=True)
class Trainer:
    def measure(self, sample):
        with torch.no_grad():
            for weight in sample.network.parameters():
                weight.mul_(0.5)
        return 1.0

@dataclass(frozen=True)
class Ender:
    def measure(self, sample):
        raise SystemExit(3)

def function(sample):
    return 1.0
'''


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_measures.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("roar", "is read from curves: run --retrain true"),
        ("gini[power=2]", "has no parameter 'power'"),
        ("ginny", "did you mean 'gini'"),
        ("own_measures:Odd", "better must be one of 'high', 'low', '', got 'sideways'"),
        ("own_measures:function", r"must be a class with @dataclass\(frozen=True\) and a method measure\(sample\)"),
    ],
)
def test_what_is_wrong_with_a_measure_is_one_line(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        plugin(name, "measure")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Broken", "must return 32 numbers"),
        ("Infinite", "must return finite numbers"),
        ("Beyond", r"must lie within its bounds 0.0 and 1.0, got 2"),
        ("Spoiler", "must not change the test split"),
        ("Trainer", "measure own_measures:Trainer must leave the classifier as it was"),
        ("Ender", "measure own_measures:Ender: SystemExit: 3"),
    ],
)
def test_what_a_measure_does_and_returns_is_checked_and_named(name: str, said: str) -> None:
    examples = sample()
    examples.shared.network.load_state_dict({k: v.clone() for k, v in examples.network.state_dict().items()})
    with pytest.raises((ValueError, RuntimeError), match=said):
        assess(examples, plugin(f"own_measures:{name}", "measure"))


@pytest.mark.usefixtures("own")
def test_a_measure_that_writes_to_what_it_is_given_changes_no_other() -> None:
    examples, alone = sample(), assess(sample())
    assess(examples, plugin("own_measures:Vandal", "measure"))
    assert {**assess(examples), "seconds_per_image": 0} == {**alone, "seconds_per_image": 0}


@pytest.mark.parametrize(
    ("value", "mean"),
    [
        (torch.ones(32, dtype=torch.bool), 1.0), (torch.arange(32), 15.5), (np.float32(0.5), 0.5), (np.int64(3), 3.0),
        (torch.tensor(math.nan), None), (None, None), (0.1, 0.1), (torch.ones(32, requires_grad=True), 1.0),
    ],
)  # fmt: skip
def test_numbers_of_every_kind_will_do(value: object, mean: float | None) -> None:
    assert assessment._mean(value, "any", sample()) == mean


@pytest.mark.whole
@pytest.mark.usefixtures("own", "unillustrated")
def test_a_measure_of_ones_own_reaches_the_table_and_a_broken_one_fails_alone(tmp_path: Path) -> None:
    words = [
        "run", "--classifiers", "mlp[width=8,hidden_layers=1]", "--explainers", "random", "gradient", "--seeds", "2",
        "--fractions", "0.5", "--orders", "morf", "--epochs", "1", "--evaluator", "false", "--mask-fractions",
        "--unretrained-fills",
        "--workers", "0", "--out", "run",
    ]  # fmt: skip
    asked = ["own_measures:Spread[power=2]", "own_measures:Steady", "gini", "own_measures:Broken"]
    assert run_benchmark.main([*words, "--measures", *asked]) == 1
    counts = Store(Path("run")).counts()
    assert counts["failed"] == 4, "two explainers, two seeds"
    table = Path("run/report/attributions.md").read_text()
    assert "Spread[power=2.0]" in table and "Gini" in table and "Broken |" not in table
    assert "Steady: lower is better." in table
    assert "Standard deviation of the magnitudes by their mean; lower is better." in table
    assert run_benchmark.main([*words, "--measures", *asked[:3], "standard"]) == 0


@pytest.mark.usefixtures("own")
def test_measures_asked_for_by_name_have_cells_of_their_own(small_matrix: Callable[..., Matrix]) -> None:
    def attributions(*measures: str) -> list[Any]:
        return [c for c in cells(small_matrix(measures=measures, explainers=("gradient",))) if c.probe == "attribution"]

    assert attributions() == []
    (together,) = attributions("standard")
    assert together.measure is None
    alone = attributions("gini", "own_measures:Spread", "standard", "gini")
    assert [cell.measure and cell.measure.text for cell in alone] == ["gini", "own_measures:Spread", None]
    assert len({key(cell) for cell in alone}) == 3 and key(alone[2]) == key(together)


def test_examples_that_get_nan_are_left_out() -> None:
    @dataclasses.dataclass(frozen=True)
    class Some:
        def measure(self, examples: Sample) -> Tensor:
            return torch.where(torch.arange(len(examples.targets)) < 4, 2.0, math.nan)

    examples = sample()
    assert assessment._measured(Some(), "some", examples) == 2.0


@pytest.mark.parametrize("name", ["gini", "own_measures:Spread"])
def test_two_variants_of_a_measure_have_two_headings(name: str) -> None:
    card = described.measure("gini") if name == "gini" else described.MEASURE
    assert heading(name, card) != heading(f"{name}[power=2]", card)
    assert heading("gini", described.measure("gini")) == "Gini"
