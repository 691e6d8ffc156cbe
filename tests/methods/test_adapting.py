"""Attributions as users return them: what is accepted, and what is refused with a remedy."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.adapting import Adapted, as_tensor, shaped
from roarbench.methods.base import AttributionFunction
from roarbench.methods.ensembles import SmoothGrad

INPUTS = torch.rand(2, 3, 4, 5)
MAP = torch.rand(2, 4, 5)
CPU = torch.device("cpu")


@pytest.mark.parametrize("attributions", [MAP, MAP[:, None], MAP[:, None].expand(2, 3, 4, 5)])
def test_one_number_a_pixel_counts_for_all_its_channels(attributions: Tensor) -> None:
    assert torch.equal(shaped(attributions, INPUTS, "Mine"), MAP[:, None].expand(2, 3, 4, 5))


@pytest.mark.parametrize("attributions", [MAP, MAP[:, None]])
def test_one_number_a_pixel_ranks_no_single_features(attributions: Tensor) -> None:
    with pytest.raises(ValueError, match="use unit pixel"):
        shaped(attributions, INPUTS, "Mine", "feature")


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [((2, 4, 5, 3), "permute"), ((2, 60), "view_as"), ((1, 3, 4, 5), r"got \(1, 3, 4, 5\)$"), ((2,), r"got \(2,\)$")],
)
def test_another_shape_is_refused_with_a_remedy(shape: tuple[int, ...], remedy: str) -> None:
    with pytest.raises(ValueError, match=rf"^Mine must return attributions of shape \(2, 3, 4, 5\).*{remedy}"):
        shaped(torch.zeros(shape), INPUTS, "Mine")


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int64, torch.bool])
def test_any_real_dtype_becomes_float32(dtype: torch.dtype) -> None:
    assert shaped(torch.ones(2, 3, 4, 5).to(dtype), INPUTS, "Mine").dtype == torch.float32


def test_numpy_arrays_are_accepted_read_only_ones_too() -> None:
    array = np.ones((2, 3))
    array.flags.writeable = False
    assert torch.equal(as_tensor(array, CPU, "Mine"), torch.ones(2, 3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "got NoneType"),
        ([[1.0]], "got list"),
        ((MAP, None), "got tuple"),
        (np.array([None]), "got ndarray"),
        (torch.complex(MAP, MAP), r"return \.real"),
        (MAP.to_sparse(), "to_dense"),
        (MAP.to("meta"), "a meta tensor"),
    ],
)
def test_what_holds_no_real_numbers_is_refused(returned: object, said: str) -> None:
    with pytest.raises(ValueError, match=f"^Mine must return.*{said}"):
        as_tensor(returned, CPU, "Mine")


@dataclass(frozen=True)
class Mean:
    """One number a pixel, as numpy."""

    explains = "nothing"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        return lambda inputs, targets: inputs.mean(1).numpy()  # type: ignore[return-value]


def test_an_explainer_of_ones_own_may_be_the_base_of_another() -> None:
    base = Adapted(Mean(), "mine:Mean")
    assert repr(base) == repr(Mean()) and base.explains == "nothing"
    assert base == Adapted(Mean(), "mine:Mean") and hash(base) == hash(Adapted(Mean(), "mine:Mean"))
    train = Split(INPUTS, torch.tensor([0, 1]))
    torch.manual_seed(0)
    smooth = SmoothGrad(base=base).prepare(nn.Identity(), train)(INPUTS, train.labels)
    assert smooth.shape == INPUTS.shape
    assert (smooth[:, :1] == smooth).all()
