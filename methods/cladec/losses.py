"""The loss of ClaDec: (1 - alpha) * reconstruction + alpha * classification, by the frozen classifier."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.methods.cladec.model import Decoded, Latent
from roarbench.methods.cladec.settings import Reduction, Settings


@dataclass(frozen=True)
class Losses:
    """The parts of the loss of a batch, unweighted, and their weighted sum; parts without weight are 0."""

    reconstruction: Float[Tensor, ""]
    classification: Float[Tensor, ""]
    latent_divergence: Float[Tensor, ""]
    total: Float[Tensor, ""]


def losses(
    decoded: Decoded,
    images: Float[Tensor, "b c h w"],
    targets: Int[Tensor, "b"],
    classifier: nn.Module,
    *,
    alpha: float,
    settings: Settings,
) -> Losses:
    """Schneider and Vlachos 2021, arXiv:2005.13630, eq. 1, with the KL divergence of latent Gaussians.

    Differs from the published code: under `mean` the divergence is divided like the error.

    Args:
        classifier: frozen, see `layers.frozen`; gradients reach its inputs alone.
        targets: true or predicted classes.
    """
    zero = images.new_zeros(())
    pixel_loss = error(decoded, images, settings.reduction) if alpha < 1 else zero
    classification = F.cross_entropy(classifier(decoded.images), targets) if alpha > 0 else zero
    spread = divergence(decoded.latent, images, settings.reduction) if decoded.latent else zero
    return Losses(
        pixel_loss, classification, spread, (1 - alpha) * pixel_loss + alpha * classification + settings.beta * spread
    )


def error(decoded: Decoded, images: Float[Tensor, "b c h w"], reduction: Reduction) -> Float[Tensor, ""]:
    """What is trained: squared error, or the binary cross-entropy of pixels where the code was drawn from Gaussians."""
    if decoded.latent is None:
        return reconstruction(decoded.images, images, reduction)
    entropy = F.binary_cross_entropy(decoded.images, images, reduction=reduction)
    return entropy if reduction == "mean" else entropy / len(images)


def reconstruction(
    decoded: Float[Tensor, "b c h w"], images: Float[Tensor, "b c h w"], reduction: Reduction
) -> Float[Tensor, ""]:
    """Squared error of an image, the sum over its values or their mean; mean over the batch."""
    if reduction == "mean":
        return F.mse_loss(decoded, images)
    return F.mse_loss(decoded, images, reduction="sum") / len(images)


def divergence(latent: Latent, images: Float[Tensor, "b c h w"], reduction: Reduction) -> Float[Tensor, ""]:
    """KL of the Gaussians from the standard normal, summed over dimensions, mean over the batch."""
    mean, log_variance = latent
    nats = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1).mean()
    return nats / images[0].numel() if reduction == "mean" else nats
