"""Scores against a loop over single images."""

import math
import statistics

import pytest
import torch
from torch import nn

from roarbench.benchmark.randomness import seeded
from roarbench.datasets.base import Split
from roarbench.hns.evaluation import Score, accuracy, masks, score
from roarbench.hns.model import HideAndSeek, build
from roarbench.hns.settings import Settings
from tests.hns.problems import constant_hider, images, linear_seeker


@pytest.fixture(autouse=True)
def batches_of_sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 images make two full batches and a rest."""
    monkeypatch.setattr("roarbench.datasets.base.CHUNK_FEATURES", 16 * 64)


def network(channels: int, mask_channels: int) -> HideAndSeek:
    """Keeps about half of the values of `images`; its seeker is a layer that tells images apart."""
    with seeded("network", channels, mask_channels):
        built = build(Settings(initial_keep=0.5, mask_channels=mask_channels), (channels, 8, 8), 3)
        built.seeker = linear_seeker((channels, 8, 8), 3)
    bias = built.hider[-1].bias
    assert isinstance(bias, nn.Parameter)
    with torch.no_grad():
        logits = built.hider(images((channels, 8, 8), 40).inputs).flatten().sort().values
        middle = logits[len(logits) // 4 : 3 * len(logits) // 4]
        widest = (middle[1:] - middle[:-1]).argmax()  # no logit may come so close to 0 that rounding decides
        bias.sub_((middle[widest] + middle[widest + 1]) / 2)
    return built


def scored_slowly(found: HideAndSeek, split: Split) -> Score:
    right, loss, hidden, lit_hidden, lit, seen = 0, 0.0, [], 0.0, 0, []
    for image, label in zip(split.inputs, split.labels.tolist(), strict=True):
        with torch.no_grad():
            mask = (found.hider(image[None]) > 0).float()[0]
            logits = found.seeker((image * mask)[None])[0].double().tolist()
        right += logits.index(max(logits)) == label
        loss += math.log(sum(math.exp(value) for value in logits)) - logits[label]
        seen.append(mask.flatten().tolist())
        hidden += [1 - value for value in seen[-1]]
        for channel, plane in enumerate(image):
            kept = mask[channel % len(mask)].flatten().tolist()
            for value, keep in zip(plane.flatten().tolist(), kept, strict=True):
                lit += value != 0
                lit_hidden += (value != 0) * (1 - keep)
    most = max(split.labels.tolist().count(k) for k in range(3))
    n = len(split)
    between = statistics.mean(statistics.pvariance(place) for place in zip(*seen, strict=True))
    variation = between / statistics.pvariance(hidden)
    return Score(right / n, loss / n, sum(hidden) / len(hidden), lit_hidden / lit, most / n, variation)


@pytest.mark.parametrize(("channels", "mask_channels"), [(1, 1), (3, 1), (3, 3)])
def test_a_score_equals_a_loop_over_single_images(channels: int, mask_channels: int) -> None:
    split, found = images((channels, 8, 8), 40), network(channels, mask_channels)
    slow, ours = scored_slowly(found, split), score(found, split)
    assert 0.1 < slow.hidden < 0.9
    assert abs(slow.nonzero_hidden - slow.hidden) > 1e-4
    assert 0.1 < slow.accuracy < 0.9
    assert ours.accuracy == slow.accuracy
    assert ours.chance == slow.chance == 14 / 40
    assert ours.loss == pytest.approx(slow.loss, rel=1e-5)
    assert ours.hidden == pytest.approx(slow.hidden, rel=1e-6)
    assert ours.nonzero_hidden == pytest.approx(slow.nonzero_hidden, rel=1e-6)


def test_black_pixels_are_hidden_for_free() -> None:
    """Two of four pixels are black; the mask hides one of each."""
    hider = constant_hider(torch.tensor([[[1.0, -1.0], [1.0, -1.0]]]), (1, 2, 2))
    found = HideAndSeek(hider, linear_seeker((1, 2, 2), 2), estimator="deterministic")
    images_ = torch.tensor([[0.0, 0.0], [0.5, 1.0]]).expand(5, 1, 2, 2)
    ours = score(found, Split(images_, torch.zeros(5, dtype=torch.long)))
    assert (ours.hidden, ours.nonzero_hidden) == (0.5, 0.5)
    hides_black = constant_hider(torch.tensor([[[-1.0, -1.0], [1.0, 1.0]]]), (1, 2, 2))
    ours = score(
        HideAndSeek(hides_black, linear_seeker((1, 2, 2), 2), estimator="deterministic"),
        Split(images_, torch.zeros(5, dtype=torch.long)),
    )
    assert (ours.hidden, ours.nonzero_hidden) == (0.5, 0.0)


def test_black_images_have_no_nonzero_share_but_a_score() -> None:
    split = Split(torch.zeros(20, 1, 8, 8), torch.zeros(20, dtype=torch.long))
    assert score(network(1, 1), split).nonzero_hidden == 0.0


@pytest.mark.parametrize("reference", [True, False])
def test_scoring_draws_masks_without_disturbing_the_generator(reference: bool) -> None:
    found = network(1, 1)
    found.estimator, found.test_masks, found.reference = "st1", "sample", reference
    split = images((1, 8, 8), 40)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again = score(found, split), score(found, split)
    drawn = masks(found, split)
    assert torch.equal(torch.get_rng_state(), before)
    assert first == again
    assert 1 - drawn.inputs.mean().item() == pytest.approx(first.hidden, rel=1e-6)
    torch.manual_seed(2)
    assert score(found, split).hidden != first.hidden


def test_sampled_masks_hide_as_their_probabilities_say() -> None:
    hider = constant_hider(torch.full((1, 8, 8), math.log(0.2 / 0.8)), (1, 8, 8))
    found = HideAndSeek(hider, linear_seeker((1, 8, 8), 3), estimator="st1", test_masks="sample")
    with seeded("sampled"):
        assert score(found, images((1, 8, 8), 200)).hidden == pytest.approx(0.8, abs=0.015)
    found.test_masks = "threshold"
    assert score(found, images((1, 8, 8), 200)).hidden == 1.0


def test_scores_are_taken_in_eval_mode() -> None:
    found = network(1, 1).train()
    found.seeker = nn.Sequential(nn.Dropout(0.9), found.seeker)
    assert score(found, images((1, 8, 8), 40)) == score(found, images((1, 8, 8), 40))
    assert accuracy(found.seeker.train(), images((1, 8, 8), 40)) == accuracy(found.seeker, images((1, 8, 8), 40))


def test_masks_replace_the_images_and_keep_their_labels() -> None:
    split, found = images((3, 8, 8), 40), network(3, 1)
    ours = masks(found, split)
    with torch.no_grad():
        expected = (found.hider(split.inputs) > 0).float()
    assert torch.equal(ours.inputs, expected)
    assert torch.equal(ours.labels, split.labels)


def test_masks_that_are_the_same_for_all_images_do_not_vary() -> None:
    found = network(1, 1)
    found.hider = constant_hider(torch.randn(1, 8, 8), (1, 8, 8))
    assert score(found, images((1, 8, 8), 40)).variation == 0.0


def test_accuracy_by_hand() -> None:
    inputs = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 0.0]]).repeat(10, 1)
    assert accuracy(nn.Identity(), Split(inputs, torch.tensor([0, 1, 1, 0]).repeat(10))) == 0.75


def test_fidelity_and_its_kin_by_hand() -> None:
    found = Score(accuracy=0.45, loss=1.0, hidden=0.6, nonzero_hidden=0.1, chance=0.2, variation=0.5)
    assert found.against(None) == {"interpretability": 0.6}
    against = found.against(0.9)
    assert list(against) == ["fidelity", "interpretability", "fir", "fii"]
    assert list(against.values()) == pytest.approx([0.5, 0.6, 0.5 / 1.1, 0.3])
