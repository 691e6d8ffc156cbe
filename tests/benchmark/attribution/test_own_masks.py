"""Masks that an explainer chose itself: stored as they are, measured on the test split, and retrained behind."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from roarbench.benchmark.attribution.own_masks import measured, noted
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.removal.reduction import Reduction, stored
from roarbench.benchmark.results.artefacts import new_own_masks
from roarbench.datasets.base import Split


@dataclass
class Columns:
    """Keeps as many columns as the label says, and classifies every image as 1."""

    notes: dict[str, float] = field(default_factory=lambda: {"restarts": 2.0})

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return inputs

    def hide(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        kept = torch.arange(4) < inputs[:, :1, :1, :1].round()
        return kept.expand(len(inputs), 1, 2, 4), torch.tensor([[0.0, 1.0]]).expand(len(inputs), 2)


def split(labels: list[int]) -> Split:
    wide = torch.tensor(labels, dtype=torch.float32)[:, None, None, None].expand(-1, 3, 2, 4).clone()
    return Split(wide, torch.tensor(labels, dtype=torch.int64))


SPLITS = {"train": split([0, 1, 1]), "validation": split([]), "test": split([1, 1, 0, 1])}


def arrays(into: dict[str, np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda name, shape, dtype: into.setdefault(name, np.empty(shape, dtype))


def test_masks_of_every_split_are_stored_and_those_of_the_test_split_measured() -> None:
    stored: dict[str, np.ndarray] = {}
    own = measured(Columns(), SPLITS, arrays(stored))
    assert own["own_accuracy"] == 3 / 4
    assert own["own_share_hidden"] == pytest.approx(1 - 3 * 0.25 / 4)  # one column of four of three images in four
    assert own["own_restarts"] == 2.0
    assert {name: mask.shape for name, mask in stored.items()} == {"train": (3, 1, 2, 4), "test": (4, 1, 2, 4)}
    assert stored["train"].reshape(3, -1).sum(1).tolist() == [0, 2, 2]


def own_cell(matrix: Matrix) -> Cell:
    return next(cell for cell in plan.cells(matrix) if cell.probe == "own_mask")


def test_a_network_is_retrained_behind_the_masks_themselves(
    place: Workplace, small_matrix: Callable[..., Matrix]
) -> None:
    cell = own_cell(small_matrix(explainers=("hide_and_seek",)))
    assert cell.ranking
    with place.artefacts.new_ranks(cell.ranking) as folder:
        measured(Columns(), SPLITS, new_own_masks(folder))
    masks = stored(cell, SPLITS, place.artefacts)["train"]
    kept = Reduction(cell, "train", (1, 2, 4), None, masks).masks(torch.tensor([2, 0]))
    assert kept.dtype == torch.bool
    assert kept.flatten(1).sum(1).tolist() == [2, 0]


def test_an_explainer_that_says_it_hides_and_does_not_is_named(
    place: Workplace, small_matrix: Callable[..., Matrix]
) -> None:
    cell = own_cell(small_matrix(explainers=("hide_and_seek",)))
    assert cell.ranking
    with place.artefacts.new_ranks(cell.ranking):
        pass
    with pytest.raises(ValueError, match="hide_and_seek says that it hides"):
        stored(cell, SPLITS, place.artefacts)


@pytest.mark.parametrize(
    ("notes", "reason"),
    [
        ({"accuracy": 1.0}, "a note must not be called accuracy, which is measured"),
        ({"kind": "soft"}, "note kind must be a number, got str 'soft'"),
        ({"loss": float("nan")}, "note loss must be finite, got nan"),
    ],
)
def test_a_note_that_is_no_number_of_its_own_is_named(notes: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        noted(Columns(notes))


def test_notes_of_any_kind_of_number_are_stored() -> None:
    assert noted(Columns({"a": np.float32(2), "b": torch.tensor(3), "c": True})) == {"own_a": 2, "own_b": 3, "own_c": 1}
