"""Hide-and-Seek as an explainer: what it ranks, what its own masks do, where it does not apply."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.datasets.digits import digits
from roarbench.methods.base import OwnMasks, Skip
from roarbench.methods.hide_and_seek import HideAndSeek
from tests.methods.networks import convolutional, split

BRIEF = HideAndSeek(steps=4, patience=2, pretraining_steps=2)


def corner_or_centre(n: int = 256) -> Split:
    """Noise everywhere; the class is whether the pixel (1, 1) or the pixel (5, 5) is white."""
    torch.manual_seed(0)
    inputs, labels = 0.3 * torch.rand(n, 1, 8, 8), torch.arange(n) % 2
    places = torch.tensor([1, 5])[labels]
    inputs[torch.arange(n), 0, places, places] = 1.0
    return Split(inputs, labels)


class Reader(nn.Module):
    """Reads the class of `corner_or_centre` off its two places."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[:, 0, [1, 5], [1, 5]]


def prepared(explainer: HideAndSeek, train: Split, classifier: nn.Module | None = None) -> OwnMasks:
    torch.manual_seed(0)
    attribute = explainer.prepare(classifier or convolutional(train.inputs.shape[1]).eval(), train)
    assert isinstance(attribute, OwnMasks)
    return attribute


def test_it_finds_the_pixels_that_carry_the_class_and_hides_the_rest() -> None:
    train = corner_or_centre()
    attribute = prepared(HideAndSeek(steps=250, patience=8, pretraining_steps=50), train)
    mask, logits = attribute.hide(train.inputs)
    assert (logits.argmax(1) == train.labels).float().mean() > 0.95
    assert mask.float().mean() < 0.2
    first = attribute(train.inputs, train.labels).flatten(1).topk(2, dim=1).indices.tolist()
    telling = {9, 45}  # (1, 1) and (5, 5)
    assert sum(bool(telling & set(places)) for places in first) > 0.9 * len(first)


def test_pixels_rank_by_the_probability_of_being_kept() -> None:
    train = split((1, 8, 8))
    attribute = prepared(BRIEF, train)
    mask, _ = attribute.hide(train.inputs)
    attributions = attribute(train.inputs, train.labels)
    half = torch.log(torch.tensor(2.0))  # -log(1 - p) at p = 0.5
    assert torch.equal(mask, attributions > half)


def test_channels_of_a_pixel_rank_together() -> None:
    train = split((3, 8, 8))
    attributions = prepared(BRIEF, train)(train.inputs, train.labels)
    assert torch.equal(attributions[:, 0], attributions[:, 2])


def test_the_classifier_has_no_say() -> None:
    train = split((1, 8, 8))
    maps = []
    for classifier in (convolutional(1), nn.Sequential(nn.Flatten(), nn.Linear(64, 3))):
        torch.manual_seed(0)
        maps.append(BRIEF.prepare(classifier.eval(), train)(train.inputs, train.labels))
    assert torch.equal(maps[0], maps[1])


def test_images_that_the_hider_does_not_fit_are_skipped_with_a_reason() -> None:
    with pytest.raises(Skip, match="divisible by 4, got 9 x 9"):
        BRIEF.prepare(nn.Sequential(nn.Flatten(), nn.Linear(81, 3)), split((1, 9, 9)))
    with pytest.raises(Skip, match="divisible by 32"):
        HideAndSeek(model="hns_large").prepare(convolutional(1), split((1, 8, 8)))


def test_a_collapse_is_repeated_twice_and_told() -> None:
    hides_all = HideAndSeek(steps=60, pretraining_steps=0, alpha=0.0, learning_rate=0.1)
    notes = prepared(hides_all, corner_or_centre(128), Reader()).notes
    assert notes == {"restarts": 2.0, "collapsed": 1.0}


def least_squares(train: Split) -> nn.Module:
    """A linear classifier that is right nine times in ten: what a collapse is measured against."""
    layer = nn.Linear(64, 10, bias=False)
    targets = nn.functional.one_hot(train.labels).float()
    with torch.no_grad():
        layer.weight.copy_((torch.linalg.pinv(train.inputs.flatten(1)) @ targets).T)
    return nn.Sequential(nn.Flatten(), layer).eval()


@pytest.mark.slow
def test_digits_stay_readable_with_nine_pixels_in_ten_hidden() -> None:
    data = digits(Path("unused"))
    attribute = prepared(HideAndSeek(), data.train, least_squares(data.train))
    mask, logits = attribute.hide(data.test.inputs)
    assert mask.float().mean() < 0.1
    assert (logits.argmax(1) == data.test.labels).float().mean() > 0.8
    assert attribute.notes["collapsed"] == 0
