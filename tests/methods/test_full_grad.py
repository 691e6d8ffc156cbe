"""FullGrad: completeness, the map derived layer by layer, and networks whose biases are not known."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roarbench.methods.base import Skip
from roarbench.methods.full_grad import FullGrad, bias, decomposed, spread
from tests.methods.networks import SPELLINGS, Standardise, convolutional, linear, residual, spelled, split, tabular

TARGETS = torch.tensor([0, 1, 2])
IMAGES, COLOUR, ROWS = split((1, 8, 8)), split((3, 8, 8)), split((6,))
NETWORKS = {
    "chain": (convolutional(3), COLOUR),
    "residual": (residual(), IMAGES),
    "in place": (spelled("method in place"), IMAGES),
}
networks = pytest.mark.parametrize("name", NETWORKS)


def logits(classifier: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return classifier(inputs).gather(1, TARGETS[:, None])[:, 0]


@networks
def test_shares_of_input_and_biases_sum_to_the_logit(name: str) -> None:
    (classifier, train), inputs = NETWORKS[name], NETWORKS[name][1].inputs[:3]
    first, maps, rest, _ = decomposed(classifier, inputs, TARGETS)
    sums = first.flatten(1).sum(1) + sum(part.flatten(1).sum(1) for part in maps) + rest
    torch.testing.assert_close(sums, logits(classifier, inputs), rtol=1e-4, atol=1e-5)
    ours = FullGrad(processed=False).prepare(classifier, train)(inputs, TARGETS)
    torch.testing.assert_close(ours.flatten(1).sum(1) + rest, logits(classifier, inputs), rtol=1e-4, atol=1e-5)


def test_a_processed_map_is_derived_layer_by_layer() -> None:
    """Rescaled magnitudes, as in the authors' code; each bias is moved by hand to see its gradient."""
    classifier, inputs = convolutional(3), COLOUR.inputs[:3]
    ours = FullGrad().prepare(classifier, COLOUR)(inputs, TARGETS)
    norm = classifier[3]
    shift = norm.bias - norm.running_mean * norm.weight / (norm.running_var + norm.eps).sqrt()
    biases = {1: None, 2: classifier[2].bias, 3: shift, 6: classifier[6].bias}
    for example, target in enumerate(TARGETS.tolist()):
        total = torch.zeros(1, 1, 8, 8)
        for layer, value in biases.items():
            point = classifier[: layer if value is None else layer + 1](inputs[example : example + 1]).detach()
            point.requires_grad_()
            rest = classifier[layer if value is None else layer + 1 :]
            (gradient,) = torch.autograd.grad(rest(point)[0, target], point)
            share = (gradient * (point if value is None else value[:, None, None])).abs().detach()
            scaled = (share - share.min()) / ((share - share.min()).max() + 1e-6)
            total += F.interpolate(scaled, (8, 8), mode="bilinear").sum(1, keepdim=True)
        torch.testing.assert_close(ours[example], total[0].expand(3, 8, 8), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_maps_do_not_depend_on_how_a_relu_is_written(spelling: str) -> None:
    ours, modules = (FullGrad().prepare(spelled(s), IMAGES)(IMAGES.inputs[:3], TARGETS) for s in (spelling, None))
    torch.testing.assert_close(ours, modules)


@pytest.mark.parametrize(
    "module",
    [nn.Conv2d(3, 4, 2), nn.Conv2d(3, 4, 2, bias=False), nn.ConvTranspose2d(3, 2, 3), nn.BatchNorm2d(3).eval()],
)
def test_a_bias_is_what_a_module_makes_of_zeros(module: nn.Module) -> None:
    if isinstance(module, nn.BatchNorm2d):
        module.running_mean, module.running_var = torch.rand(3), torch.rand(3) + 0.5
    output = module(torch.zeros(1, 3, 5, 5))
    torch.testing.assert_close(bias(module, output).expand_as(output), output)


@pytest.mark.parametrize("size", [(3, 5), (7, 8), (8, 8), (16, 16), (11, 13)])
def test_a_spread_map_keeps_its_sum(size: tuple[int, int]) -> None:
    small = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0)) - 0.5
    large = spread(small, torch.Size((8, 9)))
    assert large.shape == (2, 1, 8, 9)
    torch.testing.assert_close(large.sum((1, 2, 3)), small.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([nn.Conv2d(1, 2, 3), nn.GELU(), nn.Flatten(), nn.Linear(72, 3)], "does not know all biases: .*GELU"),
        ([nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)], "GroupNorm"),
        ([nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False), nn.Flatten(), nn.Linear(72, 3)], "keep"),
    ],
)
def test_networks_whose_biases_are_not_known_are_skipped(layers: list[nn.Module], reason: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(Skip, match=reason):
        FullGrad().prepare(nn.Sequential(Standardise(), *layers).eval(), IMAGES)


def test_without_images_or_places_it_is_skipped() -> None:
    with pytest.raises(Skip, match=r"needs images \(c, h, w\), got features \(6,\)"):
        FullGrad().prepare(tabular(), ROWS)
    with pytest.raises(Skip, match="without one it is input x gradient"):
        FullGrad().prepare(linear((1, 8, 8)), IMAGES)
