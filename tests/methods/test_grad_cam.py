"""Grad-CAM and its kinds: re-derived from feature maps and gradients, and as the packages of others have them."""

import importlib
import warnings
from typing import get_args

import captum.attr
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.methods.backprop import GuidedBackprop
from roarbench.methods.base import Skip
from roarbench.methods.grad_cam import GradCam, GuidedGradCam, Kind
from tests.methods.networks import Standardise, convolutional, residual, split, transformer

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
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 6), nn.Flatten(), nn.Linear(4, 3)]
    classifier = nn.Sequential(Standardise(), *layers).eval()
    with pytest.raises(Skip, match="map of one place ranks nothing"):
        GradCam().prepare(classifier, IMAGES)


def by_hand(kind: str, maps: Tensor, gradients: Tensor) -> Tensor:
    """The sum of weighted maps of one image, place by place."""
    coarse = torch.zeros(maps.shape[1:])
    for one, slopes in zip(maps, gradients, strict=True):
        higher = slopes**2 / (2 * slopes**2 + one.sum() * slopes**3 + 1e-6)
        weights = {
            "gradcam": slopes.mean(),
            "hirescam": slopes,
            "layercam": slopes.clamp(min=0),
            "gradcam_plus_plus": (higher * slopes.clamp(min=0)).sum(),
        }
        coarse += weights[kind] * one
    return coarse.clamp(min=0)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_kinds_weigh_maps_by_their_gradients(kind: Kind) -> None:
    classifier = convolutional(3)
    ours = GradCam(kind=kind).prepare(classifier, IMAGES)(INPUTS, TARGETS)
    for example, target in enumerate(TARGETS.tolist()):
        maps = classifier[:7](INPUTS[example : example + 1]).detach().requires_grad_()
        (gradients,) = torch.autograd.grad(classifier[7:](maps)[0, target], maps)
        coarse = by_hand(kind, maps[0].detach(), gradients[0])
        large = F.interpolate(coarse[None, None], (8, 8), mode="bilinear")
        torch.testing.assert_close(ours[example], large[0].expand(3, 8, 8), rtol=1e-4, atol=1e-7)


