"""Generated textures: the truth is exact, and nothing but the order of the levels reveals the class."""

from pathlib import Path

import numpy as np
import pytest
import torch

from roarbench.datasets.textures import bursts, cubes, squares


@pytest.fixture(scope="module")
def striped():
    return squares(Path(), train=4000, test=40, validation=0.0).train


def corners(mask: torch.Tensor) -> torch.Tensor:
    """Top row and left column of the box around every mask: `(n, 2)`."""
    return torch.stack([mask.any(dim=3).int().argmax(2)[:, 0], mask.any(dim=2).int().argmax(2)[:, 0]], dim=1)


def test_the_truth_of_squares_is_one_whole_square(striped) -> None:
    mask = striped.truth(striped.inputs).bool()
    assert (mask.sum(dim=(1, 2, 3)) == 25).all()
    assert (mask.any(dim=3).sum(dim=(1, 2)) == 5).all()
    assert (mask.any(dim=2).sum(dim=(1, 2)) == 5).all()
    assert striped.inputs[mask].min() >= 0.6
    assert striped.inputs[~mask].max() < 0.5


def test_every_square_holds_the_same_levels(striped) -> None:
    mask = striped.truth(striped.inputs).bool()
    levels = striped.inputs[mask].view(len(striped), 25).sort(dim=1).values
    assert (levels == levels[0]).all()


def test_the_place_of_a_square_is_uniform_and_does_not_tell_the_class(striped) -> None:
    place = corners(striped.truth(striped.inputs).bool())
    counts = torch.stack(
        [(place[striped.labels == k] @ torch.tensor([12, 1])).bincount(minlength=144) for k in range(4)]
    )
    expected = 4000 / (4 * 144)
    chi_squared = ((counts - expected) ** 2 / expected).sum().item()
    degrees = counts.numel() - 4  # the class sizes are fixed
    assert abs(chi_squared - degrees) < 4 * (2 * degrees) ** 0.5


def test_classes_of_squares_are_balanced(striped) -> None:
    assert striped.labels.bincount().tolist() == [1000] * 4


def test_stripes_run_along_the_direction_of_the_class(striped) -> None:
    """Neighbours along the stripes differ less than neighbours in the three other directions."""
    along = ((1, 0), (0, 1), (1, -1), (1, 1))
    place = corners(striped.truth(striped.inputs).bool()).tolist()
    patches = torch.stack([x[0, r : r + 5, c : c + 5] for x, (r, c) in zip(striped.inputs, place, strict=True)])
    for k in range(4):
        members = patches[striped.labels == k]
        roughness = [(members - members.roll((dy, dx), (1, 2)))[:, 1:4, 1:4].abs().mean().item() for dy, dx in along]
        assert int(np.argmin(roughness)) == k


@pytest.mark.parametrize("parameters", [{"square": 2}, {"square": 17}, {"train": 3}, {"test": 0}, {"draw": -1}])
def test_impossible_squares_are_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(parameters))} must"):
        squares(Path(), **parameters)


def test_a_burst_lies_in_one_channel_and_a_cube_is_whole() -> None:
    signals = bursts(Path(), train=200, test=20, validation=0.0, channels=3).train
    mask = signals.truth(signals.inputs).bool()
    assert signals.inputs.shape == (200, 3, 64)
    assert (mask.any(2).sum(1) == 1).all() and (mask.sum((1, 2)) == 20).all()
    assert len(mask.any(2).int().argmax(1).unique()) == 3
    volumes = cubes(Path(), train=60, test=20, validation=0.0).train
    mask = volumes.truth(volumes.inputs).bool()
    assert volumes.inputs.shape == (60, 1, 10, 10, 10)
    assert all((mask.any(dim=[d for d in (2, 3, 4) if d != axis]).sum((1, 2)) == 5).all() for axis in (2, 3, 4))


def test_the_period_of_a_burst_is_that_of_its_class() -> None:
    signals = bursts(Path(), train=400, test=20, validation=0.0, channels=1).train
    shown = signals.inputs[signals.truth(signals.inputs).bool()].view(400, 20)
    spectrum = torch.fft.rfft(shown - shown.mean(1, keepdim=True), n=200).abs()
    strongest = [200 / spectrum[signals.labels == k].mean(0).argmax().item() for k in range(4)]
    assert strongest == pytest.approx([2.5, 4.0, 6.4, 10.0], rel=0.05)


def test_layers_of_a_cube_lie_across_the_axis_of_its_class() -> None:
    volumes = cubes(Path(), train=300, test=20, validation=0.0).train
    shown = volumes.inputs[volumes.truth(volumes.inputs).bool()].view(300, 5, 5, 5)
    steps = torch.stack([shown.diff(dim=axis).abs().mean((1, 2, 3)) for axis in (1, 2, 3)], 1)
    assert all(steps[volumes.labels == k].mean(0).argmax() == k for k in range(3))
