"""What reconstructions are worth: errors, what the frozen classifier says of them, and what a fresh one learns."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.datasets.base import Dataset, Split
from roarbench.hns.evaluation import accuracy
from roarbench.methods.cladec.layers import CHUNK, frozen
from roarbench.methods.cladec.losses import divergence, error, reconstruction
from roarbench.methods.cladec.model import Autoencoder, Explained, decode, reconstructed
from roarbench.methods.cladec.settings import Settings


@runtime_checkable
class Learn(Protocol):
    """Trains a fresh classifier of the architecture that is explained."""

    def __call__(self, train: Split, *, epochs: int | None, part: str) -> nn.Module:
        """It in eval mode.

        Args:
            epochs: None for those of the classifier itself.
            part: of its seed.
        """
        ...


@dataclass(frozen=True)
class Report:
    """Means over the test images.

    Attributes:
        total: the loss that is trained; for a variational model with cross-entropy of pixels and with the divergence.
        reconstruction: squared error of an image, of any model, under the reduction of the training.
        classification: cross-entropy with the target of the training, by the frozen classifier on reconstructions; None
            for the reference, which has no such loss.
        frozen_accuracy, frozen_cross_entropy: of the frozen classifier on reconstructions, by true labels.
        agreement: share of images whose reconstruction it takes for the same class as the image.
        divergence: KL(f(x) || f(reconstruction)), in nats.
    """

    total: float
    reconstruction: float
    classification: float | None
    frozen_accuracy: float
    frozen_cross_entropy: float
    agreement: float
    divergence: float


@torch.no_grad()
def measure(
    model: Autoencoder, explained: Explained, test: Split, settings: Settings, *, alpha: float | None
) -> Report:
    """All of `Report`; alpha is None for the reference."""
    with frozen(explained.classifier):
        parts = [_measured(model, explained, chunk, settings, alpha or 0.0) for chunk in test.chunks(CHUNK)]
    means = (torch.stack(parts).sum(0) / len(test)).tolist()
    total, squared, classification, *others = means
    return Report(total, squared, None if alpha is None else classification, *others)


def evaluation_accuracy(
    model: Autoencoder, explained: Explained, data: Dataset, learn: Learn, settings: Settings, *, number: int
) -> float:
    """Accuracy, on reconstructions of test images, of a fresh classifier trained on those of the training images."""
    train = reconstructed(model, explained, data.train)
    network = learn(train, epochs=settings.evaluation_epochs, part=f"evaluator {number}")
    return accuracy(network, reconstructed(model, explained, data.test))


def _measured(
    model: Autoencoder, explained: Explained, chunk: Split, settings: Settings, alpha: float
) -> Float[Tensor, "7"]:
    """Sums over the images of a chunk, in the order of `Report`."""
    decoding = decode(model, explained, chunk.inputs)
    logits, decoded_logits = explained.classifier(chunk.inputs), explained.classifier(decoding.images)
    targets = chunk.labels if settings.target == "true" else logits.argmax(1)
    squares = reconstruction(decoding.images, chunk.inputs, settings.reduction)
    spread = (
        divergence(decoding.latent, chunk.inputs, settings.reduction) if decoding.latent else torch.zeros_like(squares)
    )
    classification, loss = F.cross_entropy(decoded_logits, targets), F.cross_entropy(decoded_logits, chunk.labels)
    total = (
        (1 - alpha) * error(decoding, chunk.inputs, settings.reduction)
        + alpha * classification
        + settings.beta * spread
    )
    kl = F.kl_div(decoded_logits.log_softmax(1), logits.log_softmax(1), reduction="batchmean", log_target=True)
    values = [
        total,
        squares,
        classification,
        _equal(decoded_logits, chunk.labels),
        loss,
        _equal(decoded_logits, logits.argmax(1)),
        kl,
    ]
    return torch.stack([value.double() for value in values]) * len(chunk)


def _equal(logits: Float[Tensor, "b k"], classes: Int[Tensor, "b"]) -> Float[Tensor, ""]:
    return (logits.argmax(1) == classes).float().mean()