def test_hirescam_is_the_part_of_a_linear_head_that_each_place_has() -> None:
    """Behind the last convolution all is linear: shares of places sum to the logit less the bias of the head."""
    torch.manual_seed(0)
    conv, head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 3)
    classifier = nn.Sequential(Standardise(), nn.Conv2d(3, 3, 1), nn.ReLU(), conv, nn.Flatten(), head).eval()
    ours = GradCam(kind="hirescam").prepare(classifier, IMAGES)(INPUTS, TARGETS)[:, 0]
    with torch.no_grad():
        shares = classifier[:4](INPUTS) * head.weight[TARGETS].view(4, 4, 8, 8)
        assert torch.allclose(shares.sum((1, 2, 3)) + head.bias[TARGETS], classifier(INPUTS)[range(4), TARGETS])
    torch.testing.assert_close(ours, shares.sum(1).clamp(min=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("classifier", "layer"), [(convolutional(3), "6"), (residual(), "2.conv")])
def test_grad_cam_is_that_of_captum_bit_for_bit(classifier: nn.Sequential, layer: str) -> None:
    inputs = INPUTS[:, : classifier[1].in_channels if layer == "2.conv" else 3]
    theirs = captum.attr.LayerGradCam(classifier, classifier.get_submodule(layer))
    small = theirs.attribute(inputs.clone().requires_grad_(), TARGETS, relu_attributions=True).detach()
    ours = GradCam(layer).prepare(classifier, split(tuple(inputs.shape[1:])))(inputs, TARGETS)
    assert torch.equal(ours, F.interpolate(small, (8, 8), mode="bilinear").expand_as(inputs))


CLASSES = {
    "gradcam": "GradCAM",
    "hirescam": "HiResCAM",
    "gradcam_plus_plus": "GradCAMPlusPlus",
    "layercam": "LayerCAM",
}
"""Names in the package pytorch-grad-cam."""


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize(("layer", "position"), [("6", 6), ("2", 2)])
def test_kinds_are_those_of_pytorch_grad_cam(kind: Kind, layer: str, position: int) -> None:
    """Up to the range of each image, which that package sets to [0, 1]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("pytorch_grad_cam", reason="needs grad-cam, an extra of this project")
        package = importlib.import_module("pytorch_grad_cam")
        targets = importlib.import_module("pytorch_grad_cam.utils.model_targets")
    classifier = convolutional(3)
    ours = GradCam(layer, kind=kind).prepare(classifier, IMAGES)(INPUTS, TARGETS)[:, 0]
    wanted = [targets.ClassifierOutputTarget(int(target)) for target in TARGETS]
    with getattr(package, CLASSES[kind])(classifier, [classifier[position]]) as cam:
        theirs = torch.from_numpy(cam(INPUTS.clone(), wanted))
    ours = ours - ours.amin((1, 2), keepdim=True)
    torch.testing.assert_close(ours / ours.amax((1, 2), keepdim=True), theirs, rtol=0, atol=1e-5)


def test_the_kind_is_no_part_of_the_identity_or_the_seed_of_grad_cam() -> None:
    assert plugin("grad_cam[kind=gradcam]", "explainer") == plugin("grad_cam", "explainer")
    assert "kind" not in dict(plugin("grad_cam", "explainer").parameters) and repr(GradCam()) == "GradCam(layer=None)"
    assert dict(plugin("grad_cam[kind=hirescam]", "explainer").parameters)["kind"] == "hirescam"
    with pytest.raises(ValueError, match="must be one of gradcam, hirescam, gradcam_plus_plus, layercam"):
        plugin("grad_cam[kind=scorecam]", "explainer")


explained = pytest.mark.parametrize("explainer", [GradCam, GuidedGradCam])


@explained
def test_a_convolution_that_reads_the_input_is_taken_only_where_it_is_named(explainer: type) -> None:
    layers = [nn.Conv2d(3, 4, 2, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3)]
    classifier = nn.Sequential(Standardise(), nn.Sequential(*layers)).eval()
    with pytest.raises(Skip, match=r"only convolution, 1\.0, reads the input.* \[layer=1\.0\]"):
        explainer().prepare(classifier, IMAGES)
    assert explainer("1.0").prepare(classifier, IMAGES)(INPUTS, TARGETS).any()


class Rows(nn.Module):
    """Reads an image as a series of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.last = nn.Conv1d(24, 4, 3), nn.ReLU(), nn.Linear(4, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.last(self.relu(self.conv(inputs.flatten(1, 2))).mean(2))


def test_other_convolutions_and_other_data_are_named() -> None:
    with pytest.raises(Skip, match=r"needs an nn\.Conv2d; this classifier uses Conv1d"):
        GradCam().prepare(nn.Sequential(Standardise(), Rows()).eval(), IMAGES)
    with pytest.raises(Skip, match="this classifier uses no convolution"):
        GradCam().prepare(nn.Sequential(Standardise(), nn.Flatten(), nn.Linear(192, 3)).eval(), IMAGES)
    folded = nn.Sequential(Standardise(), nn.Unflatten(1, (1, 2, 3)), *[nn.Conv2d(1, 1, 1)] * 2, nn.Flatten())
    with pytest.raises(Skip, match=r"needs signals, images or volumes, got features \(6,\)"):
        GradCam().prepare(folded.eval(), split((6,)))


class Spare(nn.Module):
    """A convolution for training alone, last in order, and one that is used twice."""

    def __init__(self, *, twice: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 1), nn.Linear(256, 3)
        self.relu, self.spare, self.twice = nn.ReLU(), nn.Conv2d(4, 4, 1), twice

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        maps = self.second(self.relu(self.first(inputs)))
        return self.last((self.second(maps) if self.twice else maps).flatten(1))


def test_the_last_convolution_is_the_last_that_is_used_and_it_must_be_used_once() -> None:
    classifier = nn.Sequential(Standardise(), Spare(twice=False)).eval()
    ours, named = (GradCam(layer).prepare(classifier, IMAGES)(INPUTS, TARGETS) for layer in (None, "1.second"))
    assert torch.equal(ours, named)
    with pytest.raises(Skip, match=r"1\.spare makes none"):
        GradCam("1.spare").prepare(classifier, IMAGES)
    with pytest.raises(Skip, match=r"one map of each example; 1\.second makes \(1, 4, 8, 8\), \(1, 4, 8, 8\)"):
        GradCam().prepare(nn.Sequential(Standardise(), Spare(twice=True)).eval(), IMAGES)


@pytest.mark.parametrize(("layer", "position"), [(None, 2), ("1.2.norm1", 2), ("1.1.norm1", 1)])
@pytest.mark.parametrize("kind", get_args(Kind))
def test_tokens_of_patches_are_maps(kind: Kind, layer: str | None, position: int) -> None:
    """By default those of the first norm of the last block; the class token is no place of an image."""
    classifier = transformer(3)
    ours = GradCam(layer, kind=kind).prepare(classifier, IMAGES)(INPUTS, TARGETS)
    network, norm = classifier[1], classifier[1][position].norm1  # type: ignore[index]
    for example, target in enumerate(TARGETS.tolist()):
        with torch.no_grad():
            before = network[:position](classifier[0](INPUTS[example : example + 1]))  # type: ignore[index]
        tokens = norm(before).detach().requires_grad_()
        after = before + network[position].attention(tokens)  # type: ignore[index]
        after = after + network[position].mlp(network[position].norm2(after))  # type: ignore[index]
        (gradients,) = torch.autograd.grad(network[position + 1 :](after)[0, target], tokens)  # type: ignore[index]
        grids = [one[0, 1:].T.reshape(8, 4, 4) for one in (tokens.detach(), gradients)]
        large = F.interpolate(by_hand(kind, *grids)[None, None], (8, 8), mode="bilinear")
        torch.testing.assert_close(ours[example], large[0].expand(3, 8, 8), rtol=1e-3, atol=1e-7)


def test_tokens_are_those_of_pytorch_grad_cam() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("pytorch_grad_cam", reason="needs grad-cam, an extra of this project")
        package = importlib.import_module("pytorch_grad_cam")
        targets = importlib.import_module("pytorch_grad_cam.utils.model_targets")
    classifier = transformer(3)
    ours = GradCam().prepare(classifier, IMAGES)(INPUTS, TARGETS)[:, 0]
    wanted = [targets.ClassifierOutputTarget(int(target)) for target in TARGETS]
    reshape = {"reshape_transform": lambda tokens: tokens[:, 1:].reshape(len(tokens), 4, 4, -1).permute(0, 3, 1, 2)}
    with package.GradCAM(classifier, [classifier[1][2].norm1], **reshape) as cam:  # type: ignore[index]
        theirs = torch.from_numpy(cam(INPUTS.clone(), wanted))
    ours = ours - ours.amin((1, 2), keepdim=True)
    torch.testing.assert_close(ours / (1e-7 + ours.amax((1, 2), keepdim=True)), theirs, rtol=0, atol=1e-4)


def test_the_patches_of_a_transformer_are_taken_where_they_are_named() -> None:
    classifier = transformer(3)
    maps = GradCam("1.0.patches").prepare(classifier, IMAGES)(INPUTS, TARGETS)
    assert maps.any() and not torch.equal(maps, GradCam().prepare(classifier, IMAGES)(INPUTS, TARGETS))
    with pytest.raises(ValueError, match=r"layer must be one of 1\.0\.patches, got 1\.5"):
        GradCam("1.5").prepare(classifier, IMAGES)
