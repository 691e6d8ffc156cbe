"""Instruments: another explainer, spoilt in one known way, to see what a measure makes of it."""

import copy
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explainer, Explains, Skip
from roarbench.methods.gradient import Gradient


@dataclass(frozen=True)
class RandomClass:
    """Instrument: another explainer's attributions for a random class instead of the predicted one.

    The rest of a curve comes from the image and the classifier, not from the explained class. Any advantage of the base
    over it may be the class written into the mask.

    Paper: none; base(x) for a class uniform over all k, the predicted one among them, drawn anew for each example.
    Differs from the paper: nowhere.
    Cost: that of `base`.

    Attributes:
        base: explainer of the class that was drawn.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"
    targeted: ClassVar[bool] = False

    base: Explainer = Gradient()

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. Classes are drawn on the CPU, so that every device explains the same.

        Raises:
            Skip: the base does not explain the classifier, hence no class of it.
        """
        _require_classifier(self.base, "another class")
        with torch.no_grad():
            num_classes = classifier(train.at(torch.arange(1)).inputs).shape[1]
        base = self.base.prepare(classifier, train)

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            return base(inputs, torch.randint(num_classes, targets.shape).to(targets.device))

        return attribute


@dataclass(frozen=True)
class Randomized:
    """Instrument: another explainer's attributions of the same classifier with random weights.

    An explainer that does as well with random weights shows the image, not what the classifier learned.

    Paper: Adebayo et al. 2018, arXiv:1810.03292, the model parameter randomisation test, all layers at once.
    Differs from the paper: a map is ranked and measured like any other, not compared with that of the trained network.
    Weights are those of PyTorch's initialisation of each module, whatever the classifier began with; batch norms start
    afresh with their statistics.
    Cost: that of `base`.

    Attributes:
        base: explainer of the randomised copy.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    base: Explainer = Gradient()

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the base does not explain the classifier, hence not its weights.
        """
        _require_classifier(self.base, "other weights")
        return self.base.prepare(redrawn(classifier), train)


@dataclass(frozen=True)
class Degraded:
    """Instrument: another explainer with a known amount of noise, so that the true order of its variants is known.

    Paper: Zheng et al. 2025, arXiv:2410.02970, s.5 judges a measure by how it orders explainers that noise made worse.
    Differs from the paper: the noise acts on ranks, so that it means the same for every base. score = (1 - noise) * r +
    noise * u, with u uniform in [0, 1). r is the rank of the magnitude of a unit within its example, from 0, the least,
    to 1, the most important. A pixel is one unit: its channels are summed, and score alike.
    Cost: that of `base`.

    Attributes:
        base: explainer that is made worse.
        noise: in [0, 1]; 0 keeps the order of the base with ties at random, 1 is a random order.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    base: Explainer = Gradient()
    noise: float = 0.4

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise must lie in [0, 1], got {self.noise:g}; it is the share of a score that is random")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`. Noise is drawn on the CPU, so that every device draws the same."""
        base = self.base.prepare(classifier, train)

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            ranks = _normalised_ranks(base(inputs, targets).abs())
            scores = (1 - self.noise) * ranks + self.noise * torch.rand(ranks.shape).to(ranks.device)
            return scores.expand_as(inputs).clone()

        return attribute


@torch.no_grad()
def redrawn(classifier: nn.Module) -> nn.Module:
    """A copy with all weights drawn afresh, on the CPU, so that every device draws the same.

    Every module with `reset_parameters` draws its own. A parameter that kept its value all the same, because no module
    resets it, is shuffled: it keeps its scale and loses what it learned. Buffers stay, those of batch norms excepted.
    """
    device = next(classifier.parameters()).device
    fresh = copy.deepcopy(classifier).cpu()
    learned = [weight.clone() for weight in fresh.parameters()]
    for module in fresh.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
    for weight, before in zip(fresh.parameters(), learned, strict=True):
        if torch.equal(weight, before):
            weight.copy_(weight.flatten()[torch.randperm(weight.numel())].view_as(weight))
    return fresh.to(device)


def _require_classifier(base: Explainer, change: str) -> None:
    if (explains := _explains(base)) != "classifier":
        raise Skip(f"the base explains {explains}, not the classifier: {change} would change nothing")


def _explains(explainer: Explainer) -> Explains:
    """What an explainer explains; one that is built on another, what that explains."""
    base = getattr(explainer, "base", None)
    return getattr(explainer, "explains", "classifier") if base is None else _explains(base)


def _normalised_ranks(magnitudes: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *unit"]:
    """Ranks within each example from 0, the smallest, to 1, the largest; ties at random, pixels as a whole."""
    units = magnitudes.sum(1, keepdim=True) if magnitudes.ndim > 2 else magnitudes
    flat = units.flatten(1)
    shuffle = torch.rand(flat.shape, dtype=torch.float64).argsort(1).to(flat.device)
    order = shuffle.gather(1, flat.gather(1, shuffle).argsort(dim=1, stable=True))
    positions = torch.arange(flat.shape[1], device=flat.device).expand_as(order)
    ranks = torch.empty_like(order).scatter_(1, order, positions)
    return ranks.to(magnitudes.dtype).div(max(1, flat.shape[1] - 1)).view_as(units)
