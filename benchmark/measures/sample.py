"""What measures are given: a few test examples, and what an explainer says of them and of perturbed copies of them."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from roarbench.benchmark.attribution.fitting import Fitting
from roarbench.benchmark.attribution.passes import entering
from roarbench.benchmark.matrix.spec import Target
from roarbench.benchmark.randomness import generator, seeded
from roarbench.benchmark.results.shards import RankMap
from roarbench.datasets.base import Split
from roarbench.methods.adapting import shaped
from roarbench.methods.base import AttributionFunction, Explainer, reduced

IMAGES = 32
"""Test examples that are assessed, a fixed random choice. Part of the protocol, as are the other constants here."""

PERTURBATIONS, RADIUS = 10, 0.02
"""Perturbed copies of each example, uniform in the L-infinity ball of this radius around it (Captum's default)."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Test examples that are assessed, the classes explained, and perturbed copies: the same for all explainers.

    Copies keep the class that is explained in the clean example, and are not clipped to [0, 1].
    """

    inputs: Float[Tensor, "n *feature"]
    targets: Integer[Tensor, "n"]
    copies: Float[Tensor, "p n *feature"]

    @classmethod
    @torch.no_grad()
    def of(cls, network: nn.Module, test: Split, target: Target) -> "Examples":
        """Drawn on the CPU, the same for every explainer, network and device."""
        part = test.at(torch.randperm(len(test), generator=generator("assessment", "examples", len(test)))[:IMAGES])
        targets = part.labels if target == "label" else network(part.inputs).argmax(1)
        shape = PERTURBATIONS, *part.inputs.shape
        noise = 2 * torch.rand(shape, generator=generator("assessment", "perturbations")) - 1
        return cls(part.inputs, targets, part.inputs + RADIUS * noise.to(part.inputs.device))


@dataclass(eq=False)
class Pass:
    """Attributions of the examples by explainers that share their passes, every time with the same random numbers.

    Hence a sensitivity is that to the input and never the noise of an explainer's own sampling; a random control does
    not react at all.

    Attributes:
        attribute: what the source of the explainers prepared.
        explainers: views of that source, or the source itself alone.
        seed: what the random numbers of the explainer derive from.
        images: that entered the network so far, or a copy of it.
        seconds: of each call, by the clock.
    """

    network: nn.Module
    attribute: AttributionFunction
    explainers: Sequence[Explainer]
    examples: Examples
    seed: tuple[object, ...]
    images: int = 0
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._fitting = Fitting(self._counted)

    def __call__(self, inputs: Float[Tensor, "n *feature"]) -> Float[Tensor, "e n d"]:
        """Attributions of each explainer, flattened, in float64.

        Raises:
            ValueError: attributions that are not finite.
        """
        start = _clock(inputs.device)
        with torch.enable_grad(), seeded(*self.seed, "assessment"):  # whatever a measure asks in
            attributions = torch.cat([attributions for _, attributions in self._fitting(inputs, self.examples.targets)])
        self.seconds.append(_clock(inputs.device) - start)
        maps = torch.stack(
            [shaped(reduced(e, attributions), inputs, type(e).__name__).double().flatten(1) for e in self.explainers]
        )
        if not maps.isfinite().all():
            raise ValueError("attributions must be finite, got NaN or infinity for an input that was perturbed or not")
        return maps

    @cached_property
    def clean(self) -> tuple[Float[Tensor, "e n d"], float]:
        """Attributions of the examples, and the images that passed the network for each of them."""
        before = self.images
        maps = self(self.examples.inputs)
        return maps, (self.images - before) / len(self.examples.inputs)

    @cached_property
    def changes(self) -> Float[Tensor, "p e n"]:
        """Euclidean norms of how attributions change from an example to each of its copies."""
        return torch.stack([(self(copy) - self.clean[0]).norm(dim=-1) for copy in self.examples.copies])

    @property
    def seconds_per_image(self) -> float:
        """The median of all calls, of which there is at least one."""
        assert len(self.clean[0])
        return statistics.median(self.seconds) / len(self.examples.inputs)

    def _counted(self, inputs: Float[Tensor, "n *feature"], targets: Integer[Tensor, "n"]) -> Tensor:
        """Attributions; the images of a call that fails do not count."""
        entered: list[int] = []
        with entering(self.network, entered.append):
            attributions = self.attribute(inputs, targets)
        self.images += sum(entered)
        return attributions


@dataclass(frozen=True, eq=False)
class Sample:
    """Test examples with the attributions of one explainer: all that a measure is given.

    Attributes:
        maps: attributions `(n, d)`, flattened, in float64.
        test: the whole test split, on the device of the network.
        ranks: those of the whole test split, 0 for the most important unit; None where they are not stored.
    """

    shared: Pass
    index: int
    test: Split
    ranks: RankMap | None = None

    @property
    def network(self) -> nn.Module:
        """The trained classifier in eval mode: inputs in [0, 1] to logits `(n, k)`."""
        return self.shared.network

    @property
    def inputs(self) -> Float[Tensor, "n *feature"]:
        """The examples, float32 in [0, 1]; a copy, for other measures see the same ones."""
        return self.shared.examples.inputs.clone()

    @property
    def targets(self) -> Integer[Tensor, "n"]:
        """The class that is explained in each example, int64; a copy."""
        return self.shared.examples.targets.clone()

    @property
    def maps(self) -> Float[Tensor, "n d"]:
        """Attributions, signed and flattened, float64; a copy."""
        return self.shared.clean[0][self.index].clone()

    @property
    def passes(self) -> float:
        """Images that pass the network, or a copy of it, for each that is explained."""
        return self.shared.clean[1]

    def explain(self, inputs: Float[Tensor, "n *feature"]) -> Float[Tensor, "n d"]:
        """Attributions of other inputs in the place of the examples: the same classes, the same random numbers."""
        return self.shared(inputs)[self.index]

    @property
    def changes(self) -> Float[Tensor, "p n"]:
        """Euclidean norm of how attributions change from each example to its p perturbed copies."""
        return self.shared.changes[:, self.index].clone()

    @property
    def distances(self) -> Float[Tensor, "p n"]:
        """Euclidean distance of each perturbed copy from its example."""
        return (self.shared.examples.copies - self.inputs).double().flatten(2).norm(dim=-1)

    def logits(self, inputs: Float[Tensor, "n *feature"]) -> Float[Tensor, "n"]:
        """The logit of the explained class of each input, float64."""
        return self.network(inputs).gather(1, self.targets[:, None])[:, 0].double()

    @cached_property
    def truth(self) -> tuple[Integer[Tensor, "m *unit"], Tensor] | None:
        """Ranks of the whole test split, and which features are truly relevant; None where data do not know it."""
        if self.test.truth is None or self.ranks is None or not len(self.test):
            return None
        relevant = torch.cat([self.test.truth(chunk.inputs) > 0 for chunk in self.test.chunks()]).cpu()
        return torch.from_numpy(self.ranks[np.arange(len(self.test))].astype("int64")), relevant


def _clock(device: torch.device) -> float:
    """Seconds by the clock; a GPU is awaited."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
