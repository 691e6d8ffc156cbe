"""What is measured: frozen specifications whose hash is the identity of a result. Pure data, no torch."""

import hashlib
import json
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Literal

from roarbench.benchmark.matrix.recipe import Recipe

Target = Literal["predicted", "label"]
Unit = str
"""As `units` writes them: "pixel", "feature", "patch[size=4]"."""

Order = Literal["morf", "lerf"]
Probe = Literal["image", "mask", "attribution", "own_mask", "matched", "evaluator", "foreign"]

NO_IDENTITY = ("text", "handling", "means")
"""Attributes of a plug-in that are no part of the identity of a result; earlier stores call its handling means."""

LATER = ("measure", "evaluator", "folds", "finetune")
"""Fields that specifications did not have at first: without a value they are no part of the identity."""

KEPT = "_key"
"""Where a specification keeps its key, beside its fields."""


def key(specification: object) -> str:
    """16 hexadecimal digits of the SHA-256 of the canonical form of a specification (a dataclass).

    Floats are rounded to 10 decimals, so that 0.1 + 0.2 and 0.3 are one fraction. A specification keeps its key, for a
    run asks for it many times; equal ones may differ in theirs, as 1 equals true.
    """
    kept = vars(specification)
    if KEPT not in kept:
        kept[KEPT] = digest(specification)
    return kept[KEPT]


def digest(specification: object) -> str:
    """16 hexadecimal digits of the SHA-256 of a specification, as it is or as plain data, or of any part of one."""
    return hashlib.sha256(json.dumps(_canonical(specification), sort_keys=True).encode()).hexdigest()[:16]


def check_fraction(fraction: float, name: str = "removal_fraction") -> None:
    """Raises ValueError unless a fraction, called by the caller's name for it, lies in [0, 1]."""
    if not 0 <= fraction <= 1:
        hint = f"; did you mean {fraction / 100:g}?" if 2 <= fraction <= 100 else ""
        raise ValueError(f"{name} must lie in [0, 1], got {fraction:g}{hint}")


def _canonical(value: object) -> object:
    if isinstance(value, float):
        return round(value, 10) + 0.0
    if is_dataclass(value):
        value = {part.name: getattr(value, part.name) for part in fields(value)}
    if isinstance(value, dict):
        counts = (name for name in value if name not in NO_IDENTITY and not (name in LATER and value[name] is None))
        return {str(name): _canonical(value[name]) for name in counts}
    if isinstance(value, list | tuple):
        return [_canonical(part) for part in value]
    return value


@dataclass(frozen=True)
class PlugIn:
    """A data set, classifier, explainer or fill by name, with every parameter it has, defaults included.

    Attributes:
        parameters: (name, value) pairs sorted by name; the checksum of its content in place of a path.
        source: checksum of the code that a plug-in of one's own uses, empty for ours, which have versions: results of
            code that was edited since never pass for results of the code as it is.
        text: how it is written, without defaults: "smoothgrad[samples=50]"; not part of the identity.
        handling: parameters that change no number, such as `in_memory`, and the paths of files whose content counts;
            not part of it either.
    """

    name: str
    version: int
    parameters: tuple[tuple[str, object], ...] = ()
    source: str = ""
    text: str = field(default="", compare=False)
    handling: tuple[tuple[str, object], ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Original:
    """A classifier trained from scratch on intact inputs: what all networks of its seed are compared with."""

    dataset: PlugIn
    classifier: PlugIn
    recipe: Recipe
    seed: int

    def pairing(self) -> tuple[object, ...]:
        """What initial weights and batch order are drawn from: equal for all explainers, hence paired results."""
        return key(self.dataset), key(self.classifier), self.seed


@dataclass(frozen=True)
class Ranking:
    """Features of every image ordered by one explainer of one trained classifier.

    Attributes:
        magnitude: rank by absolute value instead of signed value.
        unit: "pixel" removes all channels of a place together, "feature" each value on its own, "patch[size=4]" all
            places of a square patch with their channels.
        folds: number of folds by which training images are explained, each by a network trained on the other folds;
            None where the trained classifier explains all images.
    """

    training: Original
    explainer: PlugIn
    target: Target = "predicted"
    magnitude: bool = True
    unit: Unit = "pixel"
    folds: int | None = None

    @property
    def crossed(self) -> "tuple[Fold, ...]":
        """The networks that explain the training images, in the order of the folds; none without folds."""
        return tuple(Fold(self.training, self.folds, number) for number in range(self.folds)) if self.folds else ()


@dataclass(frozen=True)
class Fold:
    """A network trained on all training images but those of one fold, which it explains.

    It begins from the initial weights of the original network, so that the two differ by their data alone.

    Attributes:
        training: of the original network, which explains validation and test images.
        folds: how many there are.
        number: of the fold that is held out, from 0.
    """

    training: Original
    folds: int
    number: int


@dataclass(frozen=True)
class Evaluator:
    """How the shared evaluator is trained: one network behind random masks, for all explainers (EVAL-X).

    Attributes:
        unit: what its masks hide as a whole.
        blobs: share of its masks whose hidden units lie together; the others are scattered.
        epochs: times those of the recipe.
    """

    unit: Unit
    blobs: float = 0.5
    epochs: int = 5


@dataclass(frozen=True)
class Cell:
    """One measurement, fully specified.

    Attributes:
        training: classifier, data, recipe and seed of the network that is measured.
        ranking: which features go first; None where it does not matter (removal fraction 0 or 1).
        removal_fraction: share of units replaced, in [0, 1].
        retrain: False measures the original network on reduced test inputs.
        probe: what the network sees: "image", the reduced image; "mask", only the mask (leakage control); "own_mask",
            the image behind masks that the explainer chose itself; "matched", the image reduced to the share that
            such masks hide; "foreign", the reduced image, after a training behind masks of other images;
            "evaluator", the reduced image, after a training behind random masks. "attribution" measures the
            attributions themselves, and nothing is removed.
        measure: what is measured of the attributions; None for the measures of the group "standard" together.
        steps: removal fractions at which a network was retrained and explained on the way to this one (recursive
            ROAR); None where the original network alone is explained.
        evaluator: how the network was trained that all explainers share; None for any other network.
    """

    training: Original
    ranking: Ranking | None
    fill: PlugIn | None
    order: Order = "morf"
    removal_fraction: float = 0.0
    retrain: bool = True
    probe: Probe = "image"
    steps: tuple[float, ...] | None = None
    measure: PlugIn | None = None
    evaluator: Evaluator | None = None

    @property
    def judge(self) -> "Cell | None":
        """The cell of the shared evaluator on intact images, which its training yields; None without one."""
        return replace(self, ranking=None, order="morf", removal_fraction=0.0) if self.evaluator else None

    @property
    def intact(self) -> bool:
        """Whether this is the original network on original inputs."""
        return self.removal_fraction == 0 and self.probe == "image"
