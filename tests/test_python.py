"""`import roarbench`: one call from Python, and what it gives back."""

import copy
import doctest
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import roarbench
from roarbench import evaluation
from roarbench.given import GIVEN, code_of, drawn_anew
from roarbench.methods.gradient import Gradient
from tests.imports import PROJECT

SMALL = roarbench.Recipe(epochs=2, batch_size=32)
FEW: dict[str, Any] = {"measures": ["deletion", "evaluator"], "seeds": 3, "fractions": (0.3, 0.6), "recipe": SMALL}


def attribute(network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The gradient."""
    leaf = inputs.clone().requires_grad_()
    return torch.autograd.grad(network(leaf).gather(1, targets[:, None]).sum(), leaf)[0]


@pytest.fixture(scope="module")
def data() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images of two classes, one of them with a bright stripe; values reach from -1 to 2."""
    torch.manual_seed(0)
    inputs, labels = torch.rand(150, 1, 6, 6) * 2 - 1, torch.arange(150) % 2
    inputs[labels == 1, :, 2] += 1.0
    return inputs[:100], labels[:100], inputs[100:], labels[100:]


@pytest.fixture(scope="module")
def network(data: tuple[Tensor, ...]) -> nn.Module:
    """Trained by hand, on values as they are."""
    torch.manual_seed(0)
    trained = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 2))
    optimiser = torch.optim.Adam(trained.parameters(), 0.02)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(trained(data[0]), data[1]).backward()
        optimiser.step()
    return trained


