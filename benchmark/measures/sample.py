"""What measures are given: a few test examples, and what an explainer says of them and of perturbed copies of them."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor, nn

from roarbench.benchmark.attribution.fitting import Fitting
from roarbench.benchmark.attribution.guard import Guarded
from roarbench.benchmark.attribution.passes import entering
from roarbench.benchmark.attribution.rankings import prepared
from roarbench.benchmark.matrix.spec import Target
from roarbench.benchmark.matrix.units import unit_shape
from roarbench.benchmark.randomness import generator, seeded
from roarbench.benchmark.removal.ranks import rank
from roarbench.benchmark.results.shards import RankMap
from roarbench.datasets.base import Split
from roarbench.methods.adapting import shaped
from roarbench.methods.base import AttributionFunction, ByPosition, Explainer, Skip, reduced, source_of

IMAGES = 32
"""Test examples that are assessed, a fixed random choice. Part of the protocol, as are the other constants here."""

PERTURBATIONS, RADIUS = 10, 0.02
"""Perturbed copies of each example, uniform in the L-infinity ball of this radius around it (Captum's default)."""

UNKNOWN = "the training split is needed, and the sample has none"

Fit = Callable[[nn.Module], None]
"""Trains a network in place."""

Keep = Callable[[str, nn.Module, Fit], None]
"""(name, network, fit): fills a network with what is stored under a name; where nothing is, fits and stores it."""


@dataclass(frozen=True, eq=False)
class Background:
    """Where the network of a sample comes from.

    Attributes:
        train: what it was trained on, on its device.
        pairing: what its batch order was drawn from: equal for all explainers, and so are networks tuned from it.
        keep: where tuned networks are stored; without, each is fitted whenever it is asked for.
    """

    train: Split
    pairing: tuple[object, ...] = ()
    keep: Keep = lambda name, network, fit: fit(network)


@dataclass(frozen=True, eq=False)
class Examples:
    """Test examples that are assessed, the classes explained, and perturbed copies: the same for all explainers.

    Copies keep the class that is explained in the clean example, and are not clipped to [0, 1].

    Attributes:
        positions: of the examples in the test split.
        target: class that is explained, the predicted one or the label.
    """

    inputs: Float[Tensor, "n *feature"]
    targets: Integer[Tensor, "n"]
    copies: Float[Tensor, "p n *feature"]
    positions: Integer[Tensor, "n"]
    target: Target = "predicted"

    @classmethod
    @torch.no_grad()
    def of(cls, network: nn.Module, test: Split, target: Target) -> "Examples":
        """Drawn on the CPU, the same for every explainer, network and device."""
        positions = torch.randperm(len(test), generator=generator("assessment", "examples", len(test)))[:IMAGES]
        part = test.at(positions)
        targets = part.labels if target == "label" else network(part.inputs).argmax(1)
        shape = PERTURBATIONS, *part.inputs.shape
        noise = 2 * torch.rand(shape, generator=generator("assessment", "perturbations")) - 1
        return cls(part.inputs, targets, part.inputs + RADIUS * noise.to(part.inputs.device), positions, target)


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
        background: where the network comes from; None where nobody asks.
        known: attributions of the examples for other classes or networks, by name.
    """

    network: nn.Module
    attribute: AttributionFunction
    explainers: Sequence[Explainer]
    examples: Examples
    seed: tuple[object, ...]
    images: int = 0
    seconds: list[float] = field(default_factory=list)
    background: Background | None = None
    known: dict[str, Float[Tensor, "e n d"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._fitting = Fitting(self._counted)

    def __call__(
        self, inputs: Float[Tensor, "n *feature"], targets: Integer[Tensor, "n"] | None = None
    ) -> Float[Tensor, "e n d"]:
        """Attributions of each explainer, flattened, in float64.

        Args:
            targets: classes that are explained; those of the examples without.

        Raises:
            ValueError: attributions that are not finite.
        """
        start, classes = _clock(inputs.device), self.examples.targets if targets is None else targets
        with torch.enable_grad(), seeded(*self.seed, "assessment"):  # whatever a measure asks in
            attributions = torch.cat([attributions for _, attributions in self._fitting(inputs, classes)])
        self.seconds.append(_clock(inputs.device) - start)
        return self._maps(inputs, attributions)

    @cached_property
    def clean(self) -> tuple[Float[Tensor, "e n d"], float]:
        """Attributions of the examples, and the images that passed the network for each of them."""
        before = self.images
        maps = self._stored() if isinstance(self._function, ByPosition) else self(self.examples.inputs)
        return maps, (self.images - before) / len(self.examples.inputs)

    @property
    def _function(self) -> object:
        """What the source of the explainers prepared, without its guard."""
        return self.attribute.attribute if isinstance(self.attribute, Guarded) else self.attribute

    def _stored(self) -> Float[Tensor, "e n d"]:
        """Attributions that are known by the positions of the examples."""
        assert isinstance(self.attribute, Guarded)
        start, inputs = _clock(self.examples.inputs.device), self.examples.inputs
        attributions = self.attribute.at("test", self.examples.positions, inputs.device)
        self.seconds.append(_clock(inputs.device) - start)
        return self._maps(inputs, attributions)

    def _maps(self, inputs: Float[Tensor, "n *feature"], attributions: Tensor) -> Float[Tensor, "e n d"]:
        """What each explainer makes of the attributions of the source."""
        maps = torch.stack(
            [shaped(reduced(e, attributions), inputs, type(e).__name__).double().flatten(1) for e in self.explainers]
        )
        if not maps.isfinite().all():
            raise ValueError("attributions must be finite, got NaN or infinity for an input that was perturbed or not")
        return maps

    @cached_property
    def changes(self) -> Float[Tensor, "p e n"]:
        """Euclidean norms of how attributions change from an example to each of its copies."""
        return torch.stack([(self(copy) - self.clean[0]).norm(dim=-1) for copy in self.examples.copies])

    def prepared_for(self, network: nn.Module) -> "Pass":
        """The pass of explainers that are prepared anew, for another network, with the same random numbers.

        Raises:
            Skip: the training split is not known.
        """
        if self.background is None:
            raise Skip(UNKNOWN)
        source = source_of(self.explainers[0])
        with torch.enable_grad(), seeded(*self.seed, "prepare"):
            attribute = prepared(source, type(source).__name__, network, self.background.train)
        return replace(self, network=network, attribute=attribute, images=0, seconds=[], known={})

    def once(self, name: str, maps: Callable[[], Float[Tensor, "e n d"]]) -> Float[Tensor, "e n d"]:
        """Attributions that are computed when their name is first asked for, by one of the explainers."""
        if name not in self.known:
            self.known[name] = maps()
        return self.known[name]

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
    def feature_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.test.feature_shape

    @cached_property
    def units(self) -> tuple[int, ...]:
        """Shape of the ranks of one example; where none are stored, that of its pixels or features."""
        if self.ranks is None:
            return unit_shape(self.feature_shape, "pixel")
        return tuple(self.ranks[np.arange(1)].shape[1:])

    def by_unit(self, name: str) -> str:
        """A name of what depends on the units, with their shape where these are no pixels."""
        return name if self.units == unit_shape(self.feature_shape, "pixel") else f"{name}{list(self.units)}"

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

    def explain(
        self, inputs: Float[Tensor, "n *feature"], targets: Integer[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n d"]:
        """Attributions of other inputs in the place of the examples: the same classes, the same random numbers.

        Args:
            targets: classes that are explained instead; then the inputs may be of any number.
        """
        return self.shared(inputs, targets)[self.index]

    def explained_for(self, targets: Integer[Tensor, "n"], name: str) -> Float[Tensor, "n d"]:
        """Attributions of the examples for other classes.

        Args:
            name: of these classes: explainers that share their passes compute the maps once.
        """
        return self.shared.once(name, lambda: self.shared(self.inputs, targets))[self.index].clone()

    def explained_by(self, network: nn.Module, name: str) -> Float[Tensor, "n d"]:
        """Attributions of the examples by the explainer as it is prepared for another network.

        Args:
            name: of that network: explainers that share their passes compute the maps once.

        Raises:
            Skip: the explainer trains networks of its own, and would train them anew.
        """
        self.require_untrained()
        return self.shared.once(name, lambda: self.shared.prepared_for(network)(self.inputs))[self.index].clone()

    def require_untrained(self) -> None:
        """Raises Skip where the explainer trains networks of its own, which takes too long to do for every network."""
        if trains(self.shared.explainers[self.index]):
            raise Skip("the explainer trains networks of its own: it would train again for every network")

    @property
    def background(self) -> Background:
        """Where the network comes from.

        Raises:
            Skip: the sample was made without the training split.
        """
        if self.shared.background is None:
            raise Skip(UNKNOWN)
        return self.shared.background

    @property
    def mean(self) -> Float[Tensor, "*channel"]:
        """Mean of the training inputs, `(c, 1, 1)` or `(d,)`, which replaces what is removed."""
        return self.background.train.statistics.mean.to(self.inputs)

    def tuned(self, name: str, network: nn.Module, fit: Fit) -> nn.Module:
        """A network fitted once for the trained network, and shared by all explainers and worker processes.

        Args:
            name: of what is fitted, with all that its weights depend on.
            network: is filled with the stored weights; nobody else's, such as a copy of the trained network.
            fit: trains it in place; random numbers come from the global generator or from names.
        """

        def seeded_fit(network: nn.Module) -> None:
            with torch.enable_grad(), seeded("tuned", name, *self.background.pairing):
                fit(network)

        self.background.keep(name, network, seeded_fit)
        return network.eval()

    @property
    def changes(self) -> Float[Tensor, "p n"]:
        """Euclidean norm of how attributions change from each example to its p perturbed copies."""
        return self.shared.changes[:, self.index].clone()

    @property
    def distances(self) -> Float[Tensor, "p n"]:
        """Euclidean distance of each perturbed copy from its example."""
        return (self.shared.examples.copies - self.inputs).double().flatten(2).norm(dim=-1)

    def logits(self, inputs: Float[Tensor, "n *feature"], network: nn.Module | None = None) -> Float[Tensor, "n"]:
        """The logit of the explained class of each input, float64; of the trained network, unless another is given."""
        return (network or self.network)(inputs).gather(1, self.targets[:, None])[:, 0].double()

    def ranked_examples(self, most: int) -> Iterator[tuple[Split, Integer[Tensor, "b *unit"], Integer[Tensor, "b"]]]:
        """Test examples in chunks, at most so many of a fixed random choice, with their ranks and explained classes.

        Raises:
            Skip: ranks of the test split are not stored.
        """
        if self.ranks is None:
            raise Skip("ranks of the test split are needed, and are not stored")
        chosen = torch.randperm(len(self.test), generator=generator("assessment", "ranked", len(self.test)))[:most]
        position = 0
        for part in self.test.take(chosen).chunks():
            rows = self.ranks[chosen[position : position + len(part)].numpy()].astype("int64")
            position += len(part)
            labels = self.shared.examples.target == "label"
            yield (
                part, torch.from_numpy(rows).to(part.labels.device),
                part.labels if labels else self.network(part.inputs).argmax(1),
            )  # fmt: skip

    @cached_property
    def ranked(self) -> Integer[Tensor, "n *unit"]:
        """Ranks of the units of the examples, 0 for the most important.

        They are those of the benchmark; where none are stored, pixels are ranked by the magnitudes of the maps.
        """
        if self.ranks is not None:
            rows = self.ranks[self.shared.examples.positions.numpy()].astype("int64")
            return torch.from_numpy(rows).to(self.targets.device)
        maps = self.maps.view_as(self.inputs)
        return rank(maps, unit="pixel", magnitude=True, generator=generator("assessment", "ties"))

    @cached_property
    def truth(self) -> tuple[Integer[Tensor, "m *unit"], Tensor] | None:
        """Ranks of the whole test split, and which features are truly relevant; None where data do not know it."""
        if not self.test.has_truth or self.ranks is None or not len(self.test):
            return None
        relevant = torch.cat([_relevant(chunk) for chunk in self.test.chunks()]).cpu()
        return torch.from_numpy(self.ranks[np.arange(len(self.test))].astype("int64")), relevant

    @cached_property
    def relevant(self) -> Bool[Tensor, "n *feature"] | None:
        """Which features of the examples are truly relevant; None where data do not know it."""
        return _relevant(self.test.at(self.shared.examples.positions)) if self.test.has_truth else None


def _relevant(part: Split) -> Bool[Tensor, "n *feature"]:
    """Which features of the examples of a part of a split are truly relevant."""
    return part.relevance() > 0


def trains(explainer: object) -> bool:
    """Whether an explainer, or one that it is built on, trains networks of its own."""
    if getattr(explainer, "trains", False):
        return True
    return is_dataclass(explainer) and any(trains(getattr(explainer, field.name)) for field in fields(explainer))


def _clock(device: torch.device) -> float:
    """Seconds by the clock; a GPU is awaited."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
