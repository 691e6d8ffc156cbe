"""Conceptizers: inputs -> concepts h(x), and what the concepts can say of the inputs."""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.methods.senn.settings import Settings

SMALL = 16
"""Images with sides below this get 3x3 filters instead of 5x5."""


class Code(NamedTuple):
    """What an encoder says of a batch.

    Attributes:
        concepts: their means, where they are distributions.
        log_variance: of the concepts; None where they are numbers.
    """

    concepts: Float[Tensor, "b k"]
    log_variance: Float[Tensor, "b k"] | None = None


class Identity(nn.Module):
    """Every feature is a concept; with a bias, one more that is always 1."""

    learned = False

    def __init__(self, feature_shape: tuple[int, ...], *, bias: bool) -> None:
        super().__init__()
        self.feature_shape, self.bias = feature_shape, bias
        self.num_concepts = math.prod(feature_shape) + bias

    def encode(self, inputs: Float[Tensor, "b *feature"]) -> Code:
        """The features in a row."""
        flat = inputs.flatten(1)
        return Code(torch.cat([flat, flat.new_ones(len(flat), 1)], 1) if self.bias else flat)

    def decode(self, concepts: Float[Tensor, "b k"]) -> Float[Tensor, "b *feature"]:
        """The features back in their places."""
        return concepts[:, : math.prod(self.feature_shape)].unflatten(1, self.feature_shape)


class ConvolutionalAutoencoder(nn.Module):
    """A convolutional encoder with a linear head for each concept, and a decoder from maps of single concepts.

    Sides are divisible by 4. Differs from the published one: the decoder ends in a sigmoid, since inputs lie in [0, 1].
    """

    learned = True

    def __init__(self, feature_shape: tuple[int, ...], num_concepts: int) -> None:
        super().__init__()
        channels, *sides = feature_shape
        small = min(sides) < SMALL
        self.num_concepts = num_concepts
        self.features = trunk(channels, (10, num_concepts), small=small)
        self.grid = [side // 4 if small else (side - 12) // 4 for side in sides]
        area = math.prod(self.grid)
        self.heads = nn.ModuleList(nn.Linear(area, 1) for _ in range(num_concepts))
        self.spread = nn.Linear(1, area)
        up = [(4, 2, 1), (3, 1, 1), (4, 2, 1)] if small else [(5, 2, 0), (5, 1, 0), (2, 2, 1)]
        widths = (num_concepts, 16, 8, channels)
        layers = [nn.ConvTranspose2d(widths[i], widths[i + 1], k, s, p) for i, (k, s, p) in enumerate(up)]
        self.decoder = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2], nn.Sigmoid())

    def encode(self, inputs: Float[Tensor, "b c h w"]) -> Code:
        """One number for each map."""
        maps = self.features(inputs).flatten(2)
        return Code(torch.cat([head(maps[:, i]) for i, head in enumerate(self.heads)], 1))

    def decode(self, concepts: Float[Tensor, "b k"]) -> Float[Tensor, "b c h w"]:
        """Each concept spread over its map, and the maps decoded."""
        return self.decoder(self.spread(concepts[..., None]).unflatten(2, self.grid))


class Vae(nn.Module):
    """A variational autoencoder (Higgins et al. 2017): concepts are the means of its latent Gaussians."""

    learned = True
    WIDTHS = (512, 256, 100)

    def __init__(self, feature_shape: tuple[int, ...], num_concepts: int) -> None:
        super().__init__()
        self.feature_shape, self.num_concepts = feature_shape, num_concepts
        size = math.prod(feature_shape)
        self.encoder = nn.Sequential(nn.Flatten(), *rectified((size, *self.WIDTHS)))
        self.mean = nn.Linear(self.WIDTHS[-1], num_concepts)
        self.log_variance = nn.Linear(self.WIDTHS[-1], num_concepts)
        hidden = self.WIDTHS[::-1]
        self.decoder = nn.Sequential(
            *rectified((num_concepts, *hidden)), nn.Linear(hidden[-1], size), nn.Sigmoid(),
            nn.Unflatten(1, feature_shape),
        )  # fmt: skip

    def encode(self, inputs: Float[Tensor, "b *feature"]) -> Code:
        """Means and log variances."""
        features = self.encoder(inputs)
        return Code(self.mean(features), self.log_variance(features))

    def decode(self, concepts: Float[Tensor, "b k"]) -> Float[Tensor, "b *feature"]:
        """The inputs of latent values."""
        return self.decoder(concepts)


def build_concepts(settings: Settings, feature_shape: tuple[int, ...]) -> nn.Module:
    """The conceptizer of some settings.

    Raises:
        ValueError: convolutions over inputs that are no images with sides divisible by 4.
    """
    if settings.concepts == "identity":
        return Identity(feature_shape, bias=settings.bias)
    if settings.concepts == "vae":
        return Vae(feature_shape, settings.num_concepts)
    check_image(feature_shape)
    return ConvolutionalAutoencoder(feature_shape, settings.num_concepts)


def check_image(feature_shape: tuple[int, ...]) -> None:
    """Raises ValueError unless inputs are images that two poolings fit."""
    if len(feature_shape) != 3 or any(side % 4 or side < 4 for side in feature_shape[1:]):
        raise ValueError(
            f"convolutional networks need images (c, h, w) with sides divisible by 4, got {feature_shape}; "
            "take concepts identity or vae and dense relevances"
        )


def trunk(channels: int, widths: tuple[int, int], *, small: bool, dropout: float = 0.0) -> nn.Sequential:
    """Two convolutions, each pooled and rectified; 5x5 without border, or 3x3 with one for small images."""
    size, padding = (3, 1) if small else (5, 0)
    return nn.Sequential(
        nn.Conv2d(channels, widths[0], size, padding=padding), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(widths[0], widths[1], size, padding=padding), Dropout(dropout, maps=True), nn.MaxPool2d(2), nn.ReLU(),
    )  # fmt: skip


class Dropout(nn.Module):
    """Leaves out a share of features, or of whole maps, while training; drawn on the CPU, alike for every device."""

    def __init__(self, share: float, *, maps: bool = False) -> None:
        super().__init__()
        self.share, self.maps = share, maps

    def forward(self, features: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *feature"]:
        """The features, scaled so that their mean stays."""
        if not self.training or not self.share:
            return features
        shape = features.shape[:2] + (1,) * (features.ndim - 2) if self.maps else features.shape
        mask = torch.empty(shape).bernoulli_(1 - self.share) / (1 - self.share)
        return features * mask.to(features)


def rectified(widths: tuple[int, ...]) -> list[nn.Module]:
    """Linear layers of some widths, a ReLU after each."""
    return [layer for one, other in pairwise(widths) for layer in (nn.Linear(one, other), nn.ReLU())]


def divergence(code: Code) -> Float[Tensor, ""]:
    """KL of the latent Gaussians from the standard normal: summed over concepts, mean over examples; 0 for numbers."""
    if code.log_variance is None:
        return code.concepts.new_zeros(())
    mean, log_variance = code.concepts, code.log_variance
    return 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1).mean()


def sample(code: Code) -> Float[Tensor, "b k"]:
    """Concepts drawn from their distributions, or themselves."""
    if code.log_variance is None:
        return code.concepts
    return code.concepts + (0.5 * code.log_variance).exp() * torch.randn(code.concepts.shape).to(code.concepts)


def reconstruction(inputs: Float[Tensor, "b *feature"], decoded: Float[Tensor, "b *feature"]) -> Float[Tensor, ""]:
    """Mean squared error over all values."""
    return F.mse_loss(decoded, inputs)
