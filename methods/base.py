"""What an explainer is: a frozen dataclass of hyper-parameters that prepares an attribution function."""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split

AttributionFunction = Callable[[Float[Tensor, "b *feature"], Int[Tensor, "b"]], Float[Tensor, "b *feature"]]
"""(inputs, target classes) -> signed attributions, the shape of the inputs."""

Explains = Literal["classifier", "itself", "nothing"]


class Skip(Exception):  # noqa: N818  (not an error: the method does not apply here)
    """Raised by `prepare` where a method does not apply; the reason reaches the report."""


@runtime_checkable
class Explainer(Protocol):
    """A frozen dataclass of hyper-parameters; its fields are the bracketed parameters of the command line.

    A method `check(data)` is called before a run with each of its data sets, and raises ValueError where the explainer
    does not fit it. It may carry seven class attributes:
        version: a whole number, 1 unless given; raised when the results of the explainer change on purpose.
        explains: "classifier" (post hoc; the default), "itself" (self-explaining) or "nothing" (a control).
        trains: True where `prepare` trains networks, for minutes: such work is begun first.
        hides: True where what `prepare` returns has masks of its own (`OwnMasks`): networks are retrained behind these,
            and behind those of all other explainers at the share that they hide.
        monotone: True for a rising function of the magnitude of each single value of its `base`: where a unit has one
            value and magnitudes are ranked, it is skipped as a copy of the base.
        targeted: False where attributions of a classifier do not follow the target class; True unless given.
        per_epoch: True for a control whose images lose other units, drawn at random, whenever they are trained on.
    """

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """Builds the function that attributes a batch: trains, draws references, or does nothing at all.

        Args:
            classifier: trained, in eval mode, `(b, *feature)` in [0, 1] -> logits `(b, k)`; must be left unchanged.
            train: training split the classifier saw, on the classifier's device.

        Raises:
            Skip: the method does not apply to this classifier or data.
        """
        ...


@runtime_checkable
class OwnMasks(Protocol):
    """An attribution function that also decides by itself how much to hide, and classifies what is left.

    Attributes:
        notes: whole numbers or shares worth a column, such as restarts.
    """

    notes: Mapping[str, float]

    def __call__(self, inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
        """Attributions, as from any attribution function."""
        ...

    def hide(self, inputs: Float[Tensor, "b *feature"]) -> tuple[Bool[Tensor, "b *mask"], Float[Tensor, "b k"]]:
        """Its mask, True = kept, which broadcasts over the inputs; and its logits for the classes of what is left."""
        ...


@runtime_checkable
class ByPosition(Protocol):
    """An attribution function that knows the examples of a data set by their positions, and no other inputs."""

    def at(self, split: str, index: Int[Tensor, "b"]) -> Float[Tensor, "b *map"]:
        """Attributions of some examples of the split "train", "validation" or "test".

        Raises:
            Skip: it has none of that split.
        """
        ...

    def __call__(self, inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
        """Raises Skip: other inputs have no attributions."""
        ...


class View:
    """An explainer that is a cheap function of a costlier `source`, so that several views share one pass.

    A subclass is a frozen dataclass that defines `source` and `reduce`. SmoothGrad and VarGrad, for example, are two
    views of the same noisy passes. Random numbers are drawn by the source alone and seeded with its name. Hence a view
    yields the same attributions alone and beside others.
    """

    @property
    def source(self) -> Explainer:
        """The explainer whose output is reduced; equal sources are computed once."""
        raise NotImplementedError

    def reduce(self, passed: Tensor) -> Float[Tensor, "b *feature"]:
        """Turns the output of the source into attributions."""
        raise NotImplementedError

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`."""
        attribute = self.source.prepare(classifier, train)
        return lambda inputs, targets: self.reduce(attribute(inputs, targets))


def source_of(explainer: Explainer) -> Explainer:
    """The explainer whose pass is computed: the source of a view, otherwise the explainer itself."""
    return explainer.source if isinstance(explainer, View) else explainer


def reduced(explainer: Explainer, passed: Tensor) -> Float[Tensor, "b *feature"]:
    """Attributions of an explainer from the pass of its source."""
    return explainer.reduce(passed) if isinstance(explainer, View) else passed
