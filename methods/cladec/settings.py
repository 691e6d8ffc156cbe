"""What a training of ClaDec is, as data: the options of the command line, a preset. No torch."""

import math
from dataclasses import dataclass
from typing import Literal

Reduction = Literal["sum", "mean"]
Target = Literal["true", "predicted"]
DecoderKind = Literal["generated", "published", "published_dense", "published_conv"]


@dataclass(frozen=True)
class Settings:
    """Training of one decoder, or of the reference autoencoder beside it.

    Attributes:
        reduction: sum or mean of the squared errors of an image; docs/cladec.md converts the alpha of one into that of
            the other.
        target: label in the classification loss: the true one or the one that the classifier predicts.
        decoder: architecture of the decoder. generated fits the shape of the code. published_dense (vectors) and
            published_conv (feature maps) are for 28x28 images; published takes the one of them that fits the code.
        variational: true passes the code through latent Gaussians (ClaDec-VAE, RefVAE).
        latent_dim: number of latent Gaussians.
        beta: weight of the KL divergence of the latent Gaussians, beside summed errors.
        epochs: number of epochs of each decoder.
        batch_size: number of images in each step.
        learning_rate: Adam's learning rate.
        epsilon: Adam's epsilon.
        weight_decay: L2 penalty on all weights, through the gradient.
        evaluation_epochs: number of epochs of a fresh classifier that learns from reconstructions.
    """

    reduction: Reduction = "sum"
    target: Target = "true"
    decoder: DecoderKind = "generated"
    variational: bool = False
    latent_dim: int = 2
    beta: float = 1.0
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 5e-3
    epsilon: float = 1e-4
    weight_decay: float = 0.0
    evaluation_epochs: int = 10

    def check(self) -> None:
        """Raises ValueError where a value is out of its range, or two contradict each other."""
        for name in ("latent_dim", "epochs", "batch_size", "learning_rate", "epsilon", "evaluation_epochs"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("beta", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.variational and self.decoder != "generated":
            raise ValueError(f"variational needs a generated decoder, got {self.decoder}; leave one of them out")


def check_alpha(alpha: float) -> None:
    """Raises ValueError unless an alpha lies in [0, 1]."""
    if not 0 <= alpha <= 1:
        hint = f"; did you mean {alpha / 100:g}?" if 1 < alpha <= 100 else ""
        raise ValueError(f"alpha must lie in [0, 1], got {alpha:g}{hint}")


def shortest(alpha: float) -> str:
    """The shortest text that no other alpha has; reports/cladec/results.py writes them likewise.

    >>> [shortest(alpha) for alpha in (0.0, 0.5, 0.99, 0.9999999, 1.0)]
    ['0', '0.5', '0.99', '0.9999999', '1']
    """
    return repr(float(alpha)).removesuffix(".0")


def converted(alpha: float, num_values: int, *, to: Reduction) -> float:
    """The alpha that weighs both losses alike under the other reduction, for images of so many values (pixels).

    The mean of squared errors is their sum over P, hence alpha_sum = P a / (P a + 1 - a) of a mean a, and back
    a = s / (s + P (1 - s)). The losses are proportional, so that gradients differ by a factor and minima not at all.

    >>> round(converted(0.001, 1024, to="sum"), 3), round(converted(0.99, 784, to="mean"), 3)
    (0.506, 0.112)
    """
    check_alpha(alpha)
    if to == "sum":
        return num_values * alpha / (num_values * alpha + 1 - alpha)
    return alpha / (alpha + num_values * (1 - alpha))
