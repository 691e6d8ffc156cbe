"""The self-explaining network: logits are sums of concepts times relevances, f_c(x) = sum_i theta_ic(x) h_i(x)."""

import math
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from roarbench.methods.senn.concepts import SMALL, Code, Dropout, build_concepts, check_image, rectified, trunk
from roarbench.methods.senn.settings import Settings


class Explanation(NamedTuple):
    """A prediction with its reasons.

    Attributes:
        code: concepts h.
        relevances: theta, for each concept and class.
        logits: exactly the sum over concepts of h times theta.
    """

    code: Code
    relevances: Float[Tensor, "b k c"]
    logits: Float[Tensor, "b c"]

    @property
    def concepts(self) -> Float[Tensor, "b k"]:
        """The concepts h."""
        return self.code.concepts

    @property
    def contributions(self) -> Float[Tensor, "b k c"]:
        """What each concept adds to each logit."""
        return self.concepts[..., None] * self.relevances


class Senn(nn.Module):
    """Alvarez-Melis and Jaakkola 2018, arXiv:1806.07538, with the sum as aggregator.

    Differs from the paper: it returns logits, and the softmax is in the loss; see `losses`.
    """

    def __init__(self, settings: Settings, feature_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.concepts = build_concepts(settings, feature_shape)
        self.relevances = build_relevances(settings, feature_shape, (self.concepts.num_concepts, num_classes))  # type: ignore[arg-type]

    def explain(self, inputs: Float[Tensor, "b *feature"]) -> Explanation:
        """Logits with the concepts and relevances that they are made of."""
        code, relevances = self.concepts.encode(inputs), self.relevances(inputs)  # type: ignore[operator]
        return Explanation(code, relevances, mixed(code.concepts, relevances))

    def forward(self, inputs: Float[Tensor, "b *feature"]) -> Float[Tensor, "b c"]:
        """Logits."""
        return self.explain(inputs).logits


def mixed(concepts: Float[Tensor, "b k"], relevances: Float[Tensor, "b k c"]) -> Float[Tensor, "b c"]:
    """The sum over concepts of concept times relevance."""
    return (concepts[..., None] * relevances).sum(1)


def build_relevances(settings: Settings, feature_shape: tuple[int, ...], outputs: tuple[int, int]) -> nn.Sequential:
    """The parameterizer of some settings: inputs -> relevances `(b, concepts, classes)`.

    Raises:
        ValueError: convolutions over inputs that are no images with sides divisible by 4.
    """
    if settings.relevances == "dense":
        widths = (math.prod(feature_shape), *settings.hidden)
        features, size = nn.Sequential(nn.Flatten(), *rectified(widths)), widths[-1]
    else:
        check_image(feature_shape)
        channels, *sides = feature_shape
        small = min(sides) < SMALL
        size = 20 * math.prod(side // 4 if small else (side - 12) // 4 for side in sides)
        features = nn.Sequential(trunk(channels, (10, 20), small=small, dropout=settings.dropout), nn.Flatten())
    left_out = Dropout(settings.dropout)
    head = nn.Linear(size, math.prod(outputs))
    ending = [left_out, head] if not settings.dropout_outputs else [head, left_out]
    return nn.Sequential(features, *ending, nn.Tanh() if settings.bounded else nn.Identity(), nn.Unflatten(1, outputs))