@pytest.fixture(scope="module")
def result(network: nn.Module, data: tuple[Tensor, ...], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Of a function, an explainer, maps and a name."""
    before = copy.deepcopy(network.state_dict())
    explainers = {
        "mine": attribute, "object": Gradient(), "theirs": torch.rand(50, 6, 6), "IG": "integrated_gradients",
    }  # fmt: skip
    out = tmp_path_factory.mktemp("python") / "run"
    found = roarbench.evaluate(network, data, explainers, out=out, **FEW)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    return found


def test_the_network_gets_values_as_they_were(result: Any, network: nn.Module, data: tuple[Tensor, ...]) -> None:
    """Images lie in [0, 1] inside, and the accuracy on intact images is that of the network on its own values."""
    accuracy = (network(data[2]).argmax(1) == data[3]).double().mean().item()
    intact = result.rows[(result.rows.removal_fraction == 0) & (result.rows.probe == "image")]
    assert np.allclose(intact.test_accuracy, accuracy)
    assert accuracy > 0.8


def test_a_row_for_each_explainer_with_intervals(result: Any) -> None:
    assert sorted(result.table.index) == ["IG", "mine", "object", "random", "theirs"]
    columns = ["Deletion, accuracy", "Shared evaluator, removed", "Shared evaluator, kept"]
    assert sorted({name for name, _ in result.table.columns}) == sorted(columns)
    deletion = result.table["Deletion, accuracy"]
    assert (deletion.low <= deletion.estimate).all()
    assert (deletion.loc["mine"] == deletion.loc["object"]).all()
    assert set(result.curves.label.dropna()) == set(result.table.index)
    assert "<table" in result._repr_html_()
    assert "±" in str(result)


def test_differences_have_a_sign_an_interval_and_words(result: Any) -> None:
    better = result.difference("mine", "random", "Deletion, accuracy")
    assert better.low <= better.estimate <= better.high
    assert better.estimate == pytest.approx(-result.difference("random", "mine", "Deletion, accuracy").estimate)
    rows = result.table["Deletion, accuracy"].estimate
    assert better.estimate == pytest.approx(rows["random"] - rows["mine"])
    assert "mine" in str(better)
    assert "random" in str(better)
    assert better.verdict in ("better", "worse", "equivalent", "open")


def test_a_folder_is_read_again_with_its_labels(result: Any) -> None:
    pd.testing.assert_frame_equal(roarbench.load(result.folder).table, result.table)


def test_the_same_call_goes_on(
    result: Any, network: nn.Module, data: tuple[Tensor, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    again = roarbench.evaluate(network, data, {"mine": attribute}, out=result.folder.parent / "mine", **FEW)
    capsys.readouterr()
    roarbench.evaluate(network, data, {"mine": attribute}, out=again.folder, **FEW)
    assert "nothing to do" in capsys.readouterr().err
    with pytest.raises(ValueError, match="holds another matrix"):
        other = nn.Sequential(nn.Flatten(), nn.Linear(36, 2))
        roarbench.evaluate(other, data, {"mine": attribute}, out=again.folder, **FEW)


def test_measures_by_name_and_by_function(network: nn.Module, data: tuple[Tensor, ...]) -> None:
    def largest(sample: Any) -> Tensor:
        return sample.maps.abs().amax(1)

    found = roarbench.evaluate(network, data, ["gradient"], ["gini", largest], seeds=2, fractions=(0.5,), recipe=SMALL)
    assert [name for name, end in found.table.columns if end == "estimate"] == ["Gini", "largest"]
    with pytest.raises(ValueError, match="measure must be one of none measured"):
        found.difference("GRAD", "Random")


def test_deltas_are_columns_where_they_are_asked_for(network: nn.Module, data: tuple[Tensor, ...]) -> None:
    found = roarbench.evaluate(network, data, {"mine": attribute}, ["delta"], seeds=2, fractions=(0.5,), recipe=SMALL)
    assert list(dict.fromkeys(name for name, _ in found.table.columns)) == ["Delta, removed", "Delta, kept"]


def test_masks_that_were_probed_have_a_column(network: nn.Module, data: tuple[Tensor, ...]) -> None:
    found = roarbench.evaluate(network, data, ["gradient"], ["mask_probe"], seeds=1, fractions=(0.5,), recipe=SMALL)
    assert list(dict.fromkeys(name for name, _ in found.table.columns)) == ["Mask probe"]
    assert found.table["Mask probe"].estimate.between(0, 100).all()


def test_data_of_earlier_calls_are_not_kept(network: nn.Module, data: tuple[Tensor, ...]) -> None:
    """But for the last two data sets, which stay loaded."""

    def measured() -> "weakref.ref[Any]":
        roarbench.evaluate(network, data, ["gradient"], ["gini"], seeds=1, fractions=(0.5,), recipe=SMALL)
        return weakref.ref(GIVEN["dataset"]["data"])

    first, *_ = [measured() for _ in range(4)]
    gc.collect()
    assert first() is None


def test_two_data_sets_have_columns_of_their_own(tmp_path: Path) -> None:
    matrix = roarbench.Matrix(
        datasets=("blocks[train=60,test=40]", "blocks[train=61,test=40]"), classifiers=("mlp",), seeds=1,
        explainers=("random",), fractions=(0.5,), retrain=(False,), unretrained_fills=(), measures=(), evaluator=False,
        recipe=SMALL,
    )  # fmt: skip
    names = list(dict.fromkeys(name for name, _ in roarbench.run(matrix, tmp_path / "run").table.columns))
    assert len(names) == 4
    assert names[0].startswith("Deletion, accuracy: blocks[test=40,train=60], mlp; not retrained")


SIGN = 1.0


def signed(network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """A function that reads a global."""
    return SIGN * attribute(network, inputs, targets)


class Turned(nn.Module):
    """A network with a value that is no weight."""

    def __init__(self, network: nn.Module, sign: float) -> None:
        super().__init__()
        self.network, self.sign = network, sign

    def forward(self, inputs: Tensor) -> Tensor:
        return self.sign * self.network(inputs)


def test_what_code_reads_is_part_of_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of a function are not taken for those of one that reads other values."""
    before = code_of(signed)
    monkeypatch.setitem(signed.__globals__, "SIGN", -1.0)
    assert code_of(signed) != before
    one, other = lambda v: v + 1, lambda v: v + 2
    assert code_of(one) != code_of(other)
    one, other = lambda: [v + 1 for v in ()], lambda: [v + 2 for v in ()]
    assert code_of(one) != code_of(other)
    assert code_of(closing(1)) != code_of(closing(2))
    assert code_of(closing(1)) == code_of(closing(1))
    assert code_of(partial(max, 1)) != code_of(partial(max, 2))


def closing(factor: int) -> Callable[[int], int]:
    return lambda value: factor * value


def test_a_call_sees_no_results_of_another(network: nn.Module, data: tuple[Tensor, ...]) -> None:
    found = [
        roarbench.evaluate(
            Turned(network, sign), data, ["gradient"], ["deletion"], seeds=1, fractions=(0.5,), recipe=SMALL
        )
        for sign in (1.0, -1.0)
    ]
    accuracies = [result.rows[result.rows.removal_fraction == 0].test_accuracy.iloc[0] for result in found]
    assert accuracies[0] == pytest.approx(1 - accuracies[1])


def test_the_same_call_gives_the_same_numbers(network: nn.Module, data: tuple[Tensor, ...]) -> None:
    call = lambda: roarbench.evaluate(network, data, {"mine": attribute}, **FEW).table  # noqa: E731
    pd.testing.assert_frame_equal(call(), call())


def test_an_explainer_that_fails_is_a_row_with_its_reason(network: nn.Module, data: tuple[Tensor, ...]) -> None:
    explainers = {"broken": lambda network, inputs, targets: None, "G": "gradient"}
    found = roarbench.evaluate(network, data, explainers, ["deletion"], seeds=1, fractions=(0.5,), recipe=SMALL)
    assert sorted(found.table.index) == ["G", "broken", "random"]
    assert "must return a tensor" in found.failures["broken"]
    assert "broken: " in str(found)


def test_maps_of_both_splits_are_retrained_behind_without_a_validation_split(data: tuple[Tensor, ...]) -> None:
    maps = {"train": torch.rand(100, 6, 6), "test": torch.rand(50, 6, 6)}
    found = roarbench.evaluate("mlp", data, {"theirs": maps}, ["roar"], seeds=1, fractions=(0.5,), recipe=SMALL)
    assert found.table.loc["theirs"].notna().any()
    assert not found.failures


def test_networks_and_data_by_name_and_retraining(data: tuple[Tensor, ...]) -> None:
    pairs = TensorDataset(*data[:2]), TensorDataset(*data[2:])
    pairs[0].classes = ["dark", "bright"]  # type: ignore[attr-defined]
    found = roarbench.evaluate("mlp", pairs, ["gradient"], ["roar"], seeds=1, fractions=(0.5,), recipe=SMALL)
    assert [name for name, end in found.table.columns if end == "estimate"] == ["ROAR"]
    kept = [np.load(path)["class_names"].tolist() for path in (found.folder / "gallery").glob("*.npz")]
    assert kept and all(names == ["dark", "bright"] for names in kept)


def test_weights_are_drawn_anew_for_retraining() -> None:
    trained = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 2))
    fresh = drawn_anew(trained)
    assert not torch.equal(fresh[0].weight, trained[0].weight)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"network: 1\.token cannot be drawn anew; give build="):
        drawn_anew(nn.Sequential(nn.Linear(2, 2), Token()))


