"""Networks of torchvision as they are: what runs on them, and what is skipped and why."""

import pytest
import torch
import torchvision
from torch import nn

from roarbench.methods.backprop import GuidedBackprop
from roarbench.methods.base import Skip
from roarbench.methods.deep_lift import DeepLift
from roarbench.methods.grad_cam import GradCam
from roarbench.methods.gradient import Gradient
from tests.methods.networks import Standardise, split

PHOTOS = split((3, 64, 64), n=4)
METHODS = {"gradient": Gradient, "guided_backprop": GuidedBackprop, "deep_lift": DeepLift, "grad_cam": GradCam}
SKIPPED = {
    ("resnet18", "deep_lift"): "max pooling windows overlap",
    ("squeezenet1_1", "deep_lift"): "max pooling windows overlap",
    ("mobilenet_v2", "guided_backprop"): "no rule for ReLU6",
    ("mobilenet_v2", "deep_lift"): "no rule for ReLU6",
    ("mobilenet_v3_small", "guided_backprop"): "no rule for Hardswish, a product of activations, Hardsigmoid",
    ("mobilenet_v3_small", "deep_lift"): "no rule for Hardswish, a product of activations, Hardsigmoid",
    ("vit", "guided_backprop"): "no rule for LayerNorm, GELU, attention",
    ("vit", "deep_lift"): "no rule for LayerNorm, GELU, attention",
}
NETWORKS = ("resnet18", "squeezenet1_1", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "vit")


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    sizes = {"image_size": 64, "patch_size": 16, "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
    vit = torchvision.models.VisionTransformer(num_classes=3, **sizes)
    nn.init.normal_(vit.heads.head.weight)  # zeros are no gradient
    others = {name: getattr(torchvision.models, name)(num_classes=3) for name in NETWORKS[:-1]}
    return {name: nn.Sequential(Standardise(), network).eval() for name, network in (others | {"vit": vit}).items()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NETWORKS)
def test_an_explainer_runs_or_is_skipped_with_the_reason(
    name: str, method: str, networks: dict[str, nn.Module]
) -> None:
    classifier, explainer = networks[name], METHODS[method]()
    if reason := SKIPPED.get((name, method)):
        with pytest.raises(Skip, match=reason):
            explainer.prepare(classifier, PHOTOS)
    else:
        attributions = explainer.prepare(classifier, PHOTOS)(PHOTOS.inputs[:2], torch.tensor([0, 1]))
        assert attributions.shape == (2, 3, 64, 64) and attributions.isfinite().all() and attributions.any()
