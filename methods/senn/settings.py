"""What a training of a self-explaining network is, as data: the options of the command line, a preset. No torch."""

import math
from dataclasses import dataclass
from typing import Literal

Concepts = Literal["identity", "convolutional", "vae"]
Relevances = Literal["dense", "convolutional"]
Robustness = Literal["residual", "probe", "reproduction"]


@dataclass(frozen=True)
class Settings:
    """Training of a SENN, or of a DiSENN, whose concepts are those of a beta-VAE.

    Attributes:
        concepts: kind of concepts: identity takes every feature as a concept; convolutional and vae learn num_concepts
            of them.
        num_concepts: number of learned concepts.
        bias: true adds a concept that is always 1, so that logits have an offset; for identity only.
        relevances: network of the relevances; dense is for rows of a table or flattened images.
        hidden: widths of the hidden layers of a dense network.
        bounded: true ends the relevances in a hyperbolic tangent, in (-1, 1).
        dropout: share of the features before the relevances that a training step leaves out, in [0, 1).
        dropout_outputs: true leaves out relevances instead of features, as the published code does.
        robustness: form of the robustness loss. residual penalises grad f - theta^T J h of all logits, exactly. probe
            estimates that without bias at the cost of one class. reproduction has the forms of the published code,
            which are wrong (docs/senn.md).
        robust_weight: lambda, the weight of the robustness loss.
        concept_weight: weight of the concept loss: reconstruction with sparsity or KL divergence. It has no effect on
            identity.
        sparsity: xi, the weight of the mean magnitude of the concepts within the concept loss.
        beta: weight of the KL divergence of a VAE.
        pretraining_epochs: number of epochs in which the concepts are trained alone, before all else.
        pretraining_beta: weight of the KL divergence while the concepts are trained alone.
        epochs: number of epochs of the joint training.
        batch_size: number of examples in each step.
        learning_rate: Adam's learning rate.
    """

    concepts: Concepts = "identity"
    num_concepts: int = 5
    bias: bool = True
    relevances: Relevances = "dense"
    hidden: tuple[int, ...] = (5, 5)
    bounded: bool = False
    dropout: float = 0.0
    dropout_outputs: bool = False
    robustness: Robustness = "residual"
    robust_weight: float = 1e-4
    concept_weight: float = 1.0
    sparsity: float = 2e-5
    beta: float = 4.0
    pretraining_epochs: int = 0
    pretraining_beta: float = 1.0
    epochs: int = 10
    batch_size: int = 200
    learning_rate: float = 1e-3

    def check(self) -> None:
        """Raises ValueError where a value is out of its range, or two contradict each other."""
        for name in ("num_concepts", "epochs", "batch_size", "learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("robust_weight", "concept_weight", "sparsity", "beta", "pretraining_beta", "pretraining_epochs"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {self.dropout:g}; 0.5 leaves out a half")
        if any(width < 1 for width in self.hidden):
            raise ValueError(f"hidden must be widths of at least 1, got {self.hidden}")
        if self.pretraining_epochs and self.concepts == "identity":
            raise ValueError("pretraining_epochs needs concepts that are learned, got identity; leave it out")


@dataclass(frozen=True)
class Experiment:
    """Data and settings of a training.

    Attributes:
        dataset: data set, such as "mnist" or "compas[grouped=true]".
    """

    dataset: str = "digits"
    settings: Settings = Settings()
