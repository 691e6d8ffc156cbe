"""Data sets of the user's own: what they have to tell is told once, and nothing of them ends in a traceback."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import roarbench
from roarbench.benchmark.cost.forecast import forecast
from roarbench.benchmark.execution.rehearsal import rehearse, varied
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.notation import quoted
from tests.imports import PROJECT

Build = Callable[..., plan.Matrix]

CODE = """
import sys
import torch
from roarbench.datasets.base import Card, Dataset, Split

CARD = Card("Mine", "here", "none", "none", notes=("drawn by hand",))
INPUTS = torch.rand(40, 1, 6, 6, generator=torch.default_generator)
LABELS = torch.arange(40) // 20

def splits(inputs=INPUTS, labels=LABELS):
    both = Split(inputs, labels)
    return Dataset(both, Split(inputs[:0], labels[:0]), both, 2, CARD)

def good(data_root): return splits()
def triple(data_root): return INPUTS, LABELS, INPUTS
def nothing(data_root): pass
def nodataroot(): return splits()
def hugging(data_root):
    from datasets import load_dataset
def missing(data_root):
    import no_such_module
def leaves(data_root): sys.exit("bye")
def pages(data_root): torch.zeros(2, device="meta").to_sparse().numpy()
def lines(data_root): raise RuntimeError("first\\nsecond")
def wordless(data_root): raise KeyError
def standardised(data_root): return splits(INPUTS * 4 - 2)
def unsorted(data_root): return splits(INPUTS, LABELS + 1)

def picky(feature_shape, num_classes):
    class Picky(torch.nn.Sequential):
        def forward(self, inputs):
            if inputs.std(0).max() == 0:
                raise ValueError("examples of one class")
            return super().forward(inputs)
    return Picky(torch.nn.Flatten(), torch.nn.Linear(36, num_classes))
def by_class(data_root): return splits(LABELS[:, None, None, None].expand(40, 1, 6, 6).float().clone())
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file own_data.py in the current folder."""
    (tmp_path / "own_data.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture
def without_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hugging Face's package is as if it were not installed."""
    monkeypatch.delitem(sys.modules, "datasets", raising=False)
    monkeypatch.setattr(roarbench.Elsewhere, "find_spec", classmethod(lambda cls, *_: None))
    monkeypatch.syspath_prepend(str(PROJECT))


@pytest.mark.usefixtures("mine", "without_theirs")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("triple", "a data set must be a Dataset, got tuple"),
        ("nothing", "a data set must be a Dataset, got NoneType"),
        ("nodataroot", r"TypeError: .* a data set is a function name\(data_root, \*, parameters\) that returns"),
        ("hugging", "ImportError: no other package datasets is installed, and that of roarbench is roarbench.datasets"),
        ("missing", r"ModuleNotFoundError: No module named 'no_such_module'; a data set is a function"),
        ("leaves", "SystemExit: bye; a data set is a function"),
        ("pages", "NotImplementedError: .*; a data set is a function"),
        ("lines", "RuntimeError: first second; a data set is a function"),
        ("wordless", "KeyError; a data set is a function"),
        ("standardised", r"train.inputs must lie in \[0, 1\], got values in .* the classifier standardises by itself"),
        ("unsorted", r"train.labels must hold every integer of 0 ... 1 .* subtract 1 from all labels"),
    ],
)
def test_whatever_goes_wrong_in_an_own_data_set_is_one_line(
    name: str, said: str, small_matrix: Build, place: Workplace
) -> None:
    matrix = small_matrix(datasets=(f"own_data:{name}",))
    with pytest.raises(ValueError, match=f"^own_data:{name} cannot be loaded: {said}") as caught:
        rehearse(plan.cells(matrix), place)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert f"own_data:{name} cannot be loaded: " in forecast(matrix, Resources(place.data_root, "cpu", 0))


@pytest.mark.usefixtures("mine")
def test_what_data_sets_have_to_tell_is_told_once(
    small_matrix: Build, place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = small_matrix(datasets=("own_data:good", "digits"), classifiers=("linear", "mlp[width=4]"), seeds=2)
    rehearse(plan.cells(matrix), place)
    assert capsys.readouterr().err == "own_data:good: drawn by hand\n"


@pytest.mark.usefixtures("mine")
def test_classifiers_are_tried_on_examples_of_different_classes(small_matrix: Build, place: Workplace) -> None:
    """Data that are sorted by class, as files often are."""
    rehearse(plan.cells(small_matrix(datasets=("own_data:by_class",), classifiers=("own_data:picky",))), place)


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=30), count=st.integers(1, 6))
def test_few_examples_are_of_as_many_classes_as_there_can_be(labels: list[int], count: int) -> None:
    chosen = varied(torch.tensor(labels), count).tolist()
    assert len(set(chosen)) == len(chosen) == min(count, len(labels))
    assert len({labels[position] for position in chosen}) == min(count, len(set(labels)))


@pytest.mark.parametrize("name", ["my data/ünï", "a,b", "v[2]", "v[2", "x=1", "50% & #1_"])
def test_a_file_of_any_name_is_read(
    name: str, small_matrix: Build, place: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{name}.npz"
    path.parent.mkdir(exist_ok=True)
    inputs, labels = np.random.default_rng(0).random((24, 6, 6)), np.arange(24) % 2
    np.savez(path, x_train=inputs, y_train=labels, x_test=inputs, y_test=labels)
    matrix = small_matrix(datasets=(f"arrays[path='{path}',validation=0.0]",), classifiers=("linear",))
    (dataset,) = rehearse(plan.cells(matrix), place)
    assert dataset.text == f"arrays[path={quoted(str(path))},validation=0.0]"
    assert capsys.readouterr().err == f"{dataset.text}: x_train (24, 6, 6) is read as 24 grey images of 6x6\n"


def test_a_fraction_that_removes_nothing_is_told(
    small_matrix: Build, place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    rehearse(plan.cells(small_matrix(fractions=(0.001, 0.5, 0.999))), place)
    assert capsys.readouterr().err.splitlines() == [
        "digits: t = 0.001 removes none of the 64 pixels", "digits: t = 0.999 removes all of the 64 pixels",
    ]  # fmt: skip
