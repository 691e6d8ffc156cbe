"""Training ClaDec on cached codes, or its reference on images, epoch by epoch."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Adam

from roarbench.datasets.base import Split
from roarbench.datasets.batches import batches
from roarbench.datasets.stream import Stream
from roarbench.methods.cladec.layers import CHUNK, codes_of, frozen
from roarbench.methods.cladec.losses import Losses, losses
from roarbench.methods.cladec.model import Autoencoder, Explained
from roarbench.methods.cladec.settings import Settings, Target

PARTS = ("reconstruction", "classification", "latent_divergence", "total")

Row = dict[str, float]


@dataclass(frozen=True)
class Material:
    """What a model learns from.

    Attributes:
        seen: codes of a layer for ClaDec, computed once; the images themselves for the reference.
        images: what is reconstructed.
        targets: classes that reconstructions should be taken for.
    """

    seen: Float[Tensor, "n *seen"]
    images: Float[Tensor, "n c h w"]
    targets: Int[Tensor, "n"]


def check_in_memory(split: Split) -> None:
    """Raises ValueError for a stream: inputs and codes are learned from over and over, in any order."""
    if isinstance(split, Stream):
        raise ValueError("ClaDec needs data in memory, got a stream from disk; leave in_memory=false out")


def coded(explained: Explained, split: Split, target: Target) -> Material:
    """The material of ClaDec.

    Raises:
        ValueError: a stream, before any of it is read.
    """
    check_in_memory(split)
    codes = codes_of(explained.classifier, explained.path, split)
    labels = split.labels if target == "true" else predicted(explained.classifier, split)
    return Material(codes, split.inputs, labels)


def of_images(split: Split) -> Material:
    """The material of the reference.

    Raises:
        ValueError: a stream.
    """
    check_in_memory(split)
    return Material(split.inputs, split.inputs, split.labels)


@torch.no_grad()
def predicted(classifier: nn.Module, split: Split) -> Int[Tensor, "n"]:
    """What the classifier takes examples for."""
    with frozen(classifier):
        return torch.cat([classifier(chunk.inputs).argmax(1) for chunk in split.chunks(CHUNK)])


@torch.no_grad()
def start_at_mean(decoder: nn.Module, images: Float[Tensor, "n c h w"]) -> None:
    """Lets a decoder begin with images of the mean brightness of each channel.

    Begun at 0.5, images that are mostly black drive all weights together until the sigmoid is 0 and nothing is learned.
    """
    last = [layer for layer in decoder.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)][-1]
    assert last.bias is not None
    last.bias.copy_(images.mean((0, 2, 3)).logit(1e-3))


class Training:
    """A training under way. Randomness comes from the global generator of torch: seed it, or restore it.

    Attributes:
        rows: epoch and the parts of the training loss, for every epoch so far.
    """

    def __init__(
        self, model: Autoencoder, classifier: nn.Module, material: Material, *, alpha: float, settings: Settings
    ) -> None:
        self.model, self.classifier, self.material = model, classifier, material
        self.alpha, self.settings = alpha, settings
        if settings.decoder == "generated":
            start_at_mean(model.decoder, material.images)
        self.optimiser = Adam(
            model.parameters(), settings.learning_rate, eps=settings.epsilon, weight_decay=settings.weight_decay,
            fused=True,
        )  # fmt: skip
        self.rows: list[Row] = []

    @property
    def finished(self) -> bool:
        """Whether all epochs are over."""
        return len(self.rows) >= self.settings.epochs

    def epoch(self) -> Row:
        """One epoch; returns its row."""
        self.model.train()
        material, device = self.material, self.material.images.device
        sums = torch.zeros(len(PARTS), dtype=torch.float64, device=device)
        order = torch.randperm(len(material.images)).to(device)
        with frozen(self.classifier):
            for batch in batches(order, self.settings.batch_size):
                loss = self._step(material.seen[batch], material.images[batch], material.targets[batch])
                sums += len(batch) * torch.stack([getattr(loss, name).detach() for name in PARTS]).double()
        means = dict(zip(PARTS, (sums / len(order)).tolist(), strict=True))
        self.rows.append({"epoch": float(len(self.rows) + 1)} | means)
        return self.rows[-1]

    def _step(self, inputs: Tensor, images: Tensor, targets: Tensor) -> Losses:
        decoding = self.model.decode(inputs)
        loss = losses(decoding, images, targets, self.classifier, alpha=self.alpha, settings=self.settings)
        self.optimiser.zero_grad()
        loss.total.backward()
        self.optimiser.step()
        return loss


@torch.enable_grad()
def fit_all(
    explained: Explained, train: Split, settings: Settings, *, alphas: tuple[float | None, ...]
) -> list[Autoencoder]:
    """Trained models in eval mode, one after the other: ClaDec for an alpha, its reference for None.

    Weights, order and noise come from the global generator of torch. Codes are computed once; the classifier is left as
    it was.

    Raises:
        ValueError: no images, a stream, or a layer that the decoder is not for.
    """
    of_codes = coded(explained, train, settings.target)
    return [
        _fitted(explained, of_images(train) if alpha is None else of_codes, alpha=alpha, settings=settings)
        for alpha in alphas
    ]


def _fitted(explained: Explained, material: Material, *, alpha: float | None, settings: Settings) -> Autoencoder:
    model = explained.reference(settings) if alpha is None else explained.cladec(settings)
    training = Training(model, explained.classifier, material, alpha=alpha or 0.0, settings=settings)
    while not training.finished:
        training.epoch()
    return training.model.eval()
