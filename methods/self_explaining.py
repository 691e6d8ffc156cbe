"""SENN and DiSENN as explainers: networks that explain themselves rank the features by their own reasons."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import Explainer, Explains, Skip, View
from roarbench.methods.senn.model import Explanation, Senn
from roarbench.methods.senn.settings import Concepts, Robustness, Settings
from roarbench.methods.senn.training import Training

Score = Literal["jacobian", "magnitude", "gradient", "relevance", "contribution"]
SCORES: tuple[Score, ...] = get_args(Score)
OF_FEATURES = ("relevance", "contribution")
"""Scores that need features as concepts."""

BETA = 1.0
"""Of DiSENN; with the published 4 the latents of small images collapse: 81 instead of 98 % on digits."""


@dataclass(frozen=True)
class TrainedSenn:
    """All scores of one SENN, trained on the training split; not in the table.

    Paper: Alvarez-Melis, Jaakkola 2018, arXiv:1806.07538.
    Differs from the paper: see `methods.senn.losses`.

    Attributes:
        See `SelfExplaining`.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "itself"

    concepts: Concepts
    num_concepts: int
    robust_weight: float
    robustness: Robustness
    steps: int
    batch_size: int
    learning_rate: float
    surrogate: bool

    def prepare(self, classifier: nn.Module, train: Split) -> Callable[[Tensor, Tensor], Tensor]:
        """Trains the network; the function gives all scores, stacked behind the examples."""
        network = self._trained(classifier, train).eval()

        def attribute(
            inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]
        ) -> Float[Tensor, "b scores *feature"]:
            with torch.no_grad():
                classes = targets if self.surrogate else network(inputs).argmax(1)
            return torch.stack(scores(network, inputs, classes), 1)

        return attribute

    def settings(self, feature_shape: tuple[int, ...], num_examples: int) -> Settings:
        """The training; its steps are rounded up to whole epochs."""
        images = len(feature_shape) == 3
        return Settings(
            concepts=self.concepts, num_concepts=self.num_concepts, bounded=self.concepts != "identity",
            relevances="convolutional" if images else "dense", hidden=(32, 32), dropout=0.1 if images else 0.0,
            robustness=self.robustness, robust_weight=self.robust_weight,
            pretraining_epochs=1 if self.concepts == "vae" else 0,
            epochs=-(-self.steps // max(1, -(-num_examples // max(1, self.batch_size)))),
            batch_size=self.batch_size, learning_rate=self.learning_rate, beta=BETA,
        )  # fmt: skip

    @torch.enable_grad()
    def _trained(self, classifier: nn.Module, train: Split) -> Senn:
        chunks = train.chunks() if self.surrogate else [train.at(torch.arange(1))]
        with torch.no_grad():
            logits = torch.cat([classifier(chunk.inputs) for chunk in chunks])
        settings = self.settings(train.feature_shape, len(train))
        try:
            network = Senn(settings, train.feature_shape, logits.shape[1]).to(logits.device)
        except ValueError as error:
            raise Skip(str(error)) from None
        split = replace(train, labels=logits.argmax(1)) if self.surrogate else train
        training = Training(network, split, split.take(torch.arange(0)), settings)
        training.pretrain()
        while not training.finished:
            training.epoch()
        return network


@dataclass(frozen=True)
class SelfExplaining(View):
    """Relevances of a self-explaining network (SENN) for its own prediction; it is trained beside the classifier.

    Paper: Alvarez-Melis, Jaakkola 2018, arXiv:1806.07538; f_c(x) = sum_i theta_ic(x) h_i(x).
    Differs from the paper: the robustness loss is of logits, for each class; see docs/senn.md.
    Cost: no forward pass of the classifier. A network is trained first; a map takes 1 pass of it.

    Attributes:
        score: relevance is theta, and contribution theta * x, of features as concepts. jacobian is theta^T J h, the map
            in the robustness loss. magnitude is sum_i |theta_i h_i| |grad h_i| / |grad h_i|_2, so that concepts do not
            cancel. gradient is the plain gradient of the same network, a control.
        concepts: identity takes features, convolutional and vae learn num_concepts of them.
        num_concepts: number of concepts that are learned.
        robust_weight: lambda, the weight of the robustness loss.
        robustness: probe costs a class, residual all.
        steps: training steps, rounded up to whole epochs.
        batch_size: examples in each step.
        learning_rate: of the training.
        surrogate: learns the classes that the classifier predicts, and explains those.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "itself"
    trains: ClassVar[bool] = True

    score: Score = "jacobian"
    concepts: Concepts = "convolutional"
    num_concepts: int = 5
    robust_weight: float = 1e-2
    robustness: Robustness = "probe"
    steps: int = 1500
    batch_size: int = 100
    learning_rate: float = 3e-3
    surrogate: bool = False

    def __post_init__(self) -> None:
        if self.score in OF_FEATURES and self.concepts != "identity":
            raise ValueError(f"score {self.score} needs concepts=identity, got {self.concepts}")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        self._training.settings((1,), 1).check()

    @property
    def source(self) -> Explainer:
        """The training, which all scores share."""
        return self._training

    @property
    def _training(self) -> TrainedSenn:
        return TrainedSenn(
            self.concepts, self.num_concepts, self.robust_weight, self.robustness, self.steps, self.batch_size,
            self.learning_rate, self.surrogate,
        )  # fmt: skip

    def reduce(self, passed: Float[Tensor, "b scores *feature"]) -> Float[Tensor, "b *feature"]:
        """The score that is asked for."""
        return passed[:, SCORES.index(self.score)].contiguous()


@dataclass(frozen=True)
class Disentangled(SelfExplaining):
    """Relevances of a self-explaining network whose concepts are the latent means of a beta-VAE (DiSENN).

    Paper: Elbaghdadi, Hussain, Hoenes, Bardarov 2020, a reproduction of arXiv:1806.07538 with DiSENN.
    Differs from the paper: the robustness loss is of logits, for each class; beta is 1, not 4; see docs/senn.md.
    Cost: no forward pass of the classifier. A network is trained first; a map takes 1 pass of it.

    Attributes:
        See `SelfExplaining`.
    """

    concepts: Concepts = "vae"


@torch.enable_grad()
def scores(network: Senn, inputs: Float[Tensor, "b *feature"], classes: Int[Tensor, "b"]) -> list[Tensor]:
    """All `SCORES` for some classes, each of the shape of the inputs; those of features are 0 for learned concepts."""
    inputs = inputs.detach().requires_grad_()
    explanation = network.explain(inputs)
    rows = torch.arange(len(inputs), device=inputs.device)
    relevances = explanation.relevances[rows, :, classes]
    (gradient,) = torch.autograd.grad(explanation.logits[rows, classes].sum(), inputs, retain_graph=True)
    if not network.concepts.learned:
        relevance = network.concepts.decode(relevances).detach()  # type: ignore[operator]
        contribution = relevance * inputs.detach()
        return [relevance, contribution.abs(), gradient, relevance, contribution]
    slopes = _slopes(explanation, inputs)
    jacobian = torch.einsum("bk,bk...->b...", relevances.detach(), slopes)
    weights = (relevances * explanation.concepts).abs().detach()
    lengths = slopes.flatten(2).norm(dim=2).clamp_min(torch.finfo(slopes.dtype).tiny)
    magnitude = torch.einsum("bk,bk...->b...", weights / lengths, slopes.abs())
    none = torch.zeros_like(gradient)
    return [jacobian, magnitude, gradient, none, none]


def _slopes(explanation: Explanation, inputs: Tensor) -> Float[Tensor, "b k *feature"]:
    """Gradient of every concept with respect to the inputs."""
    columns = explanation.concepts.unbind(1)
    return torch.stack([torch.autograd.grad(c.sum(), inputs, retain_graph=True)[0] for c in columns], 1)
