"""ClaDec and its reference: what is decoded from the code of a layer, and from a code that was learned for it."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.cladec.decoders import Shape, build_decoder
from roarbench.methods.cladec.layers import CHUNK, Encoder, codes
from roarbench.methods.cladec.settings import Settings


class Latent(NamedTuple):
    """Gaussians of a batch."""

    mean: Float[Tensor, "b z"]
    log_variance: Float[Tensor, "b z"]


class Decoded(NamedTuple):
    """Images of a batch, and the Gaussians they were drawn from, where there are any."""

    images: Float[Tensor, "b c h w"]
    latent: Latent | None = None


class Gaussians(nn.Module):
    """Two linear heads on a code: mean and log variance."""

    def __init__(self, code_shape: Shape, latent_dim: int) -> None:
        super().__init__()
        size = math.prod(code_shape)
        self.mean, self.log_variance = nn.Linear(size, latent_dim), nn.Linear(size, latent_dim)

    def forward(self, code: Float[Tensor, "b *code"]) -> Latent:
        flat = code.flatten(1)
        return Latent(self.mean(flat), self.log_variance(flat))


class Autoencoder(nn.Module):
    """A decoder with what makes its code.

    For ClaDec the encoder is the identity, on codes of the frozen classifier; for the reference (RefAE, RefVAE) it has
    the layers of the classifier with fresh weights. Differs from the published code: no dropout in either, and a
    variational one decodes the means when it is not training.
    """

    def __init__(self, settings: Settings, code_shape: Shape, feature_shape: Shape, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.gaussians = Gaussians(code_shape, settings.latent_dim) if settings.variational else None
        shape = (settings.latent_dim,) if settings.variational else code_shape
        self.decoder = build_decoder(settings.decoder, shape, feature_shape)
        self.to(memory_format=torch.channels_last)  # convolutions are faster so

    def decode(self, seen: Float[Tensor, "b *seen"]) -> Decoded:
        """Images of codes (ClaDec) or of images (reference)."""
        code = self.encoder(seen)
        if self.gaussians is None:
            return Decoded(self.decoder(code))
        latent = self.gaussians(code)
        if not self.training:
            return Decoded(self.decoder(latent.mean), latent)
        noise = torch.randn(latent.mean.shape).to(latent.mean)  # drawn on the CPU, whose generator is kept
        return Decoded(self.decoder(latent.mean + (latent.log_variance / 2).exp() * noise), latent)

    def forward(self, seen: Float[Tensor, "b *seen"]) -> Float[Tensor, "b c h w"]:
        """Their images alone, in (0, 1)."""
        return self.decode(seen).images


@dataclass(frozen=True)
class Explained:
    """A classifier, the layer of it that is explained, and an example that gives the shapes.

    Attributes:
        path: dotted name of the module; see `layers.located`.
    """

    classifier: nn.Module
    path: str
    example: Float[Tensor, "1 *feature"]

    @property
    def code_shape(self) -> Shape:
        """Shape of one code."""
        return tuple(codes(self.classifier, self.path, self.example).shape[1:])

    def cladec(self, settings: Settings) -> Autoencoder:
        """A fresh decoder of the codes."""
        return self._built(settings, nn.Identity())

    def reference(self, settings: Settings) -> Autoencoder:
        """A fresh autoencoder of the same shape."""
        return self._built(settings, Encoder(self.classifier, self.path, self.example))

    def _built(self, settings: Settings, encoder: nn.Module) -> Autoencoder:
        shape = tuple(self.example.shape[1:])
        return Autoencoder(settings, self.code_shape, shape, encoder).to(self.example.device)


@torch.no_grad()
def decode(model: Autoencoder, explained: Explained, inputs: Float[Tensor, "b c h w"]) -> Decoded:
    """What the model, left in eval mode, makes of images: by codes of the classifier, or by an encoder of its own."""
    return model.eval().decode(_seen(model, explained, inputs))


@torch.no_grad()
def mean_codes(model: Autoencoder, explained: Explained, split: Split) -> Float[Tensor, "n latent"]:
    """Means of the Gaussians that a variational model, left in eval mode, sees in images.

    Raises:
        ValueError: the model is not variational.
    """
    if model.gaussians is None:
        raise ValueError("mean_codes needs a variational model; train one with variational = true")
    model.eval()
    parts = (model.encoder(_seen(model, explained, chunk.inputs)) for chunk in split.chunks(CHUNK))
    return torch.cat([model.gaussians(code).mean for code in parts])


def _seen(model: Autoencoder, explained: Explained, inputs: Float[Tensor, "b c h w"]) -> Tensor:
    """What the encoder of the model is given."""
    own = isinstance(model.encoder, Encoder)
    return inputs if own else codes(explained.classifier, explained.path, inputs)


def reconstruct(model: Autoencoder, explained: Explained, inputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The images of `decode` alone, in (0, 1)."""
    return decode(model, explained, inputs).images.contiguous()


def reconstructed(model: Autoencoder, explained: Explained, split: Split) -> Split:
    """A split with reconstructions in place of its images."""
    images = torch.cat([reconstruct(model, explained, chunk.inputs) for chunk in split.chunks(CHUNK)])
    return Split(images, split.labels)
