"""Explainers that follow the attention of a vision transformer from its class token back to the patches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains
from roarbench.methods.tokens import readable, side


@dataclass(frozen=True)
class AttentionRollout:
    """Attention rollout: product of the attention of all blocks, half of it the skip connection; alike for all classes.

    Paper: Abnar, Zuidema 2020, arXiv:2005.00928, s.3; product over blocks of (A + I) / 2, A the mean over heads.
    Differs from the paper: the row of the class token is the map, for images; the paper has words. Rows sum to 1 by
    themselves. Each pixel of a patch, and each channel, has the value of the patch.
    Cost: 1 forward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"
    targeted: ClassVar[bool] = False

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the classifier is no vision transformer with a class token and a square number of patches.
        """
        network = readable(classifier, train.at(torch.arange(1)).inputs, "attention_rollout")

        def attribute(inputs: Float[Tensor, "b c h w"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b c h w"]:
            with torch.no_grad():
                _, weights = network(inputs)
            return on_pixels(rollout(weights), inputs)

        return attribute


@dataclass(frozen=True)
class GradientXAttention:
    """Positive part of attention times gradients of the target's logit, summed over all paths through blocks.

    Paper: Chefer, Gur, Wolf 2021, arXiv:2103.15679, eq. 5 and 6 for self-attention; from R = I on,
    R <- R + mean over heads of relu(d logit_t / d A * A) @ R for each block.
    Differs from the paper: nowhere in R. The row of the class token is enlarged by repetition, not bilinearly. Each
    pixel of a patch, and each channel, has the value of the patch.
    Cost: 1 forward and 1 backward pass.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the classifier is no vision transformer with a class token and a square number of patches.
        """
        network = readable(classifier, train.at(torch.arange(1)).inputs, "gradient_x_attention")

        def attribute(inputs: Float[Tensor, "b c h w"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b c h w"]:
            weights, gradients = network.gradients(inputs, targets)
            return on_pixels(relevance(weights, gradients), inputs)

        return attribute


def rollout(weights: Sequence[Float[Tensor, "b heads n n"]]) -> Float[Tensor, "b n n"]:
    """Abnar, Zuidema 2020, s.3: how much of each token there is in each token of the last block; rows sum to 1.

    Args:
        weights: attention of each block, the first one first.
    """
    eye = torch.eye(weights[0].shape[-1]).to(weights[0])
    rolled = eye.expand(len(weights[0]), -1, -1)
    for attention in weights:
        rolled = (attention.mean(1) + eye) / 2 @ rolled
    return rolled


def relevance(
    weights: Sequence[Float[Tensor, "b heads n n"]], gradients: Sequence[Float[Tensor, "b heads n n"]]
) -> Float[Tensor, "b n n"]:
    """Chefer, Gur, Wolf 2021, eq. 5 and 6: the relevance of each token for each token of the last block, at least 0.

    Args:
        weights: attention of each block, the first one first.
        gradients: derivatives of the target's logit with respect to them.
    """
    relevances = torch.eye(weights[0].shape[-1]).to(weights[0]).expand(len(weights[0]), -1, -1)
    for attention, gradient in zip(weights, gradients, strict=True):
        relevances = relevances + (gradient * attention).relu().mean(1) @ relevances
    return relevances


def on_pixels(tokens: Float[Tensor, "b n n"], inputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The row of the class token over the patches, each repeated over its pixels and channels."""
    patches = tokens[:, 0, 1:].unflatten(1, (1, side(tokens.shape[1]), -1))
    return F.interpolate(patches, inputs.shape[2:], mode="nearest").expand_as(inputs).clone()
