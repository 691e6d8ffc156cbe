"""Ensembles against a naive loop over stored maps and against Captum's NoiseTunnel."""

from dataclasses import dataclass
from typing import ClassVar

import captum.attr
import pytest
import torch
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains
from roarbench.methods.ensembles import NoisyMoments, SmoothGrad, SmoothGradSquared, Squared, VarGrad
from roarbench.methods.gradient import Gradient, InputXGradient, IntegratedGradients
from tests.methods.networks import convolutional, split

TARGETS = torch.tensor([0, 1, 2, 1])
IMAGES = split((1, 8, 8))
INPUTS = IMAGES.inputs[:4]
REDUCTIONS = {
    SmoothGrad: lambda maps: maps.mean(0),
    SmoothGradSquared: lambda maps: maps.square().mean(0),
    VarGrad: lambda maps: maps.var(0, unbiased=False),
}
ensembles = pytest.mark.parametrize("ensemble", REDUCTIONS)


@dataclass(frozen=True)
class Offset:
    """Returns a thousand plus the input: a large mean with a small variance."""

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "nothing"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        return lambda inputs, targets: inputs + 1000.0


def seeded(explainer: object, inputs: Tensor = INPUTS) -> Tensor:
    torch.manual_seed(3)
    return explainer.prepare(convolutional_once(), IMAGES)(inputs, TARGETS[: len(inputs)])  # type: ignore[attr-defined]


def convolutional_once() -> nn.Module:
    with torch.random.fork_rng():
        return convolutional(1)


@ensembles
@pytest.mark.parametrize("base", [Gradient(), InputXGradient(), IntegratedGradients(2), Squared()])
def test_ensembles_equal_a_naive_loop_that_stores_every_map(ensemble: type, base: object) -> None:
    ours = seeded(ensemble(base, samples=6, noise=0.2))
    maps, attribute = [], base.prepare(convolutional_once(), IMAGES)  # type: ignore[attr-defined]
    torch.manual_seed(3)
    for _ in range(6):
        noise = torch.randn(INPUTS.shape)
        noisy = torch.stack([x + 0.2 * (x.max() - x.min()) * noise[i] for i, x in enumerate(INPUTS)])
        maps.append(attribute(noisy, TARGETS))
    torch.testing.assert_close(ours, REDUCTIONS[ensemble](torch.stack(maps)), rtol=1e-4, atol=1e-6)


@ensembles
def test_ensembles_agree_with_captums_noise_tunnel(ensemble: type) -> None:
    kind = {SmoothGrad: "smoothgrad", SmoothGradSquared: "smoothgrad_sq", VarGrad: "vargrad"}[ensemble]
    image = INPUTS[:1]
    spread = 0.1 * float(image.max() - image.min())
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(convolutional_once()))
    torch.manual_seed(3)
    # Captum draws torch.normal(0, std) per sample: at one sample per pass it walks through the same normal numbers
    theirs = tunnel.attribute(
        image.clone().requires_grad_(),
        nt_type=kind,
        nt_samples=40,
        nt_samples_batch_size=1,
        stdevs=spread,
        target=TARGETS[:1],
        abs=False,
    )
    torch.testing.assert_close(seeded(ensemble(samples=40, noise=0.1), image), theirs, rtol=1e-3, atol=1e-5)


@ensembles
def test_ensembles_of_one_base_share_one_equal_source(ensemble: type) -> None:
    assert ensemble(InputXGradient(), samples=5).source == SmoothGrad(InputXGradient(), samples=5).source
    assert hash(ensemble().source) == hash(NoisyMoments())
    assert ensemble(samples=5).source != ensemble(samples=6).source
    assert ensemble(noise=0.1).source != ensemble(noise=0.2).source
    assert ensemble(InputXGradient()).source != ensemble().source


def test_mean_square_is_variance_plus_squared_mean() -> None:
    mean, variance, square = (seeded(ensemble()) for ensemble in (SmoothGrad, VarGrad, SmoothGradSquared))
    torch.testing.assert_close(square, variance + mean.square())


def test_squared_is_the_square_of_its_base() -> None:
    assert torch.equal(seeded(Squared(InputXGradient())), seeded(InputXGradient()).square())
    assert Squared(InputXGradient()).source == InputXGradient()


def test_a_small_variance_survives_a_large_mean() -> None:
    variance = seeded(VarGrad(Offset(), samples=200, noise=0.01))
    spread = (INPUTS.flatten(1).amax(1) - INPUTS.flatten(1).amin(1)).square() * 1e-4
    assert (variance >= 0).all()
    torch.testing.assert_close(variance.flatten(1).mean(1), spread, rtol=0.15, atol=0)


def test_noise_follows_the_range_of_each_example_by_itself() -> None:
    inputs = torch.cat([INPUTS[:1], 0.1 * INPUTS[:1]])
    variance = seeded(VarGrad(Offset(), samples=300, noise=0.5), inputs).flatten(1).mean(1)
    assert 80 < variance[0] / variance[1] < 125


def test_the_target_stays_that_of_the_clean_input() -> None:
    """No example may fall back to another class, nor to zero as in innvestigate#246."""
    alone = [seeded(SmoothGrad(noise=1e-6), INPUTS[[i]]).abs().sum() for i in range(4)]
    assert min(alone) > 0
    torch.testing.assert_close(seeded(SmoothGrad(noise=1e-6)), seeded(Gradient()), rtol=1e-2, atol=1e-4)


def test_the_variance_of_one_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="samples must be at least 2, got 1"):
        VarGrad(samples=1)