class Token(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.rand(3))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a | {"data": [abs(x * 0) for x in a["data"]]}, "data must vary, got 0 everywhere"),
        (lambda a: a | {"network": 3}, "network must be a torch module or a classifier by name, got int"),
        (lambda a: a | {"data": 3}, "data must be (x_train, y_train, x_test, y_test), two torch data sets"),
        (lambda a: a | {"explainers": {"mine": 3}}, "explainers['mine'] must be a function"),
        (lambda a: a | {"explainers": ["gradeint"]}, "did you mean 'gradient'"),
        (lambda a: a | {"explainers": {"a": "lrp", "b": "lrp"}}, "explainers must differ, got two labels for lrp"),
        (lambda a: a | {"explainers": {"maps": np.zeros((3, 6, 6))}}, "explainers['maps']: test must have 50 maps"),
        (lambda a: a | {"measures": ["evalutor"]}, "unknown measure 'evalutor'"),
        (lambda a: a | {"measures": []}, "measures must be one or more of different names, got none"),
        (lambda a: a | {"measures": [lambda s: 1.0, lambda s: 2.0]}, "got <lambda>, <lambda>"),
        (lambda a: a | {"explainers": "gradient"}, "explainers must be a list, got 'gradient'"),
        (lambda a: a | {"explainers": [attribute]}, "write {'mine': function}"),
        (lambda a: a | {"explainers": {"random": attribute}}, "the label random is that of the control"),
        (lambda a: a | {"explainers": {"mine ": attribute}}, "labels that are text without blanks around"),
        (lambda a: a | {"explainers": {"a[b]": attribute}}, "label must be an explainer and its label"),
        (lambda a: a | {"recipe": "fast"}, "recipe must be a roarbench.Recipe, got 'fast'"),
        (lambda a: a | {"seeds": 1.5}, "seeds must be a whole number, got 1.5"),
        (lambda a: a | {"workers": 2}, "workers must be 0 where something is given in memory, got 2"),
        (
            lambda a: a | {"data": (*a["data"][:1], a["data"][1] + 0.5, *a["data"][2:])},
            "must have whole numbers as labels",
        ),
    ],
)
def test_what_is_wrong_is_one_line(
    network: nn.Module, data: tuple[Tensor, ...], change: Callable[[dict[str, Any]], dict[str, Any]], said: str
) -> None:
    arguments = change({"network": network, "data": data, "explainers": ["gradient"]} | FEW)
    with pytest.raises(ValueError) as error:
        roarbench.evaluate(**arguments)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((3, 20), "3 channels and 20 steps"),
        ((6, 8, 3), "channels come first: np.transpose"),
        ((3, 8, 8), ""),
        ((5,), ""),
    ],
)
def test_what_might_be_meant_otherwise_is_said(shape: tuple[int, ...], said: str) -> None:
    notes = evaluation._reading(shape)
    assert said in notes[0] if said else not notes


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(evaluation).failed == 0


@pytest.mark.whole
@pytest.mark.parametrize("document", ["README.md", "docs/bring-your-own.md"])
def test_the_examples_of_the_documents_run(
    network: nn.Module, data: tuple[Tensor, ...], document: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (PROJECT / document).read_text(encoding="utf-8")
    block = next(part for part in text.split("```python\n")[1:] if "roarbench.evaluate(" in part).partition("```")[0]
    names = dict(zip(("x_train", "y_train", "x_test", "y_test"), data, strict=True))
    exec(block, {"network": network, "attribute": attribute, "maps": torch.rand(50, 6, 6), **names})
    assert ("mine is" in capsys.readouterr().out) == (document == "README.md")


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    check = "import sys, roarbench; assert not {'torch', 'pandas', 'numpy'} & {*sys.modules}; roarbench.Recipe"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=PROJECT)
    assert {"evaluate", "run", "load", "Result"} <= set(dir(roarbench))
    with pytest.raises(AttributeError, match="has no attribute 'evaluat'"):
        roarbench.evaluat  # noqa: B018
