"""Grad-CAM re-derived from feature maps and their gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from methods.backprop import GuidedBackprop
from methods.base import Skip
from methods.grad_cam import GradCam, GuidedGradCam
from tests.methods.networks import Standardise, convolutional, split

IMAGES = split((3, 8, 8))
INPUTS, TARGETS = IMAGES.inputs[:4], torch.tensor([0, 1, 2, 1])
layers = pytest.mark.parametrize(("layer", "position"), [(None, 6), ("6", 6), ("2", 2)])


@layers
def test_grad_cam_is_the_weighted_sum_of_maps(layer: str | None, position: int) -> None:
    classifier = convolutional(3)
    ours = GradCam(layer).prepare(classifier, IMAGES)(INPUTS, TARGETS)
    for example, target in enumerate(TARGETS.tolist()):
        maps = classifier[: position + 1](INPUTS[example : example + 1]).detach().requires_grad_()
        (gradients,) = torch.autograd.grad(classifier[position + 1 :](maps)[0, target], maps)
        coarse = sum(gradients[0, c].mean() * maps[0, c] for c in range(maps.shape[1])).clamp(min=0).detach()
        large = F.interpolate(coarse[None, None], (8, 8), mode="bilinear")[0, 0]
        for channel in range(3):
            torch.testing.assert_close(ours[example, channel], large)


@layers
def test_guided_grad_cam_is_the_product_of_both(layer: str | None, position: int) -> None:
    classifier = convolutional(3)
    fine = GuidedBackprop().prepare(classifier, IMAGES)(INPUTS, TARGETS)
    coarse = GradCam(layer).prepare(classifier, IMAGES)(INPUTS, TARGETS)
    assert torch.equal(GuidedGradCam(layer).prepare(classifier, IMAGES)(INPUTS, TARGETS), coarse * fine)


def test_an_unknown_layer_is_answered_with_the_choices() -> None:
    with pytest.raises(ValueError, match="layer must be one of 2, 6, got 4"):
        GradCam("4").prepare(convolutional(3), IMAGES)


def test_a_map_of_one_pixel_is_skipped() -> None:
    classifier = nn.Sequential(Standardise(), nn.Conv2d(3, 4, 8), nn.Flatten(), nn.Linear(4, 3)).eval()
    with pytest.raises(Skip, match="1x1 map ranks nothing"):
        GradCam().prepare(classifier, IMAGES)
