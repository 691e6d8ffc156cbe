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


def test_a_seeker_apart_finds_them_too_and_no_hider_moves_it() -> None:
    """It is trained before any hider: its weights do not depend on how long the hider learns."""
    train = corner_or_centre()
    settings = {"seeker": "apart", "seeker_steps": 300, "patience": 8, "pretraining_steps": 50}
    attribute = prepared(HideAndSeek(steps=250, **settings), train)
    mask, logits = attribute.hide(train.inputs)
    assert (logits.argmax(1) == train.labels).float().mean() > 0.95
    assert mask.float().mean() < 0.2
    short = prepared(HideAndSeek(steps=4, **settings), train)
    pairs = zip(attribute.network.seeker.parameters(), short.network.seeker.parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)


@pytest.mark.whole
def test_a_seeker_apart_reads_random_masks_better_than_a_joint_one() -> None:
    """Half of the pixels hidden at random: where the telling pixel is left, the class can be read."""
    train = corner_or_centre()
    kept = torch.rand(len(train), 1, 8, 8) < 0.5
    kept[:, 0, 1, 1] = kept[:, 0, 5, 5] = True
    read = {}
    for seeker in ("joint", "apart"):
        network = prepared(HideAndSeek(steps=250, patience=8, pretraining_steps=50, seeker=seeker), train).network
        with torch.no_grad():
            read[seeker] = (network.seeker(train.inputs * kept).argmax(1) == train.labels).float().mean().item()
    assert read["apart"] > 0.95
    assert read["apart"] >= read["joint"]


def test_joint_passes_keep_the_seed_they_always_had() -> None:
    """It is drawn from this text, see `rank_splits`: another text, and every joint training has other numbers."""
    assert repr(HideAndSeek()) == (
        "HideAndSeek(model='hns_small', estimator='deterministic', slope=5.0, alpha=None, patience=40, steps=1200, "
        "pretraining_steps=300, batch_size=64, learning_rate=0.002)"
    )
    assert HideAndSeek() != HideAndSeek(seeker="apart")


@pytest.mark.parametrize("seeker", ["joint", "apart"])
def test_every_estimator_takes_either_seeker(seeker: str) -> None:
    train = split((1, 8, 8))
    for estimator in ("st1", "st2", "sa", "reinforce"):
        brief = HideAndSeek(
            steps=4, patience=2, pretraining_steps=2, seeker_steps=2, seeker=seeker, estimator=estimator
        )
        assert torch.isfinite(prepared(brief, train)(train.inputs, train.labels)).all()


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
