"""The weights a training starts from: given in files, pretrained here, or drawn."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from roarbench.benchmark.study import checkpoint
from roarbench.datasets.base import Dataset
from roarbench.hns.commands.session import load_parts, pretrain_parts
from roarbench.hns.hider import hider_small
from roarbench.hns.model import build
from roarbench.hns.pretraining import Budget, pretrain_hider, pretrain_seeker
from roarbench.hns.seeker import seeker_small
from roarbench.hns.settings import Settings
from tests.hns.problems import digits, images, same


def colours() -> Dataset:
    train_, rest = images((3, 8, 8), 40), images((3, 8, 8), 20)
    return replace(digits(1, 1, 1), train=train_, validation=rest, test=rest, num_classes=3)


@pytest.mark.parametrize("mask_channels", [1, 3])
def test_pretrained_files_fill_every_parameter_of_their_part(mask_channels: int, tmp_path: Path) -> None:
    """The published transfer stops before the last layer of the hider, and says nothing."""
    hider, seeker = hider_small((3, 8, 8), mask_channels=mask_channels), seeker_small((3, 8, 8), 3)
    pretrain_hider(hider, colours(), Budget(epochs=1, batch_size=20))
    pretrain_seeker(seeker, colours(), Budget(epochs=1, batch_size=20))
    checkpoint.write(tmp_path / "hider", hider.state_dict())
    checkpoint.write(tmp_path / "seeker", seeker.state_dict())
    settings = Settings(
        mask_channels=mask_channels, hider_weights=tmp_path / "hider", seeker_weights=tmp_path / "seeker"
    )
    network = build(settings, (3, 8, 8), 3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    load_parts(network, settings)
    pretrain_parts(network, settings, colours())
    assert same(dict(network.hider.state_dict()), dict(hider.state_dict()))
    assert same(dict(network.seeker.state_dict()), dict(seeker.state_dict()))
    assert not any(torch.equal(before[name], value) for name, value in network.named_parameters())


@pytest.mark.parametrize(
    ("begin", "parts"), [("full", ()), ("hider", ("hider",)), ("seeker", ("seeker",)), ("both", ("hider", "seeker"))]
)
def test_the_parts_to_pretrain_are_pretrained_here_and_no_other(begin: str, parts: tuple[str, ...]) -> None:
    settings = Settings(start=begin, pretraining_epochs=1, batch_size=20)  # type: ignore[arg-type]
    network = build(settings, (3, 8, 8), 3)
    before = {name: value.clone() for name, value in network.named_parameters()}
    load_parts(network, settings)
    assert same(before, dict(network.named_parameters()))
    pretrain_parts(network, settings, colours())
    changed = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if name.split(".")[0] in parts}


@pytest.mark.parametrize("part", ["hider", "seeker"])
def test_a_part_whose_weights_are_given_is_not_pretrained_again(part: str, tmp_path: Path) -> None:
    given = {"hider": hider_small((3, 8, 8)), "seeker": seeker_small((3, 8, 8), 3)}[part]
    checkpoint.write(tmp_path / part, given.state_dict())
    settings = replace(Settings(start="both", batch_size=20), **{f"{part}_weights": tmp_path / part})  # type: ignore[arg-type]
    network = build(settings, (3, 8, 8), 3)
    load_parts(network, settings)
    pretrain_parts(network, settings, colours())
    assert same(dict(getattr(network, part).state_dict()), dict(given.state_dict()))


@pytest.mark.parametrize("part", ["hider", "seeker"])
def test_weights_of_another_model_are_refused_by_argument_and_layer(part: str, tmp_path: Path) -> None:
    other = {"hider": hider_small((3, 8, 8), mask_channels=3), "seeker": seeker_small((3, 8, 8), 4)}[part]
    checkpoint.write(tmp_path / part, other.state_dict())
    settings = replace(Settings(), **{f"{part}_weights": tmp_path / part})  # type: ignore[arg-type]
    layer = {
        "hider": r"12.bias must have the shape \(1,\), got \(3,\)",
        "seeker": r"7.bias must have the shape \(3,\), got \(4,\)",
    }
    with pytest.raises(ValueError, match=f"{part}_weights: layer {layer[part]}"):
        load_parts(build(settings, (3, 8, 8), 3), settings)
