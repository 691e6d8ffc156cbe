"""Controls against hand-computed values and scipy."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from roarbench.datasets.base import Split
from roarbench.methods.base import Explainer, Skip
from roarbench.methods.controls import Center, Deviation, Random, Sobel, Truth
from tests.methods.networks import convolutional, split

IMAGES = split((3, 8, 8))
TARGETS = torch.zeros(12, dtype=torch.long)


def test_sobel_is_the_magnitude_of_scipys_filters_on_both_axes() -> None:
    ours = Sobel().prepare(convolutional(3), IMAGES)(IMAGES.inputs, TARGETS)
    for example, image in enumerate(IMAGES.inputs.numpy()):
        for channel, plane in enumerate(image):
            expected = np.hypot(scipy.ndimage.sobel(plane, axis=0), scipy.ndimage.sobel(plane, axis=1))
            np.testing.assert_allclose(ours[example, channel].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_sobel_sees_no_edge_at_the_border_of_a_flat_image() -> None:
    flat = torch.full((1, 1, 5, 5), 0.7)
    assert Sobel().prepare(convolutional(1), split((1, 5, 5)))(flat, TARGETS[:1]).abs().max() < 1e-6


def test_center_falls_with_the_distance_from_the_centre() -> None:
    train = split((2, 3, 5))
    closeness = Center().prepare(convolutional(1), train)(train.inputs[:1], TARGETS[:1])[0, 1]
    expected = [[5**0.5 - ((row - 1) ** 2 + (column - 2) ** 2) ** 0.5 for column in range(5)] for row in range(3)]
    torch.testing.assert_close(closeness, torch.tensor(expected))


def test_deviation_is_measured_from_the_mean_of_the_training_split() -> None:
    train = Split(torch.tensor([[0.0, 0.2], [1.0, 0.4]]), torch.tensor([0, 1]))
    attributions = Deviation().prepare(convolutional(1), train)(torch.tensor([[0.5, 0.0]]), TARGETS[:1])
    torch.testing.assert_close(attributions, torch.tensor([[0.0, 0.3]]))


def test_random_scores_are_uniform_and_differ_between_features() -> None:
    scores = Random().prepare(convolutional(1), IMAGES)(IMAGES.inputs, TARGETS)
    assert scores.min() >= 0 and scores.max() < 1
    assert scores.unique().numel() > 0.99 * scores.numel()
    assert abs(scores.mean() - 0.5) < 0.03


def test_shared_truth_orders_ties_alike_in_every_example() -> None:
    torch.manual_seed(0)
    rows = Split(
        torch.rand(50, 6),
        torch.zeros(50, dtype=torch.long),
        lambda x: torch.tensor([0, 2.0, 0, 1.0, 0, 0]).expand_as(x),
    )
    straight, inverted = (
        Truth(inverted=i, shared=True).prepare(convolutional(1), rows)(rows.inputs, rows.labels) for i in (False, True)
    )
    for scores in (straight, inverted):
        assert (scores == scores[0]).all()
        assert sorted(scores[0].tolist()) == [0, 1, 2, 3, 4, 5]
    assert (straight[0, 1], straight[0, 3], inverted[0, 1], inverted[0, 3]) == (5, 4, 0, 1)


def test_shared_random_scores_are_the_same_for_all_examples() -> None:
    scores = Random(shared=True).prepare(convolutional(3), IMAGES)(IMAGES.inputs, TARGETS)
    assert (scores == scores[0]).all()
    assert scores[0].unique().numel() == scores[0].numel()


@pytest.mark.parametrize(
    "control",
    [Random(), Sobel(), Center(), Deviation(), Truth(), Truth(inverted=True), Truth(inverted=True, shared=True)],
)
def test_controls_are_never_negative_so_that_magnitude_and_sign_rank_alike(control: Explainer) -> None:
    assert control.prepare(convolutional(3), IMAGES)(IMAGES.inputs, TARGETS).min() >= 0


def test_inverted_truth_ranks_the_other_way_round() -> None:
    straight = Truth().prepare(convolutional(3), IMAGES)(IMAGES.inputs, TARGETS)
    inverted = Truth(inverted=True).prepare(convolutional(3), IMAGES)(IMAGES.inputs, TARGETS)
    assert torch.equal(inverted, straight.amax() - straight)
    assert straight[0].argmax() == 0


def test_truth_is_skipped_where_nobody_knows_it() -> None:
    with pytest.raises(Skip, match="no ground truth"):
        Truth().prepare(convolutional(3), Split(IMAGES.inputs, IMAGES.labels))
